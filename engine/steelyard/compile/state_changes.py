"""What the tables of a state become once days are closed, as queries and conditions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlglot import exp

from steelyard.compile.scan import Scan
from steelyard.compile.state_plan import StatePlan, closed_table, history_columns, recent_table
from steelyard.compile.values import column

UNITS = ("unit_key", "unit", "exposed_at", "exposed_day")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """One change to a table of a state.

    Attributes:
        kind: ``create`` from a query, ``append`` its rows, or ``delete`` the rows that meet a condition.
        what: Which table.
        tree: The query or condition.
        columns: Columns of the query.
    """

    kind: Literal["create", "append", "delete"]
    what: str
    tree: exp.Expr
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """Rows that come to a table.

    Attributes:
        what: Which table.
        tree: The query for them.
        columns: Columns of the query.
    """

    what: str
    tree: exp.Select
    columns: tuple[str, ...]


def table_names(plan: StatePlan) -> tuple[str, ...]:
    """Return which tables hold a plan's state."""
    scans = [name for scan in plan.group.scans for name in (plan.totals(scan), plan.history(scan))]
    return ("seen", "units", "cells", "not_finite", *scans)


def state_changes(plan: StatePlan, until: date) -> Iterator[TableChange]:
    """Yield the changes that close the days up to one, which a plan has read."""
    if plan.since is not None:
        yield from _removed(plan)
    kind: Literal["create", "append"] = "create" if plan.since is None else "append"
    for added in added_rows(plan, until):
        yield TableChange(kind=kind, what=added.what, tree=added.tree, columns=added.columns)


def added_rows(plan: StatePlan, until: date) -> Iterator[Added]:
    """Yield the rows that come to each table once the days up to one, which a plan has read, are closed."""
    seen = ("experiment_no", "unit", "variant_no", "last_variant_no", "exposed_at", *plan.first_columns())
    yield _all_of("seen_units", "seen", seen)
    cells = ("cell", "experiment_no", "variant_no", *plan.key_columns, "n")
    yield _all_of("cells", "cells", cells)
    yield _all_of("entered_units", "units", UNITS)
    last = exp.LTE(this=column("day"), expression=exp.Literal.number(plan.day_number(until)))
    bad = exp.select("unit_key", "n").from_("not_finite_units").where(last)
    yield Added(what="not_finite", tree=bad, columns=("unit_key", "n"))
    for scan in plan.group.scans:
        days = exp.select(*history_columns(scan)).from_(recent_table(scan)).where("day > 0")
        if plan.since is not None:
            days = days.where(plan.is_new_row(scan))
        yield Added(what=plan.history(scan), tree=days, columns=tuple(history_columns(scan)))
        columns = ("unit_key", "day", *(partial.name for partial in scan.partials))
        yield _all_of(closed_table(scan), plan.totals(scan), columns)


def _removed(plan: StatePlan) -> Iterator[TableChange]:
    """Yield the changes that make room for what comes."""
    yield TableChange(kind="delete", what="seen", tree=_is_seen())
    yield TableChange(kind="delete", what="cells", tree=exp.true())
    for what in ("units", "not_finite"):
        yield TableChange(kind="delete", what=what, tree=_has_key_in("gone_units"))
    for scan in plan.group.scans:
        for what in (plan.history(scan), plan.totals(scan)):
            yield TableChange(kind="delete", what=what, tree=_has_key_in("gone_units"))
        yield TableChange(kind="delete", what=plan.totals(scan), tree=_is_changed(scan))
        known = exp.Literal.number(plan.last_known_day(scan))
        stale = exp.GT(this=column("day"), expression=known)
        yield TableChange(kind="delete", what=plan.history(scan), tree=stale)


def _all_of(table: str, what: str, columns: tuple[str, ...]) -> Added:
    tree = exp.select(*(column(name) for name in columns)).from_(table)
    return Added(what=what, tree=tree, columns=columns)


def _has_key_in(table: str) -> exp.Expr:
    keys = exp.Subquery(this=exp.select("unit_key").from_(table))
    return exp.In(this=column("unit_key"), query=keys)


def _is_seen() -> exp.Expr:
    pair = exp.Tuple(expressions=[column("experiment_no"), column("unit")])
    seen = exp.select("experiment_no", "unit").from_("seen_units")
    return exp.In(this=pair, query=exp.Subquery(this=seen))


def _is_changed(scan: Scan) -> exp.Expr:
    """Return the condition that a row of the totals, after the exposure, is replaced."""
    changed = exp.select("unit_key").from_(closed_table(scan)).where("day = 1")
    is_after = exp.EQ(this=column("day"), expression=exp.Literal.number(1))
    return exp.and_(is_after, exp.In(this=column("unit_key"), query=exp.Subquery(this=changed)))
