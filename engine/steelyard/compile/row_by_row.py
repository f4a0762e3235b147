"""Which temporary tables need no rows of their own."""

from collections.abc import Collection

from sqlglot import exp

_BETWEEN_ROWS = (
    exp.Join,
    exp.Group,
    exp.AggFunc,
    exp.Window,
    exp.Distinct,
    exp.Order,
    exp.Limit,
    exp.SetOperation,
)


def is_row_by_row(tree: exp.Expr, tables: Collection[str]) -> bool:
    """Return whether a query takes the rows of some tables one by one: running it costs no more than reading them.

    Args:
        tree: The query.
        tables: Tables that may be read.

    Examples:
        >>> from sqlglot import parse_one
        >>> one = parse_one("with f as (select unit, day from seen where first = last) select *, day + 1 as n from f")
        >>> is_row_by_row(one, ["seen"]), is_row_by_row(one, ["other"])
        (True, False)
        >>> is_row_by_row(parse_one("select unit, min(day) as day from seen group by unit"), ["seen"])
        False
    """
    if tree.find(*_BETWEEN_ROWS) is not None:
        return False
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    read = {table.name for table in tree.find_all(exp.Table)} - named
    return bool(read) and read <= set(tables)
