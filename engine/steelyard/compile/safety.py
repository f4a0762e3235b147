"""What a metric's SQL may not do: read files or the network, change anything, or depend on the clock or on chance."""

import re

from sqlglot import exp

from steelyard.dialects.duckdb_functions import PURE_FUNCTIONS
from steelyard.errors import CompileError
from steelyard.spec.fields import closest

_CLOCK_AND_CHANCE = (
    exp.CurrentDate,
    exp.CurrentDatetime,
    exp.CurrentTime,
    exp.CurrentTimestamp,
    exp.CurrentUser,
    exp.Rand,
    exp.Randn,
    exp.Uuid,
)
_CLOCK_NAMES = frozenset(
    {"now", "today", "random", "uuid", "gen_random_uuid", "getdate", "sysdate", "clock_timestamp"}
)
_FILE_NAME = re.compile(
    r"[/\\*]|://|\.(csv|tsv|parquet|json|ndjson|xlsx|db|duckdb|txt|gz|zst)$", re.IGNORECASE
)


def refuse_unsafe(tree: exp.Expr, *, where: str) -> None:
    """Raise if a query does more than compute from tables.

    Raises:
        CompileError: It names what was found.
    """
    for node in tree.walk():
        if isinstance(node, exp.DML | exp.DDL | exp.Command) and not isinstance(node, exp.Query):
            raise CompileError(
                f"{node.key.upper()} inside the query", where=where, hint="a metric only selects"
            )
        if isinstance(node, exp.Into | exp.Lock):
            raise CompileError("the query writes or locks", where=where, hint="a metric only selects")
        if isinstance(node, exp.Table):
            _check_table(node, where)
        elif isinstance(node, _CLOCK_AND_CHANCE):
            raise _not_repeatable(node.sql().lower(), where)
        elif isinstance(node, exp.Anonymous):
            _check_function(str(node.this), where)


def _check_table(table: exp.Table, where: str) -> None:
    if isinstance(table.this, exp.Func):
        name = table.this.name if isinstance(table.this, exp.Anonymous) else table.this.sql_name()
        raise CompileError(
            f"the query reads from the function {name.lower()}",
            where=where,
            hint="only tables and views are read",
        )
    if isinstance(table.this, exp.Identifier) and _FILE_NAME.search(table.name):
        raise CompileError(
            f"the query reads the file {table.name!r}", where=where, hint="load it into a table first"
        )


def _check_function(name: str, where: str) -> None:
    if name.lower() in _CLOCK_NAMES:
        raise _not_repeatable(f"{name}()", where)
    if name.lower() not in PURE_FUNCTIONS:
        hint = closest(name.lower(), PURE_FUNCTIONS)
        raise CompileError(f"unknown function {name!r}", where=where, hint=hint or "see DuckDB's functions")


def _not_repeatable(call: str, where: str) -> CompileError:
    return CompileError(
        f"{call} gives another value on every run", where=where, hint="a metric depends on its rows alone"
    )
