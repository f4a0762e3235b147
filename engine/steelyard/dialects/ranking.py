"""Rewrites of aggregates that pick one row of a group: the first exposure, the latest state, the row at a quantile.

Where a warehouse has no such aggregate, or one whose rounding differs, the rows are numbered in a subquery and the
aggregate takes the row with the right number.
"""

from collections.abc import Callable
from decimal import Decimal

from sqlglot import exp

from steelyard.dialects.trees import replace_each
from steelyard.dialects.windows import absent_last

_RANKED = "ranked"
_FIRST_ROW = "first_row"


def flatten_first_row(tree: exp.Expr) -> exp.Expr:
    """Write ``min(struct)`` as the columns of the first row, and its parts as those columns.

    Examples:
        >>> from sqlglot import parse_one
        >>> first = parse_one("select u, min({'moment': m, 'v': v}) as f from t group by u", read="duckdb")
        >>> print(flatten_first_row(first).sql("duckdb", pretty=True))
        SELECT
          ranked.u,
          MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.m END) AS f__moment,
          MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.v END) AS f__v
        FROM (
          SELECT
            u AS u,
            m AS m,
            v AS v,
            ROW_NUMBER() OVER (PARTITION BY u ORDER BY m, v) AS place_1
          FROM t
        ) AS ranked
        GROUP BY
          ranked.u
        >>> flatten_first_row(parse_one("select f.v from t")).sql()
        'SELECT f.v FROM t'
        >>> flatten_first_row(parse_one("select first_row.v from t")).sql()
        'SELECT first_row__v FROM t'
    """
    tree = replace_each(tree, (exp.Column, exp.Dot), _flat_part)

    def change(select: exp.Expr) -> exp.Expr:
        structs = [item for item in select.expressions if _is_first_row(item)]
        if not structs:
            return select
        ranked = _Ranked(select)
        expressions: list[exp.Expr] = []
        for item in select.expressions:
            if item not in structs:
                expressions.append(item)
                continue
            parts = item.this.this.expressions
            place = ranked.number([_ordered(part.expression) for part in parts])
            expressions += [_part_of(item.alias, part, place) for part in parts]
        select.set("expressions", expressions)
        return ranked.rewritten(select)

    return replace_each(tree, exp.Select, change)


def count_to_quantile(tree: exp.Expr) -> exp.Expr:
    """Write ``quantile_disc(x, q)`` as the least value that at least the share q of all values does not exceed.

    Whole numbers are compared, so that a quantile at an exact multiple of 1/n is the same everywhere; the functions of
    other warehouses multiply in floating point.

    Examples:
        >>> from sqlglot import parse_one
        >>> cap = parse_one("select e, quantile_disc(x, 0.99) as cap from t group by e", read="duckdb")
        >>> print(count_to_quantile(cap).sql("duckdb", pretty=True))
        SELECT
          ranked.e,
          MIN(CASE WHEN ranked.place_1 * 100 >= ranked.count_1 * 99 THEN ranked.value_1 END) AS cap
        FROM (
          SELECT
            e AS e,
            x AS value_1,
            ROW_NUMBER() OVER (PARTITION BY e ORDER BY CASE WHEN x IS NULL THEN 1 ELSE 0 END, x) AS place_1,
            COUNT(x) OVER (PARTITION BY e) AS count_1
          FROM t
        ) AS ranked
        GROUP BY
          ranked.e
    """

    def change(select: exp.Expr) -> exp.Expr:
        calls = [call for item in select.expressions for call in item.find_all(exp.PercentileDisc)]
        calls = [call for call in calls if _fraction(call) is not None]
        if not calls or any(call.find_ancestor(exp.Filter, exp.Select) is not select for call in calls):
            return select
        ranked = _Ranked(select)
        for call in calls:
            top, bottom = _fraction(call) or (1, 1)
            place, value = ranked.number_present(call.this)
            counted = exp.column(value.name.replace("value", "count"))
            reaches = exp.GTE(
                this=exp.Mul(this=place, expression=exp.Literal.number(bottom)),
                expression=exp.Mul(this=counted, expression=exp.Literal.number(top)),
            )
            call.replace(exp.Min(this=exp.Case(ifs=[exp.If(this=reaches, true=value)])))
        return ranked.rewritten(select)

    return replace_each(tree, exp.Select, change)


def latest_by_place(tree: exp.Expr) -> exp.Expr:
    """Write ``arg_max(x, y)`` over rows that are numbered by y from the largest down, those without x last.

    Examples:
        >>> from sqlglot import parse_one
        >>> state = parse_one("select u, arg_max(v, day) as v from t group by u", read="duckdb")
        >>> print(latest_by_place(state).sql("duckdb", pretty=True))
        SELECT
          ranked.u,
          MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.v END) AS v
        FROM (
          SELECT
            u AS u,
            v AS v,
            ROW_NUMBER() OVER (PARTITION BY u ORDER BY CASE WHEN v IS NULL THEN 1 ELSE 0 END, day DESC) AS place_1
          FROM t
        ) AS ranked
        GROUP BY
          ranked.u
    """

    def change(select: exp.Expr) -> exp.Expr:
        calls = [call for item in select.expressions for call in item.find_all(exp.ArgMax)]
        if not calls or any(call.find_ancestor(exp.Filter, exp.Select) is not select for call in calls):
            return select
        ranked = _Ranked(select)
        for call in calls:
            latest = exp.Ordered(this=call.expression.copy(), desc=True, nulls_first=False)
            place = ranked.number([_ordered(absent_last(call.this)), latest])
            call.replace(exp.Max(this=_at_place(place, call.this)))
        return ranked.rewritten(select)

    return replace_each(tree, exp.Select, change)


def latest_of_array(tree: exp.Expr) -> exp.Expr:
    """Write ``arg_max(x, y)`` as the first of an ordered array; NULLs of x are left out, as DuckDB does.

    Examples:
        >>> from sqlglot import parse_one
        >>> latest_of_array(parse_one("arg_max(v, day)", read="duckdb")).sql("postgres")
        '(ARRAY_AGG(v ORDER BY day DESC NULLS LAST) FILTER(WHERE v IS NOT NULL))[1]'
        >>> latest_of_array(parse_one("arg_min(v, day)", read="duckdb")).sql("postgres")
        '(ARRAY_AGG(v ORDER BY day) FILTER(WHERE v IS NOT NULL))[1]'
    """

    def change(node: exp.Expr) -> exp.Expr:
        ordered = exp.Ordered(
            this=node.expression.copy(), desc=isinstance(node, exp.ArgMax) or None, nulls_first=False
        )
        array = exp.ArrayAgg(this=exp.Order(this=node.this.copy(), expressions=[ordered]))
        known: exp.Expr = exp.Is(this=node.this.copy(), expression=exp.Not(this=exp.null()))
        if isinstance(node.parent, exp.Filter):
            known = exp.and_(node.parent.expression.this.copy(), known)
        both = exp.Filter(this=array, expression=exp.Where(this=known))
        return exp.Bracket(this=exp.paren(both), expressions=[exp.Literal.number(0)], offset=0)

    def outer(node: exp.Expr) -> exp.Expr:
        return change(node.this) if isinstance(node.this, exp.ArgMax | exp.ArgMin) else node

    filtered = replace_each(tree, exp.Filter, outer)
    return replace_each(filtered, (exp.ArgMax, exp.ArgMin), change)


def latest_of_present(tree: exp.Expr) -> exp.Expr:
    """Keep NULLs of x from being the answer of ``arg_max(x, y)``, where the warehouse would take them.

    Examples:
        >>> from sqlglot import parse_one
        >>> latest_of_present(parse_one("arg_max(v, day)", read="duckdb")).sql("spark")
        'MAX_BY(v, CASE WHEN NOT v IS NULL THEN day END)'
    """

    def change(node: exp.Expr) -> exp.Expr:
        present = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.null()))
        when = exp.Case(ifs=[exp.If(this=present, true=node.expression.copy())])
        return type(node)(this=node.this.copy(), expression=when)

    return replace_each(tree, (exp.ArgMax, exp.ArgMin), change)


def order_text_by_bytes(collation: str) -> Callable[[exp.Expr], exp.Expr]:
    """Return a rewrite that orders segments by their bytes, so that ties of exposures break alike everywhere.

    Examples:
        >>> from sqlglot import parse_one
        >>> query = parse_one("select row_number() over (order by v, dim_a)", read="duckdb")
        >>> order_text_by_bytes("C")(query).sql("postgres")
        'SELECT ROW_NUMBER() OVER (ORDER BY v, dim_a COLLATE "C")'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if isinstance(node.this, exp.Column) and node.this.name.startswith(_SEGMENTS):
            name = exp.to_identifier(collation, quoted=True)
            node.set("this", exp.Collate(this=node.this.copy(), expression=name))
        return node

    return lambda tree: replace_each(tree, exp.Ordered, change)


class _Ranked:
    """The subquery that numbers the rows of a grouped SELECT."""

    def __init__(self, select: exp.Expr) -> None:
        self.select = select
        group = select.args.get("group")
        self.keys = [] if group is None else [key.copy() for key in group.expressions]
        self.added: list[exp.Expr] = []
        self.present: dict[exp.Expr, tuple[exp.Expr, exp.Expr]] = {}
        self.count = 0

    def number(self, order: list[exp.Expr]) -> exp.Expr:
        """Add the number of each row in its group, in an order, and return its column."""
        self.count += 1
        window = exp.Window(
            this=exp.RowNumber(),
            partition_by=[key.copy() for key in self.keys],
            order=exp.Order(expressions=order),
        )
        self.added.append(exp.alias_(window, f"place_{self.count}"))
        return exp.column(f"place_{self.count}")

    def number_present(self, value: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
        """Add the place of a value among those that are not NULL, and their number; return place and value.

        Several quantiles of a value share them.
        """
        if value in self.present:
            place, known = self.present[value]
            return place.copy(), known.copy()
        key, name = value.copy(), f"value_{self.count + 1}"
        self.added.append(exp.alias_(value.copy(), name))
        place = self.number([_ordered(absent_last(value)), _ordered(value)])
        total = exp.Window(this=exp.Count(this=value.copy()), partition_by=[key.copy() for key in self.keys])
        self.added.append(exp.alias_(total, f"count_{self.count}"))
        self.present[key] = (place, exp.column(name))
        return self.number_present(value)

    def rewritten(self, select: exp.Expr) -> exp.Expr:
        """Return the SELECT over the numbered rows."""
        added = {item.alias for item in self.added}
        names: dict[str, tuple[str, exp.Column]] = {}
        group = select.args.get("group")
        roots = [*select.expressions, *([] if group is None else group.expressions)]
        columns = [
            column for root in roots for column in root.find_all(exp.Column) if column.name not in added
        ]
        for column in columns:
            taken = {name for name, _ in names.values()}
            own = column.name if column.name not in taken else f"{column.table}_{column.name}"
            names.setdefault(column.sql("duckdb"), (own, column.copy()))

        def outside(node: exp.Expr) -> exp.Expr:
            name = node.name if node.name in added else names[node.sql("duckdb")][0]
            return exp.column(name, table=_RANKED)

        inner = exp.select(*(exp.alias_(column, name) for name, column in names.values()), *self.added)
        for part in ("from_", "joins", "where"):
            inner.set(part, select.args.get(part))
            select.set(part, None)
        for root in roots:
            changed = replace_each(root.copy(), exp.Column, outside)
            if isinstance(root, exp.Alias) and isinstance(root.this, exp.Column):
                changed = exp.alias_(changed.unalias(), root.alias)
            root.replace(changed)
        select.set("from_", exp.From(this=exp.alias_(exp.Subquery(this=inner), _RANKED, table=True)))
        return select


def first_row_part(name: str) -> str:
    """Return the column that `flatten_first_row` makes of a part of ``first_row``.

    Examples:
        >>> first_row_part("dim_a")
        'first_row__dim_a'
    """
    return f"{_FIRST_ROW}__{name}"


_SEGMENTS = ("dim_", first_row_part("dim_"))


def _is_first_row(item: exp.Expr) -> bool:
    return (
        isinstance(item, exp.Alias)
        and isinstance(item.this, exp.Min)
        and isinstance(item.this.this, exp.Struct)
    )


def _flat_part(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Column) and node.table == _FIRST_ROW:
        return exp.column(first_row_part(node.name))
    if isinstance(node, exp.Dot) and isinstance(node.this, exp.Column) and node.this.name == _FIRST_ROW:
        return exp.column(first_row_part(node.expression.name))
    return node


def _part_of(name: str, part: exp.Expr, place: exp.Expr) -> exp.Expr:
    return exp.alias_(exp.Max(this=_at_place(place, part.expression)), f"{name}__{part.this.name}")


def _at_place(place: exp.Expr, value: exp.Expr) -> exp.Expr:
    is_first = exp.EQ(this=place.copy(), expression=exp.Literal.number(1))
    return exp.Case(ifs=[exp.If(this=is_first, true=value.copy())])


def _ordered(value: exp.Expr) -> exp.Expr:
    return exp.Ordered(this=value.copy(), nulls_first=False)


def _fraction(call: exp.Expr) -> tuple[int, int] | None:
    """Return a quantile as a fraction of whole numbers that a product with a count cannot overflow; else None."""
    if not isinstance(call.expression, exp.Literal):
        return None
    top, bottom = Decimal(call.expression.this).as_integer_ratio()
    return (top, bottom) if bottom <= 1_000_000 else None
