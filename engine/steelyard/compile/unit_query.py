"""A query of units, numbered, so that it can be read page by page."""

from collections.abc import Sequence

from sqlglot import exp

from steelyard.compile.canonical import parse_query
from steelyard.compile.safety import refuse_unsafe
from steelyard.dialects.registry import DIALECTS

NUMBERED = "steelyard_number"


TABLE = "units_to_assign"


def read_units(sql: str, *, written_in: str) -> exp.Query:
    """Return a query of units as a tree.

    Raises:
        CompileError: It is no single safe SELECT.
    """
    tree = parse_query(sql, dialect=written_in, where="--query")
    refuse_unsafe(tree, where="--query")
    return tree


def numbered_units(tree: exp.Query, unit: str, *, dialect: str) -> str:
    """Return the query with the number of each row beside its columns, in the order of the units."""
    number = exp.Window(
        this=exp.RowNumber(),
        order=exp.Order(expressions=[exp.Ordered(this=exp.column(exp.to_identifier(unit)))]),
    )
    source = exp.alias_(exp.Subquery(this=tree.copy()), "units", table=True)
    return DIALECTS[dialect].generate(exp.select("*", number.as_(NUMBERED)).from_(source))


def page_query(columns: Sequence[str], *, first: int, last: int, dialect: str) -> str:
    """Return the query for the rows with some numbers, in order."""
    number = exp.column(NUMBERED)
    between = exp.Between(this=number, low=exp.Literal.number(first), high=exp.Literal.number(last))
    names = [exp.column(exp.to_identifier(name)) for name in columns]
    query = exp.select(*names).from_(TABLE).where(between).order_by(number.copy())
    return DIALECTS[dialect].generate(query)
