"""Rewrites of FROM and of names: tables of constants, common table expressions used twice, quotes."""

import re

from sqlglot import exp

from steelyard.dialects.trees import replace_each


def values_as_selects(tree: exp.Expr) -> exp.Expr:
    """Write a table of constants as SELECTs, where VALUES cannot stand in FROM.

    Examples:
        >>> from sqlglot import parse_one
        >>> query = parse_one("select * from (values (1, 'a'), (2, 'b')) as t(x, y)", read="duckdb")
        >>> values_as_selects(query).sql("redshift")
        "SELECT * FROM (SELECT 1 AS x, 'a' AS y UNION ALL SELECT 2 AS x, 'b' AS y) AS t"
    """

    def change(node: exp.Expr) -> exp.Expr:
        alias = node.args.get("alias")
        if alias is None or not alias.columns:
            return node
        selects = [
            exp.select(
                *(
                    exp.alias_(value.copy(), name.copy())
                    for value, name in zip(row.expressions, alias.columns, strict=True)
                )
            )
            for row in node.expressions
        ]
        union: exp.Expr = selects[0]
        for select in selects[1:]:
            union = exp.Union(this=union, expression=select, distinct=False)
        return exp.Subquery(this=union, alias=exp.TableAlias(this=alias.this.copy()))

    return replace_each(tree, exp.Values, change)


def materialize_shared(tree: exp.Expr) -> exp.Expr:
    """Compute a common table expression once where it is used more than once.

    Examples:
        >>> from sqlglot import parse_one
        >>> materialize_shared(parse_one("with a as (select 1 as x) select * from a, a as b")).sql("postgres")
        'WITH a AS MATERIALIZED (SELECT 1 AS x) SELECT * FROM a, a AS b'
    """

    def change(node: exp.Expr) -> exp.Expr:
        whole = node.parent
        assert whole is not None
        names = [table.name for table in whole.find_all(exp.Table) if not table.db]
        for cte in node.expressions:
            if names.count(cte.alias) > 1:
                cte.set("materialized", True)
        return node

    return replace_each(tree, exp.With, change)


def leave_common_tables(tree: exp.Expr) -> exp.Expr:
    """Leave common table expressions where they are written: sqlglot takes a warehouse for older than it is.

    It would move those of subqueries to the statement's head, where two of one name clash, and where a name hides a
    table that another part of the statement reads. It leaves them only in parts of a statement.

    Examples:
        >>> from sqlglot import parse_one
        >>> query = parse_one("select * from (with a as (select 1 as x) select x from a) as b join a on a.x = b.x")
        >>> leave_common_tables(query).sql("spark", copy=False)
        'SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT x FROM a) AS b JOIN a ON a.x = b.x'
    """
    tree.parent = exp.Paren()
    return tree


def conditions_into_cases(tree: exp.Expr) -> exp.Expr:
    """Write ``agg(x) filter (where c)`` as ``agg(case when c then x end)``: aggregates leave NULL out.

    Examples:
        >>> from sqlglot import parse_one
        >>> query = parse_one("select sum(x) filter (where y > 1), count(*) filter (where y > 1)")
        >>> conditions_into_cases(query).sql("redshift")
        'SELECT SUM(CASE WHEN y > 1 THEN x END), COUNT(CASE WHEN y > 1 THEN 1 END)'
    """

    def change(node: exp.Expr) -> exp.Expr:
        call, condition = node.this, node.expression.this
        if (
            not isinstance(call, exp.AggFunc)
            or isinstance(call.this, exp.Distinct)
            or call.args.get("expression")
        ):
            return node
        counted = exp.Literal.number(1) if isinstance(call.this, exp.Star) else call.this.copy()
        return type(call)(this=exp.Case(ifs=[exp.If(this=condition.copy(), true=counted)]))

    return replace_each(tree, exp.Filter, change)


def text_of_any_length(tree: exp.Expr) -> exp.Expr:
    """Cast to text of any length, where VARCHAR alone cuts it after 256 bytes.

    Examples:
        >>> from sqlglot import parse_one
        >>> text_of_any_length(parse_one("cast(x as varchar)", read="duckdb")).sql("redshift")
        'CAST(x AS VARCHAR(MAX))'
    """

    def change(node: exp.Expr) -> exp.Expr:
        is_open = node.this == exp.DType.VARCHAR and not node.expressions
        return exp.DataType.build("text") if is_open else node

    return replace_each(tree, exp.DataType, change)


def name_columns(tree: exp.Expr) -> exp.Expr:
    """Give every selected column its own name, where a column that two joined tables have would keep the table's.

    Examples:
        >>> from sqlglot import parse_one
        >>> name_columns(parse_one("select a.x, a.y as z, w from a join b on a.x = b.x")).sql("clickhouse")
        'SELECT a.x AS x, a.y AS z, w FROM a JOIN b ON a.x = b.x'
    """

    def change(select: exp.Expr) -> exp.Expr:
        named = [
            exp.alias_(item.copy(), item.this.copy())
            if isinstance(item, exp.Column) and item.table and isinstance(item.this, exp.Identifier)
            else item
            for item in select.expressions
        ]
        select.set("expressions", named)
        return select

    return replace_each(tree, exp.Select, change)


def quote_names(tree: exp.Expr) -> exp.Expr:
    """Quote names that are no plain words, or that are words of SQL itself, wherever they stand.

    The names of inner columns come from those of a log or a metric, where they were in quotes.

    Examples:
        >>> from sqlglot import parse_one
        >>> quote_names(parse_one("select t.größe, t.order, amount from t", read="duckdb")).sql("postgres")
        'SELECT t."größe", t."order", amount FROM t'
    """
    for name in tree.find_all(exp.Identifier):
        if not name.quoted and (not _PLAIN.fullmatch(name.name) or name.name.lower() in _WORDS):
            name.set("quoted", True)
    return tree


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
# Reserved on one of the warehouses at least.
_WORDS = frozenset(
    word
    for line in (
        "all analyse analyze and any array as asc between both by case cast check collate column",
        "constraint create cross current current_date current_time current_timestamp current_user default",
        "deferrable delete desc distinct do drop else end except exists false fetch final for foreign",
        "from full global grant group having ilike in initially inner insert intersect interval into is",
        "isnull join lateral leading left like limit localtime localtimestamp natural not notnull null",
        "offset on only or order outer overlaps partition placing primary qualify range references",
        "returning right rows sample select session_user set settings similar some symmetric table",
        "tablesample then to trailing true union unique update user using values variadic verbose when",
        "where window with",
    )
    for word in line.split()
)
