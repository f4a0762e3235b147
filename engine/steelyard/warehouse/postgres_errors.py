"""PostgreSQL's errors in the engine's words, by SQLSTATE."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from steelyard.errors import WarehouseError
from steelyard.warehouse.error_text import first_line, masked

_TYPES = (
    "do the columns that are compared have one type? a unit's id may be text in one table "
    "and a number in another: cast one of them"
)
_NETWORK = "check host, port and sslmode in profiles.yml, and that the server runs and lets you in"

# What is wrong ('' keeps the server's sentence) and what to do, by SQLSTATE or its class. Values are data of single
# units, so where the server's sentence holds one it is replaced.
_TOLD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "42P01": ("", "check the name, the schema and search_path in profiles.yml"),
        "42703": ("", "check the names of the columns; names in double quotes keep their case"),
        "42883": ("", "PostgreSQL has no such function for these types: cast the arguments"),
        "42804": ("", _TYPES),
        "42501": ("", "grant it: docs/warehouses.md lists what the engine needs"),
        "3F000": ("", "create the schema, or correct it in profiles.yml"),
        "3D000": ("", "correct dbname in profiles.yml"),
        "28": ("", "check user and password in profiles.yml"),
        "08": ("", _NETWORK),
        "2201E": ("a logarithm of a number that has none", "write case when x > 0 then ln(x) end"),
        "2201F": ("a root or a power of a number that has none", "write case when x > 0 then … end"),
        "22012": ("a division by zero", "write nullif(divisor, 0)"),
        "22003": ("a number is too large for its type", "cast to double precision before computing with it"),
        "22": ("a value does not fit its type", _TYPES),
        "23": ("rows with these keys exist already", "another run wrote them at the same time: run again"),
        "40": (
            "another run changed the same rows at the same time",
            "nothing of this run was kept: run again",
        ),
        "55P03": ("another session holds the table", "wait for it to end, then run again"),
        "57014": (
            "the statement was cancelled, or ran longer than statement_timeout_seconds",
            "raise statement_timeout_seconds in profiles.yml, or select fewer experiments",
        ),
        "57": (
            "the server is shutting down or starting",
            "run again once it is up; nothing half-written is kept",
        ),
        "53100": ("no space is left on the server", "free some disk space; nothing half-written is kept"),
        "53": ("", "the server is short of memory or connections: run again later"),
        "25006": ("the database is open for reading only", "choose a target that may be written to"),
        "42": ("", "correct the SQL"),
    }
)

# Conflicts, locks, a server that is starting, and no connection free; not a lost connection, whose temporary
# tables are lost too.
_TRANSIENT = ("40", "53300", "55P03", "57P03")


def translate(error: BaseException, *, where: str = "", secrets: Iterable[str] = ()) -> WarehouseError:
    """Return what the driver raised as an error of the engine: what is wrong, and what to do.

    Args:
        error: What psycopg raised, or SQLAlchemy around it.
        where: The target.
        secrets: Texts that no message may hold.

    Examples:
        >>> class Missing(Exception):
        ...     sqlstate = "42P01"
        >>> print(translate(Missing('relation "event" does not exist')))
        relation "event" does not exist
          hint: check the name, the schema and search_path in profiles.yml
    """
    original: Any = getattr(error, "orig", None) or error
    state = str(getattr(original, "sqlstate", None) or "08000")
    message, hint = next(
        (_TOLD[state[:length]] for length in (5, 2) if state[:length] in _TOLD), ("", "see the server's log")
    )
    own = getattr(getattr(original, "diag", None), "message_primary", None) or str(original)
    message = message or first_line(str(own), original)
    return WarehouseError(
        masked(message, secrets), where=where, hint=hint, is_transient=state.startswith(_TRANSIENT)
    )
