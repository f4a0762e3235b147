"""Tables that stand elsewhere than where a query looks for them."""

from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from steelyard.errors import CompileError


def with_places(sql: str, places: Mapping[str, str], *, dialect: str) -> str:
    """Return a query that reads some tables from where they are; the rest of its text stays as it is.

    Args:
        sql: A query in the dialect.
        places: What to write for each table that the query names without a schema, in lower case.
        dialect: sqlglot's name of it.

    Raises:
        CompileError: The query cannot be read.

    Examples:
        >>> with_places("with a as (select * from units) select units.n from units, a",
        ...     {"units": "scratch.t1_units", "a": "scratch.t1_a"}, dialect="trino")
        'with a as (select * from scratch.t1_units AS units) select units.n from scratch.t1_units AS units, a'
    """
    lowered = sql.lower()
    if not any(name in lowered for name in places):
        return sql
    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except SqlglotError as error:
        raise CompileError(f"{dialect} SQL that cannot be read: {str(error).splitlines()[0]}") from error
    found = [
        table
        for table in tree.find_all(exp.Table)
        if table.name.lower() in places and not table.db and not _is_cte(table)
    ]
    for table in sorted(found, key=lambda table: -int(table.this.meta["start"])):
        start, end = int(table.this.meta["start"]), int(table.this.meta["end"]) + 1
        alias = "" if table.alias else f" AS {sql[start:end]}"
        sql = sql[:start] + places[table.name.lower()] + alias + sql[end:]
    return sql


def _is_cte(table: exp.Table) -> bool:
    """Return whether a name is that of a query in a WITH clause that counts where it stands."""
    node: exp.Expr | None = table
    inside: set[int] = set()
    while node is not None:
        inside.add(id(node))
        clause = node.args.get("with_")
        for cte in clause.expressions if clause is not None else ():
            if id(cte) in inside:
                break
            if cte.alias.lower() == table.name.lower():
                return True
        node = node.parent
    return False
