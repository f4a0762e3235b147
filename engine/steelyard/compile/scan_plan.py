"""The part of a plan that scans facts."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlglot import exp

from steelyard.compile.clock import timestamp_literal
from steelyard.compile.group import Statement
from steelyard.compile.log_plan import LogPlan
from steelyard.compile.opaque_sql import opaque_context, periods_context, periods_table
from steelyard.compile.scan import Scan
from steelyard.compile.scan_sql import ScanSql
from steelyard.compile.unit_moments import unit_table
from steelyard.compile.values import column

DAY = timedelta(days=1)
# From so many experiments on, sorting the facts by unit costs less than it saves (measured on DuckDB: benchmarks).
MANY_EXPERIMENTS = 4


class ScanPlan(LogPlan):
    """The statements that scan facts; takes what `ExposurePlan` takes."""

    def scan(self, scan: Scan) -> Iterator[Statement]:
        """Yield the statements that scan facts."""
        sql = self.scan_sql(scan)
        table = unit_table(scan)
        if scan.kind == "opaque":
            periods = self.templates.render("unit_periods.sql", **periods_context(sql, days=self.days()))
            name = periods_table(scan.name)
            yield Statement(name=name, tree=periods, table=name)
        template, context = {
            "additive": ("unit_day.sql", sql.context),
            "distinct": ("unit_day_distinct.sql", sql.distinct_context),
            "recompute": ("unit_day_recompute.sql", sql.recompute_context),
            "opaque": ("unit_day_opaque.sql", lambda: opaque_context(sql)),
            "rows": ("unit_rows.sql", sql.rows_context),
        }[scan.kind]
        values = context()
        if scan.kind == "additive" and self._is_worth_sorting(scan):
            # Then the rows of a unit come together, and meet the few groups of its experiments while they are at hand.
            name = f"facts_{scan.name}"
            tree = values["facts"].order_by(column("unit"), copy=False)
            yield Statement(name=name, tree=tree, table=name, files=scan.files)
            values["facts"] = exp.to_table(name)
        tree = self.templates.render(template, **values)
        yield Statement(name=table, tree=tree, table=table, files=scan.files)

    def _is_worth_sorting(self, scan: Scan) -> bool:
        count = len(scan.experiments) or len(self.group.experiments)
        return self.dialect == "duckdb" and count >= MANY_EXPERIMENTS

    def days(self) -> list[tuple[int, date]]:
        """Return the number and the date of each day of the series."""
        last = max(experiment.last_day for experiment in self.group.experiments)
        return [(number, self.origin + number * DAY) for number in range(1, (last - self.origin).days + 1)]

    def facts_query(self, scan: Scan) -> exp.Expr:
        """Return the facts that a scan reads, for estimates."""
        return self.scan_sql(scan).facts()

    def scan_sql(self, scan: Scan) -> ScanSql:
        """Return the builder of a scan's SQL."""
        is_date, is_zoned = self.fact_type(scan)
        return ScanSql(
            scan,
            clock=self.clock,
            time_kind="date" if is_date else "timestamp",
            is_zoned=is_zoned,
            origin=self.origin,
            open_until=self._open_until(),
        )

    def facts_type_query(self, scan: Scan) -> exp.Select:
        """Return a query without rows whose column has the type of the scan's time column."""
        relation = scan.query.relation.copy()
        assert isinstance(relation, exp.Select)
        return relation.select(exp.alias_(scan.query.time.tree.copy(), "event_time"), copy=False).limit(
            0, copy=False
        )

    def _open_ends(self) -> dict[int, datetime]:
        return {one.number: self.clock.start_of(one.last_day + DAY) for one in self.numbered}

    def _open_until(self) -> datetime | None:
        ends = set(self._open_ends().values())
        return ends.pop() if len(ends) == 1 else None

    def _open_until_column(self) -> exp.Expr | None:
        has_open = any(measure.end is None for measure in self.group.measures.values())
        if not has_open or self._open_until() is not None:
            return None
        case = exp.Case(this=column("experiment_no", "cells"))
        for number, until in self._open_ends().items():
            case = case.when(exp.Literal.number(number), timestamp_literal(until), copy=False)
        return case
