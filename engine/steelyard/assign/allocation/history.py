"""What the units of a draw have been through: who had them before, and how far that is from chance.

The variants inside a sample are balanced whatever its past, for another salt draws them. The past
matters for whom the sample stands for: who is free depends on which experiments have run.

References:
    Schultzberg, Kjellin, Rydberg (2020), arXiv:2012.10202, on the bias of restricted bucket sampling.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from steelyard.assign.allocation.ledger import ROOT, Buckets, Ledger, Owner
from steelyard.assign.allocation.lines import Line
from steelyard.assign.allocation.replay import replay
from steelyard.assign.allocation.reuse import first_of, free_buckets
from steelyard.errors import AllocationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One earlier owner's part in a draw.

    Attributes:
        owner: The experiment or holdback that had buckets before.
        kind: What it is.
        until: When it gave them back; None while it has them.
        buckets: How many of the draw's buckets it has had.
        share: Their share of the draw.
        expected_share: The share among all buckets that were free for the draw.
        programme_share: The share among all buckets of the programme.
        z: Distance of ``share`` from ``expected_share`` in standard deviations of a random draw; None where
            it could not have been otherwise.
    """

    owner: str
    kind: str
    until: datetime | None
    buckets: int
    share: float
    expected_share: float
    programme_share: float
    z: float | None


def history_of(lines: Sequence[Line], experiment: str, *, shown: str = "") -> tuple[Past, ...]:
    """Return the past of an experiment's first draw, the latest owner first.

    Args:
        lines: The programme's log.
        experiment: The experiment, or a holdback.
        shown: The log's name, for messages.

    Raises:
        AllocationError: It has claimed nothing, or the programme is a salt machine.
    """
    first = next((line for line in lines if line.event.owner == experiment), None)
    if first is None:
        replay(lines, shown=shown).owner(experiment, "experiment")
        raise AssertionError(experiment)
    after = replay(lines[: first.seq], shown=shown)
    _require_reuse(after)
    before = replay(lines[: first.seq - 1], shown=shown)
    cool_off = int(getattr(first.event, "cool_off", 0))
    free = free_buckets(before, after.owners[experiment], first.at, cool_off)
    return tuple(_pasts(before, after.held(experiment)[ROOT], free))


def history_of_plan(
    ledger: Ledger, owner: Owner, count: int, *, at: datetime, cool_off: int = 0
) -> tuple[Past, ...]:
    """Return the past of a draw that has not been claimed.

    Args:
        ledger: The programme's state.
        owner: Who would claim.
        count: How many buckets.
        at: When.
        cool_off: Seconds that a conflicting owner's bucket must have rested.

    Raises:
        AllocationError: Fewer buckets are free, or the programme is a salt machine.
    """
    _require_reuse(ledger)
    free = free_buckets(ledger, owner, at, cool_off)
    if len(free) < count:
        raise AllocationError(f"{count:,} buckets are asked for and {len(free):,} are free")
    return tuple(_pasts(ledger, first_of(ledger, owner.name, free, count), free))


def distance(observed: int, drawn: int, marked: int, free: int) -> float | None:
    """Return how far a draw without replacement is from its mean, in its standard deviations.

    Args:
        observed: Marked buckets in the draw.
        drawn: Buckets in the draw.
        marked: Marked buckets among the free.
        free: Buckets that could be drawn.

    Returns:
        The distance; None where no draw could have been different.

    Examples:
        >>> round(distance(30, 100, 200, 1000), 4)
        2.6339
        >>> distance(100, 100, 1000, 1000) is None
        True
    """
    if free < 2:
        return None
    share = marked / free
    variance = drawn * share * (1 - share) * (free - drawn) / (free - 1)
    return (observed - drawn * share) / sqrt(variance) if variance > 0 else None


def _pasts(ledger: Ledger, drawn: Buckets, free: Buckets) -> Iterator[Past]:
    owners = sorted(ledger.owners.values(), key=lambda one: (one.until or ledger.at, one.name), reverse=True)
    for owner in owners:
        had = frozenset[int]().union(
            *(tenure.buckets for tenure in ledger.tenures if tenure.owner == owner.name)
        )
        yield Past(
            owner=owner.name,
            kind=owner.kind,
            until=owner.until,
            buckets=len(had & drawn),
            share=len(had & drawn) / len(drawn),
            expected_share=len(had & free) / len(free),
            programme_share=len(had) / ledger.programme.buckets,
            z=distance(len(had & drawn), len(drawn), len(had & free), len(free)),
        )


def _require_reuse(ledger: Ledger) -> None:
    if ledger.programme.strategy != "bucket_reuse":
        raise AllocationError(
            "a salt machine mixes the units of its buckets, so that these have no history",
            where=f"programme {ledger.programme.programme}",
            hint="the strategy bucket_reuse keeps one",
        )
