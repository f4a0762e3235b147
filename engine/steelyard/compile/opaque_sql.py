"""A query that cannot be taken apart, bound to each unit: its bounds become columns and its key a span's number."""

from datetime import timedelta
from typing import Any

from sqlglot import exp

from steelyard.compile.canonical import text
from steelyard.compile.clock import date_literal, plus, timestamp_literal
from steelyard.compile.scan_sql import ScanSql, only_experiments
from steelyard.compile.time_predicate import has_bounds, split_time
from steelyard.compile.values import column, output
from steelyard.errors import CompileError

_PERIODS = "sy_periods"


def periods_table(scan_name: str) -> str:
    """Return the name of the table of spans."""
    return f"unit_periods_{scan_name}"


def periods_context(sql: ScanSql, *, days: list[tuple[int, Any]]) -> dict[str, Any]:
    """Return the values of the template ``unit_periods.sql``.

    Args:
        sql: The scan.
        days: Number and date of each day of the series.
    """
    scan = sql.scan
    measure = scan.outcomes[0] if scan.outcomes else scan.covariates[0]
    exposed = column("exposed_day" if sql.is_date else "exposed_at")
    end = sql.last_bound() if measure.end is None else plus(exposed, measure.end)
    if not scan.outcomes:
        end = exposed
    before = None
    if scan.lookback is not None:
        before = {"starts": _cast(plus(exposed, -scan.lookback), sql), "ends": _cast(exposed, sql)}
    return {
        "units": only_experiments(scan, "") if scan.experiments else None,
        "is_daily": scan.grain == "day",
        "starts": _cast(plus(exposed, measure.start), sql),
        "ends": _cast(end, sql),
        "before": before,
        "days": [
            {"number": number, "date": date_literal(day), "ends": _day_end(sql, day)} for number, day in days
        ],
    }


def opaque_context(sql: ScanSql) -> dict[str, Any]:
    """Return the values of the template ``unit_day_opaque.sql``."""
    query = sql.scan.query
    shown = {one.alias_or_name: output(one, "written") for one in query.tree.selects}
    return {
        "query": bound_query(sql),
        "key": output(query.tree.selects[0], "written"),
        "periods": periods_table(sql.scan.name),
        "values": [
            {"name": f"v{number}", "tree": shown[name]}
            for number, name in enumerate(query.value_names, start=1)
        ],
    }


def bound_query(sql: ScanSql) -> exp.Select:
    """Return the query with its time predicate bound to a span, and its unit key replaced by the span's number.

    Raises:
        CompileError: The key is not a column of the subquery that holds the bounds, or is joined on further out.
    """
    query = sql.scan.query
    tree = query.tree.copy()
    where = query.source.where
    key = tree.selects[0].alias_or_name
    scope = next(
        select
        for select in tree.find_all(exp.Select)
        if (condition := select.args.get("where")) is not None
        and has_bounds(condition)
        and any(
            node.find_ancestor(exp.Select) is select
            for node in condition.find_all(exp.Placeholder, exp.Parameter)
        )
    )
    _check_joins(tree, scope, where)
    own = [item for item in scope.selects if item.alias_or_name.lower() == key.lower()]
    if not own:
        raise CompileError(
            f"the subquery with the time predicate does not select {key!r}",
            where=where,
            hint=f"select {key} there, so that the rows can be bound to units",
        )
    unit = own[0].unalias()
    time, conditions = split_time(scope, where=where)
    _replace_key(scope, unit, output(own[0]).this)
    instant = sql.instant(time.tree)
    bounds = [
        exp.GTE(this=instant, expression=column("starts", _PERIODS)),
        exp.LT(this=instant.copy(), expression=column("ends", _PERIODS)),
        sql.in_span(time.tree),
    ]
    scope.set("where", exp.Where(this=exp.and_(*(item.copy() for item in [*conditions, *bounds]))))
    join = exp.Join(
        this=exp.to_table(periods_table(sql.scan.name), alias=_PERIODS),
        on=exp.EQ(this=column("unit", _PERIODS), expression=unit.copy()),
    )
    scope.append("joins", join)
    return tree


def _check_joins(tree: exp.Query, scope: exp.Select, where: str) -> None:
    for select in tree.find_all(exp.Select):
        if select is not scope and select.args.get("joins"):
            raise CompileError(
                "a query that runs as written must not join outside the subquery with the time predicate",
                where=where,
                hint="join inside that subquery",
            )


def _replace_key(scope: exp.Select, unit: exp.Expr, name: exp.Identifier) -> None:
    """Replace the key where rows are grouped and shown; joins and filters keep the real one."""

    def replace(node: exp.Expr) -> exp.Expr:
        return column("period", _PERIODS) if text(node) == text(unit) else node

    scope.set(
        "expressions",
        [
            exp.alias_(column("period", _PERIODS), name)
            if text(item.unalias()) == text(unit)
            else item.transform(replace)
            for item in scope.expressions
        ],
    )
    for part in ("group", "having", "qualify", "windows", "order", "distinct"):
        value = scope.args.get(part)
        if isinstance(value, exp.Expr):
            scope.set(part, value.transform(replace))


def _cast(tree: exp.Expr, sql: ScanSql) -> exp.Expr:
    return exp.cast(exp.paren(tree), "date" if sql.is_date else "timestamp")


def _day_end(sql: ScanSql, day: Any) -> exp.Expr:
    following = day + timedelta(days=1)
    return date_literal(following) if sql.is_date else timestamp_literal(sql.clock.start_of(following))
