"""Open days whose facts are as an earlier run has read them: what it has found is taken as it is."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from steelyard.analysis.increment import Increment, IncrementCollector, Row
from steelyard.compile.group import MomentQuery
from steelyard.compile.state_plan import StatePlan
from steelyard.run.state_rows import from_json, to_json
from steelyard.warehouse.state import State

DAY = timedelta(days=1)

Fingerprints = Mapping[str, Mapping[str, list[str]]]
"""Of each scan and day: how many facts it has, and the sum of their hashes. A day without facts is not there."""


def ask_fingerprints(plan: StatePlan, collector: IncrementCollector, first: date) -> Fingerprints:
    """Return the fingerprints of the facts from a day on.

    Facts have to be read after they were asked for: what comes in between is then read, and seen as a change by the
    next run, which reads its day again.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for scan in plan.group.scans:
        query = plan.fingerprints(scan, first) if scan.outcomes else None
        if query is not None:
            rows = collector.ask(f"fingerprints_{scan.name}", query)
            found[scan.name] = {
                day.isoformat(): [str(n), str(hashes)] for day, n, hashes in rows if day is not None
            }
    return found


def unchanged_days(plan: StatePlan, state: State, now: Fingerprints) -> dict[str, int]:
    """Return the number of the last day of each scan up to which the open days are as a state has them."""
    content = state.content["open"]
    last = min(date.fromisoformat(content["through"]), plan.numbered[0].as_of)
    found = {}
    for scan in plan.group.scans:
        if scan.name in now and scan.name in content["facts"]:
            unchanged = _unchanged(state.closed_through, last, content["facts"][scan.name], now[scan.name])
            if unchanged > state.closed_through:
                found[scan.name] = plan.day_number(unchanged)
    return found


def _unchanged(
    closed: date, last: date, before: Mapping[str, list[str]], now: Mapping[str, list[str]]
) -> date:
    day = closed
    while day < last:
        following = (day + DAY).isoformat()
        if before.get(following) != now.get(following):
            break
        day += DAY
    return day


def kept_rows(plan: StatePlan, state: State, query: MomentQuery) -> list[Row]:
    """Return what units of before have added to a query on the open days of a state.

    Raises:
        StatisticsError: The state has other sums.
    """
    return from_json(plan, query, state.content["open"]["rows"]) if query.by_day else []


def open_content(
    plan: StatePlan, found: Increment, now: Fingerprints, *, until: date, as_of: date
) -> dict[str, Any]:
    """Return what a state holds of its open days.

    Args:
        plan: The plan that has read them.
        found: What they hold, of units that entered by the last closed day.
        now: Their fingerprints from before they were read.
        until: The last closed day.
        as_of: The last day that was read.
    """
    rows = {}
    for name, query in found.queries.items():
        if query.by_day:
            still = [row for row in found.rows[name] if not plan.is_settled(query, row, until)]
            rows[name] = to_json(plan, query, still)
    later = {
        scan: {day: what for day, what in days.items() if date.fromisoformat(day) > until}
        for scan, days in now.items()
    }
    return {"through": as_of.isoformat(), "facts": later, "rows": rows}
