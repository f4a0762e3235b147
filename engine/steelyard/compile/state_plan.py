"""A group's plan that continues from state: it reads the days after the last closed one, and keeps their totals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlglot import exp

from steelyard.compile.clock import date_literal, timestamp_literal
from steelyard.compile.exposure_sql import (
    CELLS_PER_EXPERIMENT,
    UNITS_PER_CELL,
    between,
)
from steelyard.compile.group import ColumnTypes, Group, MomentQuery, Statement
from steelyard.compile.metric_quality import NotFinite
from steelyard.compile.plan import GroupPlan
from steelyard.compile.scan import Scan
from steelyard.compile.stored_firsts import merged_firsts, stored_firsts
from steelyard.compile.templates import Templates
from steelyard.compile.unit_values import UnitValues, total_over_days, unit_table
from steelyard.compile.values import column
from steelyard.spec.loader import ProjectFiles

DAY = timedelta(days=1)
KEYS_PER_EXPERIMENT = CELLS_PER_EXPERIMENT * UNITS_PER_CELL


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTables:
    """Names of the tables that hold a group's state.

    Attributes:
        schema: Schema of the engine's tables.
        block: Name of the state.
    """

    schema: str
    block: str

    def name(self, what: str) -> str:
        """Return the name of one of its tables."""
        return f"state_{self.block}_{what}"

    def table(self, what: str) -> exp.Table:
        """Return one of its tables."""
        return exp.table_(
            exp.to_identifier(self.name(what), quoted=True), db=exp.to_identifier(self.schema, quoted=True)
        )


class StatePlan(GroupPlan):
    """The statements of a group since its last closed day.

    Args:
        group: The group, numbered as its state numbers it; every scan has a row per unit and day.
        since: The last closed day; None where there is no state yet.
        tables: The state's tables.
        taken: Number of the last unit in them.
        files: The project.
        types: What the warehouse says of the columns.
        templates: Templates.
        dialect: Dialect of the target.
        has_open_facts: Whether the tables of `open_facts` are there to be read.
    """

    def __init__(
        self,
        group: Group,
        *,
        since: date | None,
        tables: StateTables,
        taken: int,
        has_open_facts: bool = False,
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
        self.has_open_facts = has_open_facts

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

    # The units whose facts are read: those of before, and those that have entered.

    def _with_open_end(self, table: exp.Expr) -> exp.Expr:
        """Return exposed units with the end of windows that have none, where it differs by experiment."""
        if not self._has_open_until_column():
            return table
        number = exp.IntDiv(this=column("unit_key"), expression=exp.Literal.number(KEYS_PER_EXPERIMENT))
        case = exp.Case(this=number)
        for experiment, until in self._open_ends().items():
            case = case.when(exp.Literal.number(experiment), timestamp_literal(until), copy=False)
        chosen = exp.select("*", exp.alias_(case, "open_until")).from_(exp.alias_(table, "units", table=True))
        return exp.Subquery(this=chosen)

    def _known_units(self, *, any_gone: bool) -> exp.Expr:
        units: exp.Expr = self.tables.table("units")
        if any_gone:
            left = exp.select("unit_key").from_("gone_units")
            stays = exp.Not(this=exp.In(this=column("unit_key"), query=exp.Subquery(this=left)))
            kept = exp.select("*").from_(exp.alias_(units, "known", table=True)).where(stays)
            units = exp.Subquery(this=kept)
        return units

    def open_facts(self) -> Iterator[Statement]:
        """Yield the statements that read the facts of the open days once, for closing days and for those after."""
        start = self.clock.start_of(self._first_open)
        for scan in (one for one in self.group.scans if one.outcomes):
            name = _open_table(scan)
            yield Statement(name=name, tree=self._facts_since(scan, start), table=name, files=scan.files)

    def _facts_since(self, scan: Scan, start: datetime) -> exp.Select:
        sql, raw = self.scan_sql(scan), scan.query.time.tree.copy()
        return sql.facts().where(exp.GTE(this=raw, expression=sql.bound(start)), copy=False)

    def _open(self, scan: Scan, start: datetime) -> exp.Select:
        """Return the facts of the open days up to the plan's last day."""
        if not self.has_open_facts:
            return self._facts_since(scan, start)
        is_date, _ = self.fact_type(scan)
        event = column("event_time")
        first, last = (
            date_literal(day) if is_date else timestamp_literal(self.clock.start_of(day))
            for day in (self._first_open, self.numbered[0].as_of + DAY)
        )
        source = exp.select("*").from_(_open_table(scan))
        return source.where(exp.GTE(this=event, expression=first), exp.LT(this=event.copy(), expression=last))

    @property
    def _first_open(self) -> date:
        assert self.since is not None
        return self.since + DAY

    def passes(self, scan: Scan, *, any_gone: bool, any_entered: bool) -> list[tuple[exp.Expr, exp.Select]]:
        """Return how a scan reads its facts: the units that it joins, and the facts.

        Units of before need the open days alone; those that have entered their time before the exposure as well.
        """
        if self.since is None:
            return [(self._with_open_end(exp.to_table("entered_units")), self.scan_sql(scan).facts())]
        found: list[tuple[exp.Expr, exp.Select]] = []
        start = self.clock.start_of(self._first_open)
        if scan.outcomes:
            known = self._with_open_end(self._known_units(any_gone=any_gone))
            found.append((known, self._open(scan, start)))
        if any_entered or not found:
            lookback = scan.lookback or timedelta(0)
            days = -(-lookback // DAY)
            # A span of whole days is one of 24 hours each, which may begin on the evening before.
            earlier = min(start - lookback, self.clock.start_of(self._first_open - days * DAY))
            entered = self._with_open_end(exp.to_table("entered_units"))
            found.append((entered, self._facts_since(scan, earlier)))
        return found

    def recent(self, scan: Scan, passes: Sequence[tuple[exp.Expr, exp.Select]]) -> Statement:
        """Return the statement for a scan's rows per unit and day since the closed day."""
        parts = []
        for units, facts in passes:
            values = {**self.scan_sql(scan).context(), "exposed": units, "facts": facts}
            parts.append(self.templates.render("unit_day.sql", **values))
        table = recent_table(scan)
        return Statement(name=table, tree=_union(parts), table=table, files=scan.files)

    def not_finite(self, scan: Scan, passes: Sequence[tuple[exp.Expr, exp.Select]]) -> list[NotFinite]:
        """Return the queries for rows of a scan that hold NaN or infinity, for each pass."""
        return [NotFinite(self.scan_sql(scan), exposed=units, facts=facts) for units, facts in passes]

    def not_finite_units(self, parts: Sequence[exp.Expr]) -> Statement:
        """Return the statement for the rows that hold NaN or infinity, by unit: what the passes have found."""
        key = exp.alias_(exp.cast(exp.null(), exp.DType.BIGINT), "unit_key")
        n = exp.alias_(exp.cast(exp.null(), exp.DType.BIGINT), "n")
        tree = _union([exp.select(key, n).where(exp.false()), *parts])
        return Statement(name="not_finite_units", tree=tree, table="not_finite_units")

    def not_finite_query(self) -> exp.Expr:
        """Return a query for the same rows by experiment, until the closed day and since."""
        rows: exp.Expr = exp.select("*").from_("not_finite_units")
        if self.since is not None:
            left = exp.Subquery(this=exp.select("unit_key").from_("gone_units"))
            stays = exp.Not(this=exp.In(this=column("unit_key"), query=left))
            known = exp.select("*").from_(self.tables.table("not_finite")).where(stays)
            rows = exp.Union(this=rows, expression=known, distinct=False)
        number = exp.IntDiv(this=column("unit_key"), expression=exp.Literal.number(KEYS_PER_EXPERIMENT))
        return (
            exp.select(exp.alias_(number, "experiment_no"), exp.alias_(exp.Sum(this=column("n")), "n"))
            .from_(exp.alias_(exp.Subquery(this=rows), "rows_of_units", table=True))
            .group_by(number.copy())
        )

    def active_units(self, *, any_gone: bool) -> Statement:
        """Return the statement for the units whose rows are needed: active ones, and those with open windows."""
        parts: list[exp.Expr] = [
            exp.select("unit_key").from_(recent_table(scan)) for scan in self.group.scans
        ]
        parts.append(exp.select("unit_key").from_("entered_units"))
        if self.since is not None:
            known = exp.alias_(self._known_units(any_gone=any_gone), "units", table=True)
            parts.append(exp.select("unit_key").from_(known).where(self._in_open_cells()))
        everyone = exp.alias_(exp.Subquery(this=_union(parts)), "units", table=True)
        tree = exp.select("unit_key").distinct().from_(everyone)
        return Statement(name="exposed_units", tree=tree, table="exposed_units")

    def unit_days(self, scan: Scan) -> Statement:
        """Return the statement for a scan's rows since the closed day, after the totals until then."""
        table = unit_table(scan)
        tree: exp.Expr = exp.select("*").from_(recent_table(scan))
        if self.since is not None:
            tree = self.templates.render(
                "unit_day_since.sql",
                columns=[partial.name for partial in scan.partials],
                recent=recent_table(scan),
                known=self.tables.table(self.totals(scan)),
                closed_day=self.closed_day,
            )
        return Statement(name=table, tree=tree, table=table)

    def departed(self) -> Iterator[Statement]:
        """Yield the statements that put the units that have gone in the place of all units, with their closed days."""
        gone = exp.select("unit_key").from_("gone_units")
        yield Statement(name="exposed_units", tree=gone, table="exposed_units")
        for scan in self.group.scans:
            tree = self.templates.render(
                "unit_day_history.sql",
                columns=[partial.name for partial in scan.partials],
                days=self.tables.table(self.history(scan)),
                totals=self.tables.table(self.totals(scan)),
            )
            yield Statement(name=f"gone_{scan.name}", tree=tree, table=unit_table(scan))

    def _in_open_cells(self) -> exp.Expr:
        """Return the condition that a unit begins to count for some metric after the closed day."""
        assert self.since is not None
        settled = exp.and_(
            *(exp.LTE(this=column(name), expression=date_literal(self.since)) for name in self.day_columns)
        )
        cells = exp.select("cell").from_("cells").where(exp.Not(this=exp.paren(settled)))
        cell = exp.IntDiv(this=column("unit_key"), expression=exp.Literal.number(UNITS_PER_CELL))
        return exp.In(this=cell, query=exp.Subquery(this=cells))

    def _caps_query(self, values: UnitValues) -> None:
        """Return nothing: caps are on record where there is state."""
        return

    def totals(self, scan: Scan) -> str:
        """Return what the table of a scan's totals per unit is called."""
        return f"totals_{self.group.scans.index(scan) + 1}"

    def history(self, scan: Scan) -> str:
        """Return what the table of a scan's closed days is called."""
        return f"days_{self.group.scans.index(scan) + 1}"

    def new_totals(self, scan: Scan) -> exp.Expr:
        """Return a query for the totals of the units that the open days have changed."""
        columns = [{"name": one.name, "merged": total_over_days(one)} for one in scan.partials]
        return self.templates.render(
            "state_totals.sql", columns=columns, table=unit_table(scan), recent=recent_table(scan)
        )

    def counted_days(self, scan: Scan, first: date) -> exp.Expr:
        """Return a query for the number of a scan's facts on each day from a day on, whoever's they are."""
        sql = self.scan_sql(scan)
        facts = sql.facts().where(
            exp.GTE(this=scan.query.time.tree.copy(), expression=sql.bound(self.clock.start_of(first))),
            copy=False,
        )
        day = exp.cast(sql.local_day(sql.event), "date")
        return _by_day(facts, "facts", day)

    def counted_exposures(self, first: date) -> exp.Expr:
        """Return a query for the number of rows of the log on each day from a day on, of the group's experiments."""
        types = self.log_types(self.group.exposures)
        context = GroupPlan._seen_context(self)
        start = self.clock.start_of(first)
        raw = column("exposed_at", "log")
        names = [exp.Literal.string(one.spec.name) for one in self.numbered]
        ours = exp.In(this=exp.cast(column("experiment_id", "log"), "varchar"), expressions=names)
        day = self.clock.local_day(context["instant"])
        query = _by_day(self.log(), "log", day)
        assert isinstance(query, exp.Select)
        return query.where(context["in_span"], between(raw, start, self.clock.last, types, self.clock), ours)

    def is_settled(self, query: MomentQuery, row: Sequence[Any], until: date | None) -> bool:
        """Return whether a row of a moment query cannot change after a day."""
        if until is None:
            return False
        if query.by_day:
            return int(row[2]) <= (until - self.origin).days
        return all(day <= until for day in row[2 : 2 + len(self.day_columns)])


def recent_table(scan: Scan) -> str:
    """Return the name of a scan's table per unit and day since the closed day."""
    return f"recent_{scan.name}"


def _open_table(scan: Scan) -> str:
    return f"open_facts_{scan.name}"


def _by_day(rows: exp.Select, alias: str, day: exp.Expr) -> exp.Expr:
    source = exp.alias_(exp.Subquery(this=rows), alias, table=True)
    n = exp.alias_(exp.Count(this=exp.Star()), "n")
    return exp.select(exp.alias_(day, "day"), n).from_(source).group_by(day.copy())


def _union(parts: Sequence[exp.Expr]) -> exp.Expr:
    union = parts[0]
    for part in parts[1:]:
        union = exp.Union(this=union, expression=part, distinct=False)
    return union
