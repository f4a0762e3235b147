"""Bucket reuse: the same buckets for every experiment, drawn anew among those that are free.

References:
    Schultzberg, Kjellin, Rydberg (2020), arXiv:2012.10202: sampling buckets instead of units.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from steelyard.assign.allocation.conflicts import conflicts
from steelyard.assign.allocation.ledger import ROOT, Buckets, Ledger, Owner, resting_from
from steelyard.errors import AllocationError


def draw(ledger: Ledger, owner: Owner, count: int, at: datetime, cool_off: int) -> dict[str, Buckets]:
    """Return the buckets that a claim gets, by node.

    Args:
        ledger: Everything claimed before.
        owner: Who claims.
        count: How many.
        at: When.
        cool_off: Seconds that a conflicting owner's bucket must have rested.

    Raises:
        AllocationError: Fewer are free.
    """
    free = free_buckets(ledger, owner, at, cool_off)
    if len(free) < count:
        resting = len(free_buckets(ledger, owner, at, 0)) - len(free)
        rest = f", and {resting:,} more rest after their last owner" if resting else ""
        raise AllocationError(
            f"{owner.name!r} asks for {count:,} buckets and {len(free):,} of "
            f"{ledger.programme.buckets:,} are free{rest}",
            hint="claim fewer, or stop an experiment that is exclusive to it: `steelyard allocation show`",
        )
    return {ROOT: first_of(ledger, owner.name, free, count)}


def free_buckets(ledger: Ledger, owner: Owner, at: datetime, cool_off: int) -> Buckets:
    """Return the buckets that no owner in conflict has, or had within the time of rest."""
    exclusive, rested = ledger.programme.exclusive, resting_from(at, cool_off)
    taken: set[int] = set()
    for tenure in ledger.tenures:
        if tenure.valid_to is not None and tenure.valid_to <= rested:
            continue
        is_own = tenure.owner == owner.name
        if is_own or conflicts(owner, ledger.owners[tenure.owner], exclusive=exclusive):
            taken |= tenure.buckets
    return frozenset(range(ledger.programme.buckets)) - taken


def first_of(ledger: Ledger, name: str, free: Iterable[int], count: int) -> Buckets:
    """Return the first free buckets in the order that is an experiment's own.

    The order is by the hash of the bucket under ``programme salt / experiment``: the same in every
    process, and independent of every other experiment's.
    """
    start = hashlib.sha256(f"{ledger.programme.salt}/{name}:".encode())

    def rank(bucket: int) -> bytes:
        hashed = start.copy()
        hashed.update(b"%d" % bucket)
        return hashed.digest()

    return frozenset(sorted(free, key=rank)[:count])
