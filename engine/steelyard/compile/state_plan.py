"""A group's plan that continues from state: it reads the facts after the last closed day, and keeps their totals."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlglot import exp

from steelyard.compile.clock import date_literal, timestamp_literal
from steelyard.compile.day_moments import DayMoments
from steelyard.compile.days_since import DaysSince, merged
from steelyard.compile.exposure_sql import UNITS_PER_CELL
from steelyard.compile.group import MomentQuery, Statement
from steelyard.compile.metric_quality import NotFinite
from steelyard.compile.plan import day_query
from steelyard.compile.scan import Scan
from steelyard.compile.state_tables import not_among, union
from steelyard.compile.state_units import KEYS_PER_EXPERIMENT, StateUnits, count_by_day
from steelyard.compile.unit_values import UnitValues, before_exposure, total_over_days, unit_table
from steelyard.compile.values import column
from steelyard.dialects.registry import DIALECTS

DAY = timedelta(days=1)


class StatePlan(StateUnits):
    """The statements of a group since its last closed day; takes what `StateUnits` takes."""

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
            kept = exp.select("*").from_(exp.alias_(units, "known", table=True)).where(stays("known"))
            units = exp.Subquery(this=kept)
        return units

    def _facts_since(self, scan: Scan, start: datetime) -> exp.Select:
        sql, raw = self.scan_sql(scan), scan.query.time.tree.copy()
        return sql.facts().where(exp.GTE(this=raw, expression=sql.bound(start)), copy=False)

    @property
    def _first_open(self) -> date:
        assert self.since is not None
        return self.since + DAY

    @property
    def _last_day(self) -> int:
        return self.day_number(self.numbered[0].as_of)

    def passes(self, scan: Scan, *, any_gone: bool, any_entered: bool) -> list[tuple[exp.Expr, exp.Select]]:
        """Return how a scan reads its facts: the units that it joins, and the facts.

        Units of before need the open days alone; those that have entered their time before the exposure as well.
        """
        if self.since is None:
            return [(self._with_open_end(exp.to_table("entered_units")), self.scan_sql(scan).facts())]
        found: list[tuple[exp.Expr, exp.Select]] = []
        start = self.clock.start_of(self._first_open)
        reused = self.reused.get(scan.name, 0)
        if scan.outcomes and not self.has_recent and reused < self._last_day:
            known = self._with_open_end(self._known_units(any_gone=any_gone))
            first = self.origin + reused * DAY if reused else self._first_open - DAY
            found.append((known, self._facts_since(scan, self.clock.start_of(first + DAY))))
        if any_entered or not (found or reused):
            lookback = scan.lookback or timedelta(0)
            days = -(-lookback // DAY)
            # A span of whole days is one of 24 hours each, which may begin on the evening before.
            earlier = min(start - lookback, self.clock.start_of(self._first_open - days * DAY))
            entered = self._with_open_end(exp.to_table("entered_units"))
            found.append((entered, self._facts_since(scan, earlier)))
        return found

    def recent(
        self, scan: Scan, passes: Sequence[tuple[exp.Expr, exp.Select]], *, floats: Sequence[str]
    ) -> Statement:
        """Return the statement for a scan's rows per unit and day since the closed day.

        Args:
            scan: The scan.
            passes: How it reads its facts.
            floats: Its values that can be NaN, as `NotFinite` names them: rows with one are counted along.
        """
        sql = self.scan_sql(scan)
        context = sql.context()
        count = {"name": "not_finite", "aggregate": NotFinite(sql).count(floats)}
        context["columns"] = [*context["columns"], count]
        parts = [
            self.templates.render("unit_day.sql", **{**context, "exposed": units, "facts": facts})
            for units, facts in passes
        ]
        if scan.name in self.reused:
            parts.insert(0, self._reused_days(scan))
        table = recent_table(scan)
        return Statement(name=table, tree=union(parts), table=table, files=scan.files)

    def _reused_days(self, scan: Scan) -> exp.Select:
        """Return the rows of open days that an earlier run has read, of units that have not gone."""
        is_open = exp.GT(this=column("day"), expression=exp.Literal.number(self.closed_day))
        is_reused = exp.LTE(this=column("day"), expression=exp.Literal.number(self.reused[scan.name]))
        days = exp.alias_(self.tables.days(self.history(scan)), "known", table=True)
        return exp.select(*history_columns(scan)).from_(days).where(is_open, is_reused, stays("known"))

    def not_finite_units(self) -> Statement:
        """Return the statement for the rows of these days that hold NaN or infinity, by unit and day."""
        columns = [column("unit_key"), column("day"), exp.alias_(column("not_finite"), "n")]
        tree = union([_not_finite(scan, columns) for scan in self.group.scans])
        return Statement(name="not_finite_units", tree=tree, table="not_finite_units")

    def not_finite_query(self, *, any_read: bool) -> exp.Expr:
        """Return a query for the same rows by experiment, until the closed day and since.

        Args:
            any_read: Whether this plan has read facts itself.
        """
        columns = [column("unit_key"), exp.alias_(column("not_finite"), "n")]
        parts: list[exp.Expr] = [_not_finite(scan, columns) for scan in self.group.scans if any_read]
        if self.since is not None:
            known = exp.alias_(self.tables.table("not_finite"), "known", table=True)
            parts.append(exp.select("unit_key", "n").from_(known).where(stays("known")))
        if self.has_recent:
            is_open = exp.GT(this=column("day"), expression=exp.Literal.number(self.closed_day))
            since = exp.select("unit_key", "n").from_("not_finite_units")
            parts.append(since.where(is_open, stays("not_finite_units")))
        number = exp.IntDiv(this=column("unit_key"), expression=exp.Literal.number(KEYS_PER_EXPERIMENT))
        return (
            exp.select(exp.alias_(number, "experiment_no"), exp.alias_(exp.Sum(this=column("n")), "n"))
            .from_(exp.alias_(exp.Subquery(this=union(parts)), "rows_of_units", table=True))
            .group_by(number.copy())
        )

    def active_units(self, *, any_gone: bool) -> Statement:
        """Return the statement for the units whose values are needed: those that begin to count on open days."""
        parts: list[exp.Expr] = [exp.select("unit_key").from_("entered_units")]
        if self.since is not None and not self.has_recent:
            known = exp.alias_(self._known_units(any_gone=any_gone), "units", table=True)
            parts.append(exp.select("unit_key").from_(known).where(self._in_open_cells()))
        everyone = exp.alias_(exp.Subquery(this=union(parts)), "units", table=True)
        tree = exp.select("unit_key").distinct().from_(everyone)
        return Statement(name="exposed_units", tree=tree, table="exposed_units")

    def everyone(self, *, any_gone: bool) -> Statement:
        """Return the statement for all units with their ids, in the place of those whose rows are needed."""
        names = ("unit_key", "unit")
        parts: list[exp.Expr] = [exp.select(*names).from_("entered_units")]
        if self.since is not None:
            known = exp.alias_(self._known_units(any_gone=any_gone), "units", table=True)
            parts.append(exp.select(*names).from_(known))
        return Statement(name="everyone", tree=union(parts), table="exposed_units")

    def unit_days(self, scan: Scan) -> Statement:
        """Return the statement for the rows of those units since the closed day, after the totals until then."""
        table = unit_table(scan)
        tree: exp.Expr = exp.select("*").from_(recent_table(scan))
        if self.since is not None and not self.has_recent:
            tree = self.templates.render(
                "unit_day_since.sql",
                columns=[partial.name for partial in scan.partials],
                recent=recent_table(scan),
                known=self.tables.table(self.totals(scan)),
                closed_day=self.closed_day,
            )
        return Statement(name=table, tree=tree, table=table)

    def kept_days(self, scan: Scan) -> Statement:
        """Return the statement for the rows after the closed day that were read while it was closed."""
        is_open = exp.GT(this=column("day"), expression=exp.Literal.number(self.closed_day))
        tree = exp.select(*_day_columns(scan)).from_(recent_table(scan)).where(is_open)
        return Statement(name=_kept_table(scan), tree=tree, table=_kept_table(scan))

    def all_days(self, scan: Scan, *, any_entered: bool) -> Statement:
        """Return the statement for the rows of all units: totals until the closed day, and the days since.

        Args:
            scan: The scan.
            any_entered: Whether units have entered, whose rows this plan has read.
        """
        columns = _day_columns(scan)
        day = exp.Case(default=exp.Literal.number(self.closed_day)).when("day = 0", exp.Literal.number(0))
        known = exp.alias_(self.tables.table(self.totals(scan)), "known", table=True)
        parts: list[exp.Expr] = [exp.select("unit_key", exp.alias_(day, "day"), *columns[2:]).from_(known)]
        if self.has_recent:
            parts.append(exp.select(*columns).from_(_kept_table(scan)))
        if any_entered or not self.has_recent:
            parts.append(exp.select(*columns).from_(recent_table(scan)))
        table = unit_table(scan)
        return Statement(name=f"all_{table}", tree=union(parts), table=table)

    def _day_moments(self, scan: Scan, values: UnitValues, *, closed_day: int) -> DayMoments:
        if not closed_day:
            return super()._day_moments(scan, values, closed_day=0)
        return DaysSince(
            scan,
            units=values,
            experiments=self.group.capped_like,
            recent=recent_table(scan),
            known=None if self.has_recent else self.tables.table(self.totals(scan)),
            before={before_exposure(one): self._before_exposure(one) for one in self.group.scans},
            is_asked=self._is_asked(scan),
        )

    def _is_asked(self, scan: Scan) -> exp.Expr | None:
        """Return the condition on open rows whose changes no earlier run has found; None for all of them."""
        if scan.name not in self.reused:
            return None
        return self.is_new_row(scan, "recent")

    def is_new_row(self, scan: Scan, table: str = "") -> exp.Expr:
        """Return the condition that a row of an open day does not stand in the state as it is."""
        last = exp.Literal.number(self.last_known_day(scan))
        is_later = exp.GT(this=column("day", table), expression=last)
        number = exp.Mod(this=column("unit_key", table), expression=exp.Literal.number(UNITS_PER_CELL))
        has_entered = exp.GT(this=number, expression=exp.Literal.number(self.taken))
        return exp.paren(exp.or_(is_later, has_entered))

    def _before_exposure(self, scan: Scan) -> exp.Expr:
        """Return a scan's rows before the exposure, of units of before and of those that have entered."""
        columns = ["unit_key", *(partial.name for partial in scan.partials)]
        parts: list[exp.Expr] = [exp.select(*columns).from_(recent_table(scan)).where("day = 0")]
        if not self.has_recent:
            known = self.tables.table(self.totals(scan))
            parts.append(exp.select(*columns).from_(known).where("day = 0"))
        return exp.Subquery(this=union(parts))

    def departed(self) -> Iterator[Statement]:
        """Yield the statements that put the units that have gone in the place of all units, with their closed days."""
        gone = exp.select("unit_key").from_("gone_units")
        yield Statement(name="exposed_units", tree=gone, table="exposed_units")
        for scan in self.group.scans:
            tree = self.templates.render(
                "unit_day_history.sql",
                columns=[partial.name for partial in scan.partials],
                days=self.tables.days(self.history(scan)),
                totals=self.tables.table(self.totals(scan)),
                recent=recent_table(scan) if self.has_recent else None,
                closed_day=self.closed_day,
                last_day=self.last_known_day(scan),
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
        """Return what the table of a scan's days is called: the closed ones, and the open ones as last read."""
        return f"days_{self.group.scans.index(scan) + 1}"

    def last_known_day(self, scan: Scan) -> int:
        """Return the number of the last day whose rows, of units of before, stand in the state as they are."""
        return max(self.closed_day, self.reused.get(scan.name, 0))

    def closed_totals(self, scan: Scan, until: date) -> Statement:
        """Return the statement for the totals of the units that days up to one have changed."""
        columns = [
            {
                "name": one.name,
                "merged": total_over_days(one),
                "now": column(one.name, "changes")
                if self.since is None
                else merged(one.partial.merge, column(one.name, "known"), column(one.name, "changes")),
            }
            for one in scan.partials
        ]
        tree = self.templates.render(
            "state_totals.sql",
            columns=columns,
            recent=recent_table(scan),
            known=None if self.since is None else self.tables.table(self.totals(scan)),
            last_day=self.day_number(until),
        )
        return Statement(name=closed_table(scan), tree=tree, table=closed_table(scan))

    def day_number(self, day: date) -> int:
        """Return the number of a day of the series."""
        return (day - self.origin).days

    def counted_days(self, scan: Scan, first: date) -> exp.Expr:
        """Return a query for the number of a scan's facts on each day from a day on, whoever's they are."""
        sql = self.scan_sql(scan)
        facts = sql.facts().where(
            exp.GTE(this=scan.query.time.tree.copy(), expression=sql.bound(self.clock.start_of(first))),
            copy=False,
        )
        day = exp.cast(sql.local_day(sql.event), "date")
        return count_by_day(facts, "facts", day)

    def fingerprints(self, scan: Scan, first: date) -> exp.Expr | None:
        """Return a query for the number of a scan's facts on each day from one on, and for the sum of their hashes.

        It tells days whose facts have changed from days that need not be read again; None where the dialect has no
        hash of rows.
        """
        hashed = DIALECTS[self.dialect].row_hash
        if hashed is None:
            return None
        sql = self.scan_sql(scan)
        facts = self._facts_since(scan, self.clock.start_of(first))
        query = count_by_day(facts, "facts", exp.cast(sql.local_day(sql.event), "date"))
        total = exp.Sum(this=hashed([column(name, "facts") for name in facts.named_selects]))
        return query.select(exp.alias_(total, "hashes"))

    def is_settled(self, query: MomentQuery, row: Sequence[Any], until: date | None) -> bool:
        """Return whether a row of a moment query cannot change after a day."""
        if until is None:
            return False
        if query.by_day:
            return int(row[2]) <= self.day_number(until)
        return all(day <= until for day in row[2 : 2 + len(self.day_columns)])

    def key_width(self, query: MomentQuery) -> int:
        """Return how many of a row's columns are its key: experiment, variant, days and dimensions."""
        return 2 + (1 if query.by_day else len(self.day_columns)) + len(self.dimension_columns)

    def was_added(self, query: MomentQuery, row: Sequence[Any]) -> bool:
        """Return whether a row of units that have gone is among the sums so far."""
        return self.has_recent or self.is_settled(query, row, self.since) or self.is_kept(query, row)

    def is_kept(self, query: MomentQuery, row: Sequence[Any]) -> bool:
        """Return whether a row of a moment query is of an open day whose sums an earlier run has left."""
        if not query.by_day:
            return False
        (scan,) = [one for one in self.group.scans if query.name == day_query(one)]
        return self.closed_day < int(row[2]) <= self.reused.get(scan.name, 0)


def history_columns(scan: Scan) -> list[str]:
    """Return the columns of a scan's rows per unit and day."""
    return [*_day_columns(scan), "not_finite"]


def recent_table(scan: Scan) -> str:
    """Return the name of a scan's table per unit and day since the closed day."""
    return f"recent_{scan.name}"


def closed_table(scan: Scan) -> str:
    """Return the name of a scan's table of new totals per unit."""
    return f"closed_{scan.name}"


def _kept_table(scan: Scan) -> str:
    return f"kept_{scan.name}"


def _day_columns(scan: Scan) -> list[str]:
    return ["unit_key", "day", *(partial.name for partial in scan.partials)]


def _not_finite(scan: Scan, columns: Sequence[exp.Expr]) -> exp.Select:
    is_any = exp.GT(this=column("not_finite"), expression=exp.Literal.number(0))
    return exp.select(*(one.copy() for one in columns)).from_(recent_table(scan)).where(is_any)


def stays(alias: str) -> exp.Expr:
    """Return the condition that the unit of a row, under an alias, has not gone."""
    return not_among(exp.to_table("gone_units"), alias)
