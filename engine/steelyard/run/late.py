"""Rows that came after their day was closed: counted by day when it is closed, and again for a while."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from steelyard.analysis.increment import IncrementCollector
from steelyard.compile.state_plan import StatePlan
from steelyard.warehouse.state import State

WATCHED_DAYS = 7
"""How many closed days are counted again by every run."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRows:
    """Rows of one relation that came, or went, after their day was closed.

    Attributes:
        relation: The scan, or the log of exposures.
        more: Rows that came.
        fewer: Rows that went.
        first: First day that they are of.
        last: Last day.
    """

    relation: str
    more: int
    fewer: int
    first: date
    last: date

    def __str__(self) -> str:
        counts = [f"{n:,} rows {word}" for n, word in ((self.more, "came"), (self.fewer, "went")) if n]
        return f"{self.relation}: {' and '.join(counts)}, of {self.first} to {self.last}"


def count_again(
    plan: StatePlan, collector: IncrementCollector, state: State | None, until: date
) -> dict[str, Any]:
    """Return the counts that a state keeps: of days as they were closed, and what has changed in them since."""
    first = _first_watched(plan, until)
    now = _count(plan, collector, first, until)
    counted: dict[str, dict[str, int]] = {}
    late: dict[str, dict[str, int]] = {}
    for relation, days in now.items():
        known = {} if state is None else state.content["counted"].get(relation, {})
        counted[relation] = known | {day: n for day, n in days.items() if _is_new(day, state)}
        late[relation] = _differences(relation, days, state, first=first)
    return {"counted": counted, "late": late}


def late_rows(late: Mapping[str, Mapping[str, int]]) -> tuple[LateRows, ...]:
    """Return what has changed in closed days, by relation."""
    return tuple(
        LateRows(
            relation=relation,
            more=sum(n for n in days.values() if n > 0),
            fewer=-sum(n for n in days.values() if n < 0),
            first=date.fromisoformat(min(days)),
            last=date.fromisoformat(max(days)),
        )
        for relation, days in late.items()
        if days
    )


def _count(
    plan: StatePlan, collector: IncrementCollector, first: date, until: date
) -> dict[str, dict[str, int]]:
    found = {}
    for relation, query in _queries(plan, first):
        rows = collector.ask(f"counted_{relation.replace(' ', '_')}", query)
        found[relation] = {
            day.isoformat(): int(n) for day, n in rows if day is not None and first <= day <= until
        }
    return found


def _queries(plan: StatePlan, first: date) -> Iterator[tuple[str, Any]]:
    yield f"exposures {plan.group.exposures}", plan.counted_exposures(first)
    for scan in plan.group.scans:
        yield f"facts {scan.name}", plan.counted_days(scan, first)


def _first_watched(plan: StatePlan, until: date) -> date:
    """Return the first day that is counted: a fixed number of days back, however old the experiment is."""
    closed = until if plan.since is None else min(plan.since, until)
    return closed - (WATCHED_DAYS - 1) * DAY


def _is_new(day: str, state: State | None) -> bool:
    return state is None or date.fromisoformat(day) > state.closed_through


def _differences(relation: str, now: dict[str, int], state: State | None, *, first: date) -> dict[str, int]:
    """Return how many more rows days have than when they were closed; days no longer watched as last known."""
    if state is None:
        return {}
    counted = state.content["counted"].get(relation, {})
    known = state.content["late"].get(relation, {})
    kept = {day: n for day, n in known.items() if date.fromisoformat(day) < first}
    closed = state.closed_through.isoformat()
    watched = {day for day in {*counted, *now} if first.isoformat() <= day <= closed}
    begun = min(counted, default=closed)
    found = {
        day: now.get(day, 0) - counted.get(day, 0)
        for day in sorted(watched)
        if day >= begun and now.get(day, 0) != counted.get(day, 0)
    }
    return kept | found
