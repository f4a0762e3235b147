"""Owners of buckets as rows for people."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from steelyard.assign.allocation.ledger import Ledger, Owner
from steelyard.assign.allocation.programmes import ProgrammeState
from steelyard.assign.allocation.salt_machine import claimable_share, free_share

Row = dict[str, Any]


def owner_rows(state: ProgrammeState) -> Iterator[Row]:
    """Yield the owners of a programme, and last what is free and what is wasted."""
    if state.ledger is None:
        return
    for owner in state.ledger.owners.values():
        yield owner_row(state.ledger, owner)
    free, wasted = _free(state.ledger)
    yield _nobody(state.ledger, "free", free)
    if wasted:
        yield _nobody(state.ledger, "wasted", wasted)


def _nobody(ledger: Ledger, kind: str, share: Fraction) -> Row:
    return {
        "programme": ledger.programme.programme,
        "owner": "",
        "kind": kind,
        "phase": "",
        "domain": "",
        "share": float(share),
        "buckets": int(share * ledger.programme.buckets),
        "since": None,
        "until": None,
        "salt": "",
        "dropped": 0,
    }


def owner_row(ledger: Ledger, owner: Owner) -> Row:
    """Return what a claim has led to: an owner, and what it has now."""
    held = ledger.held(owner.name)
    return {
        "programme": ledger.programme.programme,
        "owner": owner.name,
        "kind": owner.kind,
        "phase": owner.phase,
        "domain": owner.domain,
        "share": float(ledger.share(owner.name)),
        "buckets": sum(map(len, held.values())),
        "since": owner.since,
        "until": owner.until,
        "salt": owner.salt,
        "dropped": sum(
            len(one.buckets)
            for one in ledger.ended
            if one.owner == owner.name and one.kind != "node" and one.valid_to != owner.until
        ),
    }


def _free(ledger: Ledger) -> tuple[Fraction, Fraction]:
    """Return the share of the units that can be claimed, and that which nobody has and nobody can claim."""
    if ledger.programme.strategy == "salt_machine":
        claimable = claimable_share(ledger)
        return claimable, free_share(ledger) - claimable
    taken = frozenset[int]().union(*(one.buckets for one in ledger.lasting))
    return 1 - Fraction(len(taken), ledger.programme.buckets), Fraction(0)
