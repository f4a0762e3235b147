"""Identifiers and text as they are written into SQL."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from steelyard.errors import WarehouseError

_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def quoted(name: str, schema: str | None = None) -> str:
    """Return an identifier, quoted so that whatever it holds stays one identifier.

    Examples:
        >>> quoted("looks", "steelyard")
        '"steelyard"."looks"'
        >>> quoted('a"; drop table t; --')
        '"a""; drop table t; --"'
    """
    own = '"' + name.replace('"', '""') + '"'
    return own if schema is None else f"{quoted(schema)}.{own}"


def literal(text: str) -> str:
    """Return a text as a SQL literal, for statements that take no parameters.

    Examples:
        >>> literal("the unit's id")
        "'the unit''s id'"
    """
    return "'" + text.replace("'", "''") + "'"


def escaped_literal(text: str) -> str:
    r"""Return a text as a literal of a warehouse in which a backslash escapes.

    Examples:
        >>> print(escaped_literal("the unit's \\ id"))
        'the unit\'s \\ id'
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def require_safe(name: str, what: str, *, where: str = "") -> str:
    """Return a name that needs no quotes in any warehouse.

    Raises:
        WarehouseError: It is none.
    """
    if not _SAFE.fullmatch(name):
        raise WarehouseError(
            f"{name!r} is no name for {what}",
            where=where,
            hint="use letters, digits and underscores, beginning with a letter",
        )
    return name


_PIECES = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"]|"")*"|`[^`]*`|\?""", re.DOTALL)


def bound(sql: str, parameters: Sequence[Any], write: Callable[[Any], str]) -> str:
    """Return a statement with its parameters in place, for drivers that take none.

    Args:
        sql: A statement with ``?`` where parameters go.
        parameters: As many.
        write: Makes a literal of a value.

    Examples:
        >>> bound("select ? as a, 'why?' as b", [3], repr)
        "select 3 as a, 'why?' as b"
    """
    values = iter(parameters)
    return _PIECES.sub(lambda piece: write(next(values)) if piece[0] == "?" else piece[0], sql)
