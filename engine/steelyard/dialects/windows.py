"""Rewrites of window functions: names, frames, and numbers of rows in no order."""

from itertools import pairwise

from sqlglot import exp

from steelyard.dialects.trees import replace_each

_RANKING = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.Ntile)


def drop_frames_of_ranking(tree: exp.Expr) -> exp.Expr:
    """Take the frame from functions that do not look at it, which most warehouses refuse.

    Examples:
        >>> from sqlglot import parse_one
        >>> named = "select lag(x) over w, sum(x) over w from t window w as (order by d rows unbounded preceding)"
        >>> drop_frames_of_ranking(parse_one(named, read="duckdb")).sql("trino").split(" FROM ")[0]
        'SELECT LAG(x) OVER (ORDER BY d), SUM(x) OVER w'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if not isinstance(node.this, _RANKING):
            return node
        inlined = _inlined(node)
        inlined.set("spec", None)
        return inlined

    return replace_each(tree, exp.Window, change)


def inline_windows(tree: exp.Expr) -> exp.Expr:
    """Write every named window where it is used, for warehouses without a WINDOW clause.

    Examples:
        >>> from sqlglot import parse_one
        >>> named = "select sum(x) over w from t window w as (order by d rows unbounded preceding)"
        >>> inline_windows(parse_one(named, read="duckdb")).sql("duckdb")
        'SELECT SUM(x) OVER (ORDER BY d rows BETWEEN UNBOUNDED preceding AND CURRENT ROW) FROM t'
    """
    inlined = replace_each(tree, exp.Window, _inlined)
    for select in inlined.find_all(exp.Select):
        select.set("windows", None)
    return inlined


def number_within_key(tree: exp.Expr) -> exp.Expr:
    """Number rows within the key that the number is added to: no warehouse then sorts all rows in one place.

    Examples:
        >>> from sqlglot import parse_one
        >>> key = parse_one("select cell * 1000 + row_number() over () as unit_key, unit, day from t")
        >>> number_within_key(key).sql("duckdb")
        'SELECT cell * 1000 + ROW_NUMBER() OVER (PARTITION BY cell ORDER BY unit, day) AS unit_key, unit, day FROM t'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if not _is_unordered_number(node):
            return node
        sum_ = node.parent
        is_suffix = isinstance(sum_, exp.Add) and isinstance(sum_.this, exp.Mul)
        key = [sum_.this.this.copy()] if isinstance(sum_, exp.Add) and is_suffix else []
        return exp.Window(this=exp.RowNumber(), partition_by=key, order=_all_columns(node))

    return replace_each(tree, exp.Window, change)


def order_absent_last(tree: exp.Expr) -> exp.Expr:
    """Order NULLs last by a key of their own, where frames refuse NULLS LAST.

    Examples:
        >>> from sqlglot import parse_one
        >>> framed = "select sum(x) over (order by day rows unbounded preceding) from t"
        >>> order_absent_last(parse_one(framed, read="duckdb")).sql("bigquery").split(" rows ")[0]
        'SELECT SUM(x) OVER (ORDER BY day IS NULL, day'
    """

    def change(node: exp.Expr) -> exp.Expr:
        order = node.args.get("order")
        if node.args.get("spec") is None or order is None:
            return node
        keys: list[exp.Expr] = []
        for item in order.expressions:
            if not item.args.get("nulls_first") and not item.args.get("desc"):
                keys.append(
                    exp.Ordered(this=exp.Is(this=item.this.copy(), expression=exp.null()), nulls_first=True)
                )
                keys.append(exp.Ordered(this=item.this.copy(), nulls_first=True))
            else:
                keys.append(item.copy())
        node.set("order", exp.Order(expressions=keys))
        return node

    return replace_each(tree, exp.Window, change)


def order_absent_once(tree: exp.Expr) -> exp.Expr:
    """Leave out the key that says whether a value is NULL before the value itself, where NULLS LAST says it.

    It is one comparison less for every pair of rows that sorting compares.

    Examples:
        >>> from sqlglot import parse_one
        >>> ranked = parse_one("select row_number() over (order by case when x is null then 1 else 0 end, x) from t",
        ...     read="duckdb")
        >>> order_absent_once(ranked).sql("spark")
        'SELECT ROW_NUMBER() OVER (ORDER BY x NULLS LAST) FROM t'
    """

    def change(node: exp.Expr) -> exp.Expr:
        keys = node.expressions
        repeated = [
            key
            for key, following in pairwise(keys)
            if key.this == absent_last(following.this) and not following.args.get("nulls_first")
        ]
        node.set("expressions", [key for key in keys if not any(key is one for one in repeated)])
        return node

    return replace_each(tree, exp.Order, change)


def absent_last(value: exp.Expr) -> exp.Expr:
    """Return a key that puts NULLs after all values.

    Examples:
        >>> absent_last(exp.column("x")).sql()
        'CASE WHEN x IS NULL THEN 1 ELSE 0 END'
    """
    absent = exp.Is(this=value.copy(), expression=exp.null())
    return exp.Case(ifs=[exp.If(this=absent, true=exp.Literal.number(1))], default=exp.Literal.number(0))


def respect_absent(tree: exp.Expr) -> exp.Expr:
    """Say that the first and the last value of a window may be NULL, where they are otherwise of the others.

    Examples:
        >>> from sqlglot import parse_one
        >>> respect_absent(parse_one("last_value(x) over w")).sql("clickhouse")
        'LAST_VALUE(x) RESPECT NULLS OVER w'
    """

    def change(node: exp.Expr) -> exp.Expr:
        is_said = isinstance(node.parent, exp.IgnoreNulls | exp.RespectNulls)
        return node if is_said else exp.RespectNulls(this=node.copy())

    return replace_each(tree, (exp.FirstValue, exp.LastValue), change)


def _is_unordered_number(node: exp.Expr) -> bool:
    return (
        isinstance(node.this, exp.RowNumber)
        and not node.args.get("partition_by")
        and node.args.get("order") is None
        and node.args.get("alias") is None
    )


def _all_columns(node: exp.Expr) -> exp.Order:
    """Return an order by the plain columns of the SELECT: a row read again gets the number it had."""
    select = node.find_ancestor(exp.Select)
    assert select is not None
    plain = [item.unalias() for item in select.expressions if isinstance(item.unalias(), exp.Column)]
    return exp.Order(expressions=[exp.Ordered(this=item.copy(), nulls_first=False) for item in plain])


def _inlined(node: exp.Expr) -> exp.Expr:
    name = node.args.get("alias")
    if name is None:
        return node.copy()
    select = node.find_ancestor(exp.Select)
    assert select is not None
    window = next(one for one in select.args.get("windows") or [] if one.name.lower() == name.name.lower())
    parts = {
        part: [item.copy() for item in value] if isinstance(value, list) else value.copy()
        for part in ("partition_by", "order", "spec")
        if (value := window.args.get(part))
    }
    return exp.Window(this=node.this.copy(), **parts)
