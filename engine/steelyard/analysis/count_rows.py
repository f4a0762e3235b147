"""Answers about a log of exposures, as counts per experiment."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC
from typing import Any

from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.not_finite import not_finite
from steelyard.compile.plan import GroupPlan, Tree
from steelyard.warehouse.base import Warehouse

Ask = Callable[[str, Tree], Sequence[tuple[Any, ...]]]


def read_counts(
    plan: GroupPlan, warehouse: Warehouse, ask: Ask, *, counted: Collection[str] = ()
) -> dict[str, LogCounts]:
    """Ask what a group's log holds beside the analysed units.

    Args:
        plan: The group.
        warehouse: Where.
        ask: Runs a query under a name.
        counted: Values whose rows that are not finite have been counted already.
    """
    names = {one.number: one.spec.name for one in plan.numbered}
    counts = {name: LogCounts() for name in names.values()}
    for number, variant, n in ask("multiple_exposure", plan.multiple_query()):
        counts[names[number]].multiple[int(variant)] = int(n)
    assigned = plan.assigned_query()
    for number, variant, n in () if assigned is None else ask("assigned", assigned):
        counts[names[number]].assigned[int(variant)] = int(n)
    for number, *row in ask("log_quality", plan.log_quality_query()):
        add_log_row(counts[names[number]], row)
    for number, n in not_finite(plan, warehouse, ask, counted=counted):
        # Units that never met the trigger have a number of their own; they are not analysed.
        if number in names:
            counts[names[number]].not_finite += n
    return counts


def add_log_row(found: LogCounts, row: Sequence[Any]) -> None:
    """Add a row of `LogPlan.log_quality_query`, without its experiment, to the counts of the experiment."""
    place, has_unit, unknown, n, last = row
    if place == "before":
        found.before_start += int(n)
    elif place == "after":
        found.after_end += int(n)
    elif place == "later":
        moment = last if last.tzinfo else last.replace(tzinfo=UTC)
        found.last_moment = max(moment, found.last_moment or moment)
    elif not has_unit:
        found.without_unit += int(n)
    elif unknown is not None:
        found.unknown[str(unknown)] = int(n)
