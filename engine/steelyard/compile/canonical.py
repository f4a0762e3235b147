"""Text to trees, once: everything inside the compiler is a sqlglot tree in the canonical dialect (DuckDB)."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from steelyard.dialects.native import in_canonical_words
from steelyard.errors import CompileError

CANONICAL = "duckdb"
# One for all texts: they are keys of what is planned, by the thousand.
_GENERATOR = sqlglot.Dialect.get_or_raise(CANONICAL).generator(comments=False)


def parse_query(sql: str, *, dialect: str, where: str) -> exp.Query:
    """Parse text that must be one query.

    Raises:
        CompileError: It does not parse, is empty, several statements, or no SELECT.
    """
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=dialect) if tree is not None]
    except ParseError as error:
        raise _parse_error(error, where) from error
    except TokenError as error:
        raise CompileError(f"the SQL cannot be read: {error}", where=where) from error
    if not trees:
        raise CompileError("there is no query", where=where, hint="write one select")
    if len(trees) > 1:
        raise CompileError(
            f"there are {len(trees)} statements", where=where, hint="a file holds one select and nothing else"
        )
    tree = trees[0]
    if not isinstance(tree, exp.Query):
        raise CompileError(
            f"{_verb(tree)} is not a query", where=where, hint="only a single select over tables is run"
        )
    if tree.find(exp.DML, exp.DDL) not in (None, tree):
        raise CompileError("the query changes data", where=where, hint="only a single select is run")
    canonical = in_canonical_words(tree, dialect)
    assert isinstance(canonical, exp.Query)
    forget_places(canonical)
    return canonical


def forget_places(tree: exp.Expr) -> None:
    """Forget where in its text each part of a tree stood: nobody asks, and each copy of the tree would copy it."""
    for node in tree.walk():
        node._meta = None


def text(tree: exp.Expr) -> str:
    """Return a tree as one canonical line, without comments: equal trees have equal texts."""
    return _GENERATOR.generate(tree)


def _verb(tree: exp.Expr) -> str:
    if isinstance(tree, exp.Command):
        return str(tree.this).upper()
    return tree.key.upper()


def _parse_error(error: ParseError, where: str) -> CompileError:
    details = error.errors[0] if error.errors else {}
    line = details.get("line")
    message = str(details.get("description") or error).rstrip(".")
    near = str(details.get("highlight") or "")
    return CompileError(
        f"the SQL does not parse: {message}" + (f", near {near!r}" if near else ""),
        where=f"{where}:{line}" if line else where,
    )
