"""The part of a plan that scans facts."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlglot import exp

from steelyard.compile.clock import timestamp_literal
from steelyard.compile.exposure_sql import UNITS_PER_CELL
from steelyard.compile.group import Statement
from steelyard.compile.log_plan import LogPlan
from steelyard.compile.opaque_sql import opaque_context, periods_context, periods_table
from steelyard.compile.scan import Scan
from steelyard.compile.scan_sql import ScanSql
from steelyard.compile.unit_values import TABLE, UnitValues, per_unit, unit_table
from steelyard.compile.values import column

DAY = timedelta(days=1)
# From so many experiments on, sorting the facts by unit costs less than it saves (measured on DuckDB: benchmarks).
MANY_EXPERIMENTS = 4
# Where a join and a grouping by other columns than the join's each send all rows over the network.
SHUFFLING = ("spark", "databricks")
_DAY_TEMPLATES = {
    "additive": "unit_day.sql",
    "distinct": "unit_day_distinct.sql",
    "recompute": "unit_day_recompute.sql",
    "opaque": "unit_day_opaque.sql",
    "rows": "unit_rows.sql",
}


class ScanPlan(LogPlan):
    """The statements that scan facts; takes what `ExposurePlan` takes."""

    def scan(self, scan: Scan) -> Iterator[Statement]:
        """Yield the statements that scan facts."""
        if scan.kind == "opaque":
            context = periods_context(self.scan_sql(scan), days=self.days())
            name = periods_table(scan.name)
            yield Statement(name=name, tree=self.templates.render("unit_periods.sql", **context), table=name)
        if self._is_worth_sorting(scan):
            # Then the rows of a unit come together, and meet the few groups of its experiments while they are at hand.
            name = f"facts_{scan.name}"
            tree = self.facts_query(scan).order_by(column("unit"), copy=False)
            yield Statement(name=name, tree=tree, table=name, files=scan.files)
        if scan.kind != "additive" or scan.grain == "day":
            name = unit_table(scan)
            yield Statement(name=name, tree=self._day_scan(scan), table=name, files=scan.files)
        elif not self._is_inlined(scan):
            name = per_unit(scan)
            yield Statement(name=name, tree=self._unit_scan(scan), table=name, files=scan.files)

    def _day_scan(self, scan: Scan) -> exp.Expr:
        sql = self.scan_sql(scan)
        contexts: dict[str, Callable[[], dict[str, Any]]] = {
            "additive": sql.context,
            "distinct": sql.distinct_context,
            "recompute": sql.recompute_context,
            "opaque": partial(opaque_context, sql),
            "rows": sql.rows_context,
        }
        context = self._from_sorted(scan, contexts[scan.kind]())
        return self.templates.render(_DAY_TEMPLATES[scan.kind], **context)

    def unit_values(self, values: UnitValues) -> Statement:
        """Return the statement that fills the table of units' values."""
        tree = self.units_query(values)
        files = [file for scan in values.scans() if self._is_inlined(scan) for file in scan.files]
        return Statement(name=TABLE, tree=tree, table=TABLE, files=tuple(files))

    def units_query(self, values: UnitValues, *, sample: int | None = None) -> exp.Expr:
        """Return the query for units' values, with a sample those of the first units of each cell."""
        is_whole = self._is_whole(values)

        def relation(scan: Scan) -> exp.Expr:
            return self._per_unit(scan, values, sample=sample, is_whole=is_whole)

        context = values.context(relation, sample=sample, is_whole=is_whole)
        return self.templates.render("unit_values.sql", **context)

    def _is_whole(self, values: UnitValues) -> bool:
        """Return whether the facts are joined so that units without any stay, which spares a second join.

        Only where such a join may compare moments; some warehouses allow only columns that are equal.
        """
        return (
            self.dialect in ("duckdb", *SHUFFLING)
            and values.is_one_relation()
            and all(self._is_inlined(one) for one in values.scans())
        )

    def _per_unit(self, scan: Scan, values: UnitValues, *, sample: int | None, is_whole: bool) -> exp.Expr:
        """Return the relation with a scan's columns before and after the exposure, one row per unit."""
        if scan.grain == "day":
            context = {"units_per_cell": UNITS_PER_CELL, "sample": sample, "columns": values.totals(scan)}
            return self.templates.render("unit_totals.sql", table=unit_table(scan), **context)
        if self._is_inlined(scan):
            return self._unit_scan(scan, is_whole=is_whole)
        return exp.to_table(per_unit(scan))

    def _is_inlined(self, scan: Scan) -> bool:
        """Return whether units' values are taken from the facts in one statement: the group has no other such scan."""
        others = [one for one in self.group.scans if one.kind == "additive" and one.grain == "unit"]
        return others == [scan]

    def _unit_scan(self, scan: Scan, *, is_whole: bool = False) -> exp.Expr:
        context = self._from_sorted(scan, self.scan_sql(scan).unit_context())
        # Rows that the join has brought together by unit need not move again to be grouped.
        by_unit = self.dialect in SHUFFLING
        return self.templates.render("unit_scan.sql", **context, is_whole=is_whole, by_unit=by_unit)

    def _from_sorted(self, scan: Scan, context: dict[str, Any]) -> dict[str, Any]:
        """Return a template's values with the sorted facts in place of those in the warehouse, where there are some."""
        sorted_facts = {"facts": exp.to_table(f"facts_{scan.name}")} if self._is_worth_sorting(scan) else {}
        return {**context, **sorted_facts}

    def _is_worth_sorting(self, scan: Scan) -> bool:
        count = len(scan.experiments) or len(self.group.experiments)
        return scan.kind == "additive" and self.dialect == "duckdb" and count >= MANY_EXPERIMENTS

    def days(self) -> list[tuple[int, date]]:
        """Return the number and the date of each day of the series."""
        last = max(experiment.last_day for experiment in self.group.experiments)
        return [(number, self.origin + number * DAY) for number in range(1, (last - self.origin).days + 1)]

    def facts_query(self, scan: Scan) -> exp.Select:
        """Return the facts that a scan reads."""
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
        ends = {one.number: self.clock.start_of(one.last_day + DAY) for one in self.numbered}
        return {**ends, **{other: ends[number] for number, other in self.group.others.items()}}

    def _open_until(self) -> datetime | None:
        ends = set(self._open_ends().values())
        return ends.pop() if len(ends) == 1 else None

    def _has_open_until_column(self) -> bool:
        has_open = any(measure.end is None for measure in self.group.measures.values())
        return has_open and self._open_until() is None

    def _open_until_column(self) -> exp.Expr | None:
        if not self._has_open_until_column():
            return None
        case = exp.Case(this=column("experiment_no", "cells"))
        for number, until in self._open_ends().items():
            case = case.when(exp.Literal.number(number), timestamp_literal(until), copy=False)
        return case
