"""Rewrites of numbers: division, finiteness, and aggregates whose type depends on their argument's."""

from sqlglot import exp

from steelyard.dialects.trees import is_cast_to, replace_each

LARGEST = "1.7976931348623157E308"


def divide_doubles(tree: exp.Expr) -> exp.Expr:
    """Divide as DuckDB does: in DOUBLE whatever the types, and without an error where the divisor is 0.

    Integers are divided as integers on PostgreSQL, Redshift and Trino, and with six decimals on Snowflake. DuckDB's
    quotient by zero is infinite, which no metric takes; elsewhere it is NULL.

    Examples:
        >>> from sqlglot import parse_one
        >>> divide_doubles(parse_one("select a / b, a / nullif(b, 0), a / 7", read="duckdb")).sql("duckdb")
        'SELECT CAST(a AS DOUBLE) / NULLIF(b, 0), CAST(a AS DOUBLE) / NULLIF(b, 0), CAST(a AS DOUBLE) / 7'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if node.args.get("typed"):
            return node
        top, bottom = node.this, node.expression
        if not is_cast_to(top, "double"):
            top = exp.cast(top.copy(), "double")
        if not _is_not_zero(bottom):
            bottom = exp.Nullif(this=bottom.unnest().copy(), expression=exp.Literal.number(0))
        return exp.Div(this=top.copy(), expression=bottom.copy(), typed=False, safe=False)

    return replace_each(tree, exp.Div, change)


def divide_integers(tree: exp.Expr) -> exp.Expr:
    """Write ``//`` as ``/`` where that divides integers as integers.

    Examples:
        >>> from sqlglot import parse_one
        >>> divide_integers(parse_one("a // 1000", read="duckdb")).sql("postgres")
        'a / 1000'
    """
    return replace_each(
        tree,
        exp.IntDiv,
        lambda node: exp.Div(this=_operand(node.this), expression=_operand(node.expression), typed=True),
    )


def divide_by_function(name: str, tree: exp.Expr) -> exp.Expr:
    """Write ``//`` as a function.

    Examples:
        >>> from sqlglot import parse_one
        >>> divide_by_function("intDiv", parse_one("a // 1000", read="duckdb")).sql("clickhouse")
        'intDiv(a, 1000)'
    """
    return replace_each(
        tree,
        exp.IntDiv,
        lambda node: exp.Anonymous(this=name, expressions=[node.this.copy(), node.expression.copy()]),
    )


def divide_remainder_off(tree: exp.Expr) -> exp.Expr:
    """Write ``//`` for a warehouse whose division rounds: the remainder goes first.

    Examples:
        >>> from sqlglot import parse_one
        >>> divide_remainder_off(parse_one("a // 1000", read="duckdb")).sql("snowflake")
        'CAST((a - MOD(a, 1000)) / 1000 AS BIGINT)'
    """

    def change(node: exp.Expr) -> exp.Expr:
        top, bottom = _operand(node.this), _operand(node.expression)
        remainder = exp.Anonymous(this="MOD", expressions=[top.copy(), bottom.copy()])
        whole = exp.paren(exp.Sub(this=top, expression=remainder))
        return exp.cast(exp.Div(this=whole, expression=bottom, typed=True), "bigint")

    return replace_each(tree, exp.IntDiv, change)


def count_conditions(tree: exp.Expr) -> exp.Expr:
    """Count rows that meet a condition with ``count(case …)``, which is 0 over nothing everywhere.

    Examples:
        >>> from sqlglot import parse_one
        >>> count_conditions(parse_one("select count_if(x > 1) from t", read="duckdb")).sql("postgres")
        'SELECT COUNT(CASE WHEN x > 1 THEN 1 END) FROM t'
    """
    one = exp.Literal.number(1)
    return replace_each(
        tree,
        exp.CountIf,
        lambda node: exp.Count(this=exp.Case(ifs=[exp.If(this=node.this.copy(), true=one.copy())])),
    )


def logical_as_extremes(tree: exp.Expr) -> exp.Expr:
    """Write ``bool_or`` as ``max`` and ``bool_and`` as ``min``, where truth is a number and aggregates of it are not.

    Examples:
        >>> from sqlglot import parse_one
        >>> logical_as_extremes(parse_one("select bool_or(a), bool_and(a > 1) from t", read="duckdb")).sql("clickhouse")
        'SELECT MAX(a), MIN(a > 1) FROM t'
    """

    def change(node: exp.Expr) -> exp.Expr:
        kind = exp.Max if isinstance(node, exp.LogicalOr) else exp.Min
        return kind(this=node.this.copy())

    return replace_each(tree, (exp.LogicalOr, exp.LogicalAnd), change)


def average_doubles(tree: exp.Expr) -> exp.Expr:
    """Average in DOUBLE: the average of integers is an integer on Redshift and has six decimals on Snowflake.

    Examples:
        >>> from sqlglot import parse_one
        >>> average_doubles(parse_one("select avg(x) from t")).sql("redshift")
        'SELECT AVG(CAST(x AS DOUBLE PRECISION)) FROM t'
    """

    def change(node: exp.Expr) -> exp.Expr:
        argument = node.this
        if isinstance(argument, exp.Distinct) or is_cast_to(argument, "double"):
            return node
        return exp.Avg(this=exp.cast(argument.copy(), "double"))

    return replace_each(tree, exp.Avg, change)


def compare_with_largest(tree: exp.Expr) -> exp.Expr:
    """Write ``isfinite(x)`` as a comparison: false of NaN where NaN is the largest number, and where it is none.

    Examples:
        >>> from sqlglot import parse_one
        >>> compare_with_largest(parse_one("select isfinite(x)", read="duckdb")).sql("postgres")
        "SELECT ABS(CAST(x AS DOUBLE PRECISION)) <= CAST('1.7976931348623157E308' AS DOUBLE PRECISION)"
    """

    def change(node: exp.Expr) -> exp.Expr:
        if node.name.lower() != "isfinite":
            return node
        (argument,) = node.expressions
        number = argument if is_cast_to(argument, "double") else exp.cast(argument.copy(), "double")
        bound = exp.cast(exp.Literal.string(LARGEST), "double")
        compared = exp.LTE(this=exp.Abs(this=number.copy()), expression=bound)
        return exp.paren(compared) if isinstance(node.parent, exp.Not | exp.Binary) else compared

    return replace_each(tree, exp.Anonymous, change)


def rename_isfinite(name: str, tree: exp.Expr) -> exp.Expr:
    """Write ``isfinite(x)`` as the warehouse's function of a DOUBLE.

    Examples:
        >>> from sqlglot import parse_one
        >>> rename_isfinite("is_finite", parse_one("isfinite(x)")).sql("trino")
        'IS_FINITE(CAST(x AS DOUBLE))'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if node.name.lower() != "isfinite":
            return node
        (argument,) = node.expressions
        number = argument if is_cast_to(argument, "double") else exp.cast(argument.copy(), "double")
        return exp.Anonymous(this=name, expressions=[number.copy()])

    return replace_each(tree, exp.Anonymous, change)


def skip_null_in_least(tree: exp.Expr) -> exp.Expr:
    """Write ``least`` and ``greatest`` so that NULL is left out, as DuckDB does, where the warehouse returns NULL.

    Examples:
        >>> from sqlglot import parse_one
        >>> skip_null_in_least(parse_one("least(a, b)", read="duckdb")).sql("trino")
        'COALESCE(LEAST(a, b), a, b)'
        >>> skip_null_in_least(parse_one("least(a, 500, c)", read="duckdb")).sql("trino")
        'COALESCE(LEAST(COALESCE(LEAST(a, 500), a, 500), c), COALESCE(LEAST(a, 500), a, 500), c)'
    """

    def change(node: exp.Expr) -> exp.Expr:
        first: exp.Expr = node.this
        others, kind = node.expressions, type(node)
        for other in others:
            pair = kind(this=first.copy(), expressions=[other.copy()])
            first = exp.Coalesce(this=pair, expressions=[first.copy(), other.copy()])
        return first

    return replace_each(tree, (exp.Least, exp.Greatest), change)


def _operand(tree: exp.Expr) -> exp.Expr:
    return exp.paren(tree) if isinstance(tree, exp.Binary) else tree.copy()


def sum_doubles(tree: exp.Expr) -> exp.Expr:
    """Add in DOUBLE what becomes one: a sum of BIGINT overflows on ClickHouse without an error, one of REAL is a REAL.

    Examples:
        >>> from sqlglot import parse_one
        >>> sum_doubles(parse_one("select cast(sum(x) as double) from t", read="duckdb")).sql("duckdb")
        'SELECT SUM(CAST(x AS DOUBLE)) FROM t'
    """

    def change(node: exp.Expr) -> exp.Expr:
        total = node.this
        if (
            not isinstance(total, exp.Sum)
            or isinstance(total.this, exp.Distinct)
            or not is_cast_to(node, "double")
        ):
            return node
        argument = total.this if is_cast_to(total.this, "double") else exp.cast(total.this.copy(), "double")
        return exp.Sum(this=argument.copy())

    return replace_each(tree, exp.Cast, change)


def number_conditions(tree: exp.Expr) -> exp.Expr:
    """Give ``sum``, ``min`` and ``max`` of a condition 1 and 0, where truth is no number.

    Examples:
        >>> from sqlglot import parse_one
        >>> number_conditions(parse_one("sum(x > 2)", read="duckdb")).sql("postgres")
        'SUM(CASE WHEN x > 2 THEN 1 WHEN NOT (x > 2) THEN 0 END)'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if not isinstance(node.this.unnest(), _CONDITIONS):
            return node
        condition = node.this.unnest()
        negated = exp.Not(this=exp.paren(condition.copy()))
        zero, one = exp.Literal.number(0), exp.Literal.number(1)
        cases = [exp.If(this=condition.copy(), true=one), exp.If(this=negated, true=zero)]
        return type(node)(this=exp.Case(ifs=cases))

    return replace_each(tree, (exp.Sum, exp.Min, exp.Max), change)


_CONDITIONS = (
    exp.And,
    exp.Between,
    exp.EQ,
    exp.GT,
    exp.GTE,
    exp.ILike,
    exp.In,
    exp.Is,
    exp.LT,
    exp.LTE,
    exp.Like,
    exp.NEQ,
    exp.Not,
    exp.Or,
)


def null_by_zero(tree: exp.Expr) -> exp.Expr:
    """Divide by zero to NULL on DuckDB too, whose quotient is infinite or NaN and then greater than any bound.

    Examples:
        >>> from sqlglot import parse_one
        >>> null_by_zero(parse_one("select count_if(a / b > 0.5), a / 7", read="duckdb")).sql("duckdb")
        'SELECT COUNT_IF(a / NULLIF(b, 0) > 0.5), a / 7'
    """

    def change(node: exp.Expr) -> exp.Expr:
        bottom = node.expression
        if node.args.get("typed") or _is_not_zero(bottom):
            return node
        divisor = exp.Nullif(this=bottom.unnest().copy(), expression=exp.Literal.number(0))
        return exp.Div(this=node.this.copy(), expression=divisor, typed=False, safe=False)

    return replace_each(tree, exp.Div, change)


def _is_not_zero(bottom: exp.Expr) -> bool:
    return isinstance(bottom, exp.Nullif) or (isinstance(bottom, exp.Literal) and float(bottom.this) != 0)


def cut_remainder(name: str, tree: exp.Expr) -> exp.Expr:
    """Write ``a % b`` by what a whole division leaves, where the operator would first cut decimals to whole numbers.

    Examples:
        >>> from sqlglot import parse_one
        >>> cut_remainder("intDiv", parse_one("a % 3", read="duckdb")).sql("clickhouse")
        '(a - 3 * intDiv(a, 3))'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if node.this.name == "unit_key":  # the engine's own, a whole number
            return node
        top, bottom = _operand(node.this.unnest()), _operand(node.expression.unnest())
        whole = exp.Anonymous(
            this=name, expressions=[node.this.unnest().copy(), node.expression.unnest().copy()]
        )
        return exp.paren(exp.Sub(this=top, expression=exp.Mul(this=bottom, expression=whole)))

    return replace_each(tree, exp.Mod, change)
