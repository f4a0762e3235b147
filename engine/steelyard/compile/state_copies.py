"""What the tables of a state become once days are closed, where none is changed: new copies of them, as queries."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlglot import exp

from steelyard.compile.scan import Scan
from steelyard.compile.state_changes import Added, added_rows
from steelyard.compile.state_plan import StatePlan, closed_table, stays
from steelyard.compile.state_tables import GONE, Copy, union
from steelyard.compile.values import column

MOST_COPIES = 15
"""So many copies of days are kept side by side; then one takes the place of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCopy:
    """A copy that is written.

    Attributes:
        what: Which table it is of.
        name: Its name.
        tree: The query for its rows.
        copies: The copies of the table from then on.
    """

    what: str
    name: str
    tree: exp.Expr
    copies: tuple[Copy, ...]


def new_copies(plan: StatePlan, until: date, stamp: str) -> Iterator[NewCopy]:
    """Yield the copies that close the days up to one, which a plan has read.

    Args:
        plan: The plan.
        until: The last closed day.
        stamp: What their names end with; no earlier copies' names do.
    """
    histories = {plan.history(scan): scan for scan in plan.group.scans}
    left = Added(what=GONE, tree=exp.select("unit_key").from_("gone_units"), columns=("unit_key",))
    for added in (*added_rows(plan, until), left):
        name = f"{plan.tables.name(added.what)}_{stamp}"
        if added.what in histories:
            yield _days(plan, histories[added.what], added, name)
        else:
            parts = [*_kept(plan, added), added.tree]
            yield NewCopy(what=added.what, name=name, tree=union(parts), copies=(Copy(name=name),))


def _days(plan: StatePlan, scan: Scan, added: Added, name: str) -> NewCopy:
    """Return the copy of what is new of a scan's days, or of all of them."""
    known = plan.last_known_day(scan)
    before = [] if plan.since is None else _counting(plan.tables.copies or {}, added.what, known)
    if len(before) < MOST_COPIES:
        copies = (*before, Copy(name=name))
        return NewCopy(what=added.what, name=name, tree=added.tree, copies=copies)
    is_known = exp.LTE(this=column("day"), expression=exp.Literal.number(known))
    days = exp.alias_(plan.tables.days(added.what), "known", table=True)
    kept = exp.select(*map(column, added.columns)).from_(days).where(is_known, stays("known"))
    return NewCopy(what=added.what, name=name, tree=union([kept, added.tree]), copies=(Copy(name=name),))


def _counting(copies: Mapping[str, Sequence[Copy]], what: str, known: int) -> list[Copy]:
    """Return copies of days in which the days after one, which have been read again, no longer count."""
    return [
        replace(copy, through=known if copy.through is None else min(copy.through, known))
        for copy in copies[what]
    ]


def _kept(plan: StatePlan, added: Added) -> Iterator[exp.Select]:
    """Yield the query for the rows of a table that stay."""
    if plan.since is None or added.what == "cells":
        return
    known = exp.alias_(plan.tables.table(added.what), "known", table=True)
    query = exp.select(*(column(name, "known") for name in added.columns)).from_(known)
    for alias, gone, keys in _gone(plan, added.what):
        same = exp.and_(*(exp.EQ(this=column(key, alias), expression=column(key, "known")) for key in keys))
        absent = exp.Is(this=column(keys[0], alias), expression=exp.null())
        query = query.join(gone, on=same, join_type="left", join_alias=alias).where(absent)
    yield query


def _gone(plan: StatePlan, what: str) -> Iterator[tuple[str, exp.Select, tuple[str, ...]]]:
    """Yield the rows that no longer stand in a table, by their keys, under an alias."""
    if what == "seen":
        keys = ("experiment_no", "unit")
        yield "newer", exp.select(*keys).from_("seen_units"), keys
    elif what != GONE:
        yield "departed", exp.select("unit_key").from_("gone_units"), ("unit_key",)
    for scan in plan.group.scans:
        if what == plan.totals(scan):
            keys = ("unit_key", "day")
            yield "newer", exp.select(*keys).from_(closed_table(scan)).where("day = 1"), keys
