"""Rewrites of time: differences of days, moments with a zone, spans that a warehouse cannot add."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot import exp

from steelyard.dialects.trees import is_cast_to, replace_each


def count_days(tree: exp.Expr) -> exp.Expr:
    """Write ``day - cast(… as date)`` as a number of days: elsewhere the difference of dates is an interval.

    Examples:
        >>> from sqlglot import parse_one
        >>> count_days(parse_one("d - cast('2026-04-01' as date)", read="duckdb")).sql("spark")
        "DATEDIFF(DAY, CAST('2026-04-01' AS DATE), d)"
    """

    def change(node: exp.Expr) -> exp.Expr:
        if not is_cast_to(node.expression, "date"):
            return node
        return exp.DateDiff(this=node.this.copy(), expression=node.expression.copy(), unit=exp.var("DAY"))

    return replace_each(tree, exp.Sub, change)


def count_microseconds(tree: exp.Expr) -> exp.Expr:
    """Write ``epoch(a - b)`` as a number of microseconds, where the difference of moments is no interval of use.

    Examples:
        >>> from sqlglot import parse_one
        >>> count_microseconds(parse_one("epoch(a - b)", read="duckdb")).sql("spark")
        'CAST(TIMESTAMPDIFF(MICROSECOND, b, a) AS DOUBLE) / 1000000'
    """

    def change(node: exp.Expr) -> exp.Expr:
        between = node.this.unnest()
        if not isinstance(between, exp.Sub):
            return node
        count = exp.TimestampDiff(
            this=between.this.copy(), expression=between.expression.copy(), unit=exp.var("MICROSECOND")
        )
        quotient = exp.Div(
            this=exp.cast(count, "double"), expression=exp.Literal.number(1_000_000), typed=True
        )
        return exp.paren(quotient) if isinstance(node.parent, exp.Binary) else quotient

    return replace_each(tree, exp.TimeToUnix, change)


def count_boundaries(tree: exp.Expr) -> exp.Expr:
    """Count microseconds between moments with the function for days, where one function does both.

    Examples:
        >>> from sqlglot import parse_one
        >>> count_boundaries(count_microseconds(parse_one("epoch(a - b)", read="duckdb"))).sql("redshift")
        'CAST(DATEDIFF(MICROSECOND, b, a) AS DOUBLE PRECISION) / 1000000'
    """
    return replace_each(
        tree,
        exp.TimestampDiff,
        lambda node: exp.DateDiff(
            this=node.this.copy(), expression=node.expression.copy(), unit=node.args["unit"].copy()
        ),
    )


_PARTS: Mapping[str, type[exp.Expr]] = MappingProxyType(
    {"YEAR": exp.Year, "MONTH": exp.Month, "DAY": exp.Day}
)


def name_parts(tree: exp.Expr) -> exp.Expr:
    """Write the parts of a date that mean the same everywhere as functions; others stay, to be refused.

    Examples:
        >>> from sqlglot import parse_one
        >>> name_parts(parse_one("extract(year from d) + extract(dow from d)")).sql("spark")
        'YEAR(d) + EXTRACT(DOW FROM d)'
    """

    def change(node: exp.Expr) -> exp.Expr:
        kind = _PARTS.get(node.name.upper())
        return node if kind is None else kind(this=node.expression.copy())

    return replace_each(tree, exp.Extract, change)


def zoneless(kind: str, dialect: str) -> Callable[[exp.Expr], exp.Expr]:
    """Return a rewrite that gives ``timestamp`` the warehouse's name of a moment without zone.

    Examples:
        >>> from sqlglot import parse_one
        >>> zoneless("TIMESTAMP(6)", "trino")(parse_one("cast(x as timestamp)", read="duckdb")).sql("trino")
        'CAST(x AS TIMESTAMP(6))'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if node.this not in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ) or node.expressions:
            return node
        return exp.DataType.build(kind, dialect=dialect)

    return lambda tree: replace_each(tree, exp.DataType, change)


def count_midnights(tree: exp.Expr) -> exp.Expr:
    """Count the days between two moments as the midnights between them, where the function counts spans of 24 hours.

    Examples:
        >>> from sqlglot import parse_one
        >>> count_midnights(parse_one("date_diff('day', a, b)", read="duckdb")).sql("spark")
        'DATEDIFF(DAY, CAST(a AS DATE), CAST(b AS DATE))'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if node.text("unit").upper() != "DAY":
            return node
        days = [
            part if is_cast_to(part, "date") else exp.cast(part.copy(), "date")
            for part in (node.this, node.expression)
        ]
        return exp.DateDiff(this=days[0].copy(), expression=days[1].copy(), unit=exp.var("DAY"))

    return replace_each(tree, exp.DateDiff, change)


def wide_dates(kind: str, dialect: str) -> Callable[[exp.Expr], exp.Expr]:
    """Return a rewrite that gives ``date`` the warehouse's type whose days begin before 1970.

    Examples:
        >>> from sqlglot import parse_one
        >>> rewrite = wide_dates("Nullable(Date32)", "clickhouse")
        >>> rewrite(parse_one("cast(x as date)", read="duckdb")).sql("clickhouse")
        'CAST(x AS Nullable(Date32))'
    """

    def change(node: exp.Expr) -> exp.Expr:
        return exp.DataType.build(kind, dialect=dialect) if node.this == exp.DType.DATE else node

    return lambda tree: replace_each(tree, exp.DataType, change)


def moments_of_zone(write: Callable[[exp.Expr], exp.Expr]) -> Callable[[exp.Expr], exp.Expr]:
    """Return a rewrite of ``x at time zone 'UTC'``, the moment without zone of a column that has one.

    Another zone stays, to be refused: what it means depends on a column's type.

    Examples:
        >>> from sqlglot import parse_one
        >>> rewrite = moments_of_zone(lambda moment: exp.func("to_utc", moment))
        >>> rewrite(parse_one("x at time zone 'UTC'")).sql()
        'TO_UTC(x)'
    """

    def change(node: exp.Expr) -> exp.Expr:
        is_utc = isinstance(node.args.get("zone"), exp.Literal) and node.args["zone"].name == "UTC"
        return write(node.this.copy()) if is_utc else node

    return lambda tree: replace_each(tree, exp.AtTimeZone, change)


def whole_intervals(tree: exp.Expr) -> exp.Expr:
    """Write the number of an interval without quotes.

    Examples:
        >>> from sqlglot import parse_one
        >>> whole_intervals(parse_one("x + interval '7' day", read="duckdb")).sql("bigquery")
        'x + INTERVAL 7 DAY'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if isinstance(node.this, exp.Literal) and node.this.is_string and node.this.name.isdecimal():
            return exp.Interval(this=exp.Literal.number(node.this.name), unit=node.args["unit"].copy())
        return node

    return replace_each(tree, exp.Interval, change)


def last_millisecond_before(tree: exp.Expr) -> exp.Expr:
    """Write ``x - interval '1' microsecond`` where intervals have milliseconds: the last one before x.

    The day of the two is the same, and that is what they are asked for.

    Examples:
        >>> from sqlglot import parse_one
        >>> before = last_millisecond_before(parse_one("x - interval '1' microsecond", read="duckdb"))
        >>> before.sql("trino").split(" THEN ")[0]
        "(CASE WHEN DATE_TRUNC('MILLISECOND', x) = x"
        >>> before.sql("trino").split(" THEN ")[1]
        "DATE_ADD('MILLISECOND', -1, x) ELSE x END)"
    """

    def change(node: exp.Expr) -> exp.Expr:
        span = node.expression
        if (
            not isinstance(span, exp.Interval)
            or span.text("unit").upper() != "MICROSECOND"
            or span.name != "1"
        ):
            return node
        moment = node.this.unnest()
        unit = exp.Literal.string("MILLISECOND")
        floor = exp.Anonymous(this="DATE_TRUNC", expressions=[unit, moment.copy()])
        less = exp.Anonymous(
            this="DATE_ADD", expressions=[unit.copy(), exp.Literal.number(-1), moment.copy()]
        )
        is_whole = exp.EQ(this=floor, expression=moment.copy())
        return exp.paren(exp.Case(ifs=[exp.If(this=is_whole, true=less)], default=moment.copy()))

    return replace_each(tree, exp.Sub, change)
