"""How many rows hold NaN or infinity, by experiment."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from steelyard.compile.metric_quality import NotFinite
from steelyard.compile.plan import GroupPlan
from steelyard.warehouse.base import Warehouse

Ask = Callable[[str, Any], Sequence[tuple[Any, ...]]]


def not_finite(
    plan: GroupPlan, warehouse: Warehouse, ask: Ask, *, counted: Collection[str] = ()
) -> Iterator[tuple[int, int]]:
    """Yield the number of an experiment and of rows of its units, per scan; nothing where all is finite.

    Args:
        plan: A plan whose exposed units stand in the warehouse.
        warehouse: Where.
        ask: Runs a query: its name and its tree to its rows.
        counted: Values that have been counted already.
    """
    for scan in plan.group.scans:
        queries = NotFinite(plan.scan_sql(scan), counted=counted)
        typed = queries.types_query()
        names = [] if typed is None else queries.floats(warehouse.column_types(plan.text(typed)))
        if names and ask(f"not_finite_{scan.name}", queries.any_query(names))[0][0]:
            for number, n in ask(f"not_finite_units_{scan.name}", queries.units_query(names)):
                yield int(number), int(n)
