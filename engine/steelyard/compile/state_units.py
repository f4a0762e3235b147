"""The units of a group's plan that continues from state: who has been seen, entered and gone since the closed day."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlglot import exp

from steelyard.compile.exposure_sql import (
    CELLS_PER_EXPERIMENT,
    UNITS_PER_CELL,
    between,
)
from steelyard.compile.group import ColumnTypes, Group, Statement
from steelyard.compile.plan import GroupPlan
from steelyard.compile.state_tables import StateTables
from steelyard.compile.stored_firsts import merged_firsts, stored_firsts
from steelyard.compile.templates import Templates
from steelyard.compile.values import column
from steelyard.spec.loader import ProjectFiles

DAY = timedelta(days=1)
KEYS_PER_EXPERIMENT = CELLS_PER_EXPERIMENT * UNITS_PER_CELL


class StateUnits(GroupPlan):
    """The statements about units and their exposures since a group's last closed day.

    Args:
        group: The group, numbered as its state numbers it; every scan has a row per unit and day.
        since: The last closed day; None where there is no state yet.
        tables: The state's tables.
        taken: Number of the last unit in them.
        files: The project.
        types: What the warehouse says of the columns.
        templates: Templates.
        dialect: Dialect of the target.
        has_recent: Whether these days have been read for the units of before: their rows are in the tables of the run.

    Attributes:
        reused: The last open day of each scan, by its name and as a number, of which the state's tables hold the rows
            of units of before as they still are. Set once that is known; scans of which nothing is reused are left out.
    """

    def __init__(
        self,
        group: Group,
        *,
        since: date | None,
        tables: StateTables,
        taken: int,
        has_recent: bool = False,
        files: ProjectFiles,
        types: ColumnTypes,
        templates: Templates,
        dialect: str,
    ) -> None:
        super().__init__(group, files=files, types=types, templates=templates, dialect=dialect)
        # Days on which windows close are kept, so they have to be right before they have come.
        ahead = max((closing.end for closing in group.closings.values()), default=timedelta(0))
        self.clock = replace(self.clock, ahead=ahead + DAY)
        self.since, self.tables, self.taken = since, tables, taken
        self.has_recent = has_recent
        self.reused: dict[str, int] = {}

    @property
    def closed_day(self) -> int:
        """The number of the last closed day; 0 where there is none."""
        return 0 if self.since is None else (self.since - self.origin).days

    @property
    def key_columns(self) -> list[str]:
        """Columns of the cells, but for their number and experiment and variant."""
        return [*self.dimension_columns, *self.day_columns]

    def _start(self) -> datetime | None:
        return None if self.since is None else self.clock.start_of(self.since + DAY)

    def _seen_context(self) -> dict[str, Any]:
        context = super()._seen_context()
        start = self._start()
        if start is not None:
            types = self.log_types(self.group.exposures)
            later = between(column("exposed_at", "log"), start, self.clock.last, types, self.clock)
            context["in_span"] = exp.and_(context["in_span"], later)
        return context

    def newly_seen(self) -> Statement:
        """Return the statement for the units that the open days of the log name."""
        return Statement(name="newly_seen", tree=self.seen_units(), table="newly_seen")

    def units(self, *, any_seen: bool) -> Iterator[Statement]:
        """Yield the statements from newly seen units to those that enter.

        Args:
            any_seen: Whether any unit was seen.
        """
        yield Statement(name="seen_units", tree=self._seen_since(any_seen=any_seen), table="seen_units")
        yield Statement(name="gone_units", tree=self._gone(), table="gone_units")
        yield Statement(name="analysed_units", tree=self._newly_analysed(), table="analysed_units")
        yield Statement(name="cells", tree=self._cells(), table="cells")
        entered = self.templates.render(
            "exposed_units.sql",
            names=self.key_columns,
            units_per_cell=UNITS_PER_CELL,
            open_until=None,
            taken=self.taken,
        )
        yield Statement(name="entered_units", tree=entered, table="entered_units")

    def first_columns(self) -> list[str]:
        """Return the columns that tell a unit's first exposure."""
        return stored_firsts(self._ordering_dimensions(), variants=self._variants(), dialect=self.dialect)

    def _variants(self) -> int:
        return max(len(one.spec.variants) for one in self.numbered)

    def _seen_since(self, *, any_seen: bool) -> exp.Expr:
        waiting = [one.number for one in self.numbered if one.spec.analysis.trigger]
        if self.since is None or (not any_seen and not waiting):
            return exp.select("*").from_("newly_seen")
        return self.templates.render(
            "seen_since.sql",
            firsts=self.first_columns(),
            merged=merged_firsts(
                self._ordering_dimensions(), variants=self._variants(), dialect=self.dialect
            ),
            known=self.tables.table("seen"),
            units=self.tables.table("units"),
            waiting=waiting,
            keys_per_experiment=KEYS_PER_EXPERIMENT,
        )

    def _gone(self) -> exp.Expr:
        if self.since is None:
            key = exp.alias_(exp.cast(exp.null(), exp.DType.BIGINT), "unit_key")
            return exp.select(key).where(exp.false())
        return self.templates.render(
            "gone_units.sql", units=self.tables.table("units"), keys_per_experiment=KEYS_PER_EXPERIMENT
        )

    def _newly_analysed(self) -> exp.Expr:
        analysed = self.analysed_units()
        if self.since is None:
            return analysed
        return self.templates.render(
            "newly_analysed.sql",
            analysed=analysed,
            units=self.tables.table("units"),
            keys_per_experiment=KEYS_PER_EXPERIMENT,
        )

    def _not_before(self, first: datetime) -> datetime:
        start = self._start()
        return first if start is None else max(first, start)

    def _cells(self) -> exp.Expr:
        names, per_experiment = self.key_columns, CELLS_PER_EXPERIMENT
        if self.since is None:
            return self.templates.render("cells.sql", names=names, cells_per_experiment=per_experiment)
        return self.templates.render(
            "cells_since.sql",
            names=names,
            known=self.tables.table("cells"),
            cells_per_experiment=per_experiment,
            units_per_cell=UNITS_PER_CELL,
        )

    def exposed_query(self) -> exp.Expr:
        """Return a query for the units that were exposed per day, without cells that all units have left."""
        query = super().exposed_query()
        assert isinstance(query, exp.Select)
        return query.where(exp.GT(this=column("n"), expression=exp.Literal.number(0)))

    def multiple_query(self) -> exp.Expr:
        """Return a query for units seen in several variants, until the closed day and since."""
        return self._with_known(super().multiple_query())

    def assigned_query(self) -> exp.Expr | None:
        """Return a query for units seen in one variant, of experiments with a trigger, likewise."""
        query = super().assigned_query()
        return None if query is None else self._with_known(query)

    def _with_known(self, query: exp.Expr) -> exp.Expr:
        """Let a query over the units seen since the closed day read those seen before it as well."""
        if self.since is None:
            return query
        known = (
            exp.select("known.*")
            .from_(exp.alias_(self.tables.table("seen"), "known", table=True))
            .join(
                "seen_units AS now",
                on="now.experiment_no = known.experiment_no AND now.unit = known.unit",
                join_type="left",
            )
            .where("now.experiment_no IS NULL")
        )
        everyone = exp.Union(this=exp.select("*").from_("seen_units"), expression=known, distinct=False)
        (table,) = [one for one in query.find_all(exp.Table) if one.name == "seen_units"]
        table.replace(exp.Subquery(this=everyone, alias=exp.TableAlias(this=exp.to_identifier("seen_units"))))
        return query

    def count_of(self, table: str) -> exp.Select:
        """Return a query for the number of rows of a table of the run."""
        return exp.select(exp.Count(this=exp.Star())).from_(table)

    def counted_exposures(self, first: date) -> exp.Expr:
        """Return a query for the number of rows of the log on each day from a day on, of the group's experiments."""
        types = self.log_types(self.group.exposures)
        context = GroupPlan._seen_context(self)
        start = self.clock.start_of(first)
        raw = column("exposed_at", "log")
        names = [exp.Literal.string(one.spec.name) for one in self.numbered]
        ours = exp.In(this=exp.cast(column("experiment_id", "log"), "varchar"), expressions=names)
        day = self.clock.local_day(context["instant"])
        query = count_by_day(self.log(), "log", day)
        return query.where(context["in_span"], between(raw, start, self.clock.last, types, self.clock), ours)


def count_by_day(rows: exp.Select, alias: str, day: exp.Expr) -> exp.Select:
    """Return a query for the number of rows on each day."""
    source = exp.alias_(exp.Subquery(this=rows), alias, table=True)
    n = exp.alias_(exp.Count(this=exp.Star()), "n")
    return exp.select(exp.alias_(day, "day"), n).from_(source).group_by(day.copy())
