"""What a warehouse says of a plan before it runs: types of columns, and whether each metric fits its tables."""

import re
from collections.abc import Iterator

from steelyard.compile.clock import date_literal, timestamp_literal, zoned_literal
from steelyard.compile.exposure_sql import LogTypes
from steelyard.compile.group import ColumnTypes
from steelyard.compile.metric_query import MetricQuery
from steelyard.compile.metric_written import written_query
from steelyard.compile.plan import GroupPlan
from steelyard.compile.scan import Scan
from steelyard.errors import CompileError, WarehouseError
from steelyard.warehouse.base import Warehouse

_MOMENTS = frozenset({"date", "timestamp", "timestamptz"})
_NO_NUMBERS = _MOMENTS | {"varchar", "text", "blob", "time", "interval", "uuid", "json"}
_COMPILED_LINE = re.compile(r"\(line \d+: ")


def column_types(plan: GroupPlan, warehouse: Warehouse) -> ColumnTypes:
    """Ask the warehouse for the types of the columns that the plan compares in time.

    Raises:
        WarehouseError: A table or column that is not there.
        CompileError: A time column that is neither a date nor a timestamp.
    """
    exposures = plan.group.exposures
    logs = {
        exposures: _log_types(
            warehouse, plan.text(plan.log()), "exposed_at", f"steelyard.yml: exposures.{exposures}"
        )
    }
    for numbered in plan.numbered:
        name = numbered.spec.analysis.trigger
        if name is not None and name not in logs:
            sql = plan.text(plan.trigger_log(name))
            logs[name] = _log_types(warehouse, sql, "triggered_at", f"steelyard.yml: triggers.{name}")
    facts = {scan.name: _fact_type(warehouse, plan, scan) for scan in plan.group.scans}
    return ColumnTypes(logs=logs, facts=facts)


def check_metrics(plan: GroupPlan, warehouse: Warehouse) -> None:
    """Ask the warehouse whether each metric, as it is written, can run; nothing is read.

    Raises:
        WarehouseError: A column or function that is not there.
        CompileError: A value that is no number, or a function that the warehouse does not have.
    """
    for scan in plan.group.scans:
        for query in _queries(scan):
            try:
                written = _written(plan, scan, query)
            except CompileError as error:
                where = error.where or query.source.where
                raise CompileError(error.args[0], where=where, hint=error.hint) from error
            types = _types(warehouse, written, query.source.where)
            for name in query.value_names:
                if types.get(name, "").split("[")[0] in _NO_NUMBERS:
                    raise CompileError(
                        f"the value {name!r} is of type {types[name]}, not a number",
                        where=query.source.where,
                        hint="count it, or cast it to a number",
                    )


def _queries(scan: Scan) -> Iterator[MetricQuery]:
    yield from {one.key: one.query for one in (*scan.outcomes, *scan.covariates)}.values()


def _written(plan: GroupPlan, scan: Scan, query: MetricQuery) -> str:
    is_date, is_zoned = plan.fact_type(scan)
    first, last = plan.clock.first, plan.clock.last
    if is_date:
        return plan.text(
            written_query(query, first=date_literal(first.date()), last=date_literal(last.date()))
        )
    literal = zoned_literal if is_zoned else timestamp_literal
    return plan.text(written_query(query, first=literal(first), last=literal(last)))


def _fact_type(warehouse: Warehouse, plan: GroupPlan, scan: Scan) -> tuple[bool, bool]:
    """Return whether a scan's time column is a date, and whether it carries a zone."""
    where = scan.query.source.where
    found = _types(warehouse, plan.text(plan.facts_type_query(scan)), where)["event_time"]
    _check_moment(found, where)
    return found == "date", found == "timestamptz"


def _log_types(warehouse: Warehouse, sql: str, moment: str, where: str) -> LogTypes:
    try:
        types = _types(warehouse, sql, where)
    except WarehouseError as error:
        hint = f"{error.hint}; or run steelyard seed, if the tables are to come from fixtures"
        raise WarehouseError(error.args[0], where=where, hint=hint) from error
    _check_moment(types[moment], where)
    return LogTypes(
        is_zoned=types[moment] == "timestamptz",
        is_date=types[moment] == "date",
        is_text=types["unit"] in ("varchar", "text"),
    )


def _types(warehouse: Warehouse, sql: str, where: str) -> dict[str, str]:
    """Return the types of a query's columns; an error names the file, whose lines are not those of the query."""
    try:
        return warehouse.column_types(sql)
    except WarehouseError as error:
        message = _COMPILED_LINE.sub("(at: ", error.args[0])
        raise WarehouseError(message, where=where, hint=error.hint) from error


def _check_moment(found: str, where: str) -> None:
    if found not in _MOMENTS:
        raise CompileError(
            f"the time column is of type {found}",
            where=where,
            hint="cast it to a date or a timestamp in the query",
        )
