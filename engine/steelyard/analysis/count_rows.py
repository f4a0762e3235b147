"""Answers about a log of exposures, as counts per experiment."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC
from typing import Any

import numpy as np

from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.not_finite import not_finite
from steelyard.compile.plan import GroupPlan, Tree
from steelyard.warehouse.base import Warehouse

Ask = Callable[[str, Tree], Sequence[tuple[Any, ...]]]
LARGEST_OVERLAP = 20_000_000
"""Pairs of an exposed unit and another experiment beyond which overlaps are not counted: that would take long."""


def read_counts(
    plan: GroupPlan, warehouse: Warehouse, ask: Ask, *, units: float, counted: Collection[str] = ()
) -> dict[str, LogCounts]:
    """Ask what a group's log holds beside the analysed units.

    Args:
        plan: The group.
        warehouse: Where.
        ask: Runs a query under a name.
        units: Analysed units of all experiments together.
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
    if has_few_overlaps(len(names), units):
        add_overlaps(plan, counts, ask("overlap", plan.overlap_query()))
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


def has_few_overlaps(experiments: int, units: float) -> bool:
    """Return whether the pairs of units and other experiments are few enough to be counted."""
    return experiments > 1 and units * (experiments - 1) / 2 <= LARGEST_OVERLAP


def add_overlaps(plan: GroupPlan, counts: dict[str, LogCounts], rows: Sequence[tuple[Any, ...]]) -> None:
    """Add the rows of `LogPlan.overlap_query`."""
    specs = {one.number: one.spec for one in plan.numbered}
    for first, second, variant, other, n in rows:
        one, two = specs[first], specs[second]
        if one.epochs or two.epochs:
            # Two allocations that change over time go together without any unit's doing.
            continue
        table = counts[one.name].overlaps.setdefault(
            two.name, np.zeros((len(one.variants), len(two.variants)))
        )
        counts[two.name].overlaps[one.name] = table.T
        table[variant, other] = n
