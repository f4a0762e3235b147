"""ClickHouse's errors in the engine's words, by the name of their code."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from steelyard.errors import WarehouseError
from steelyard.warehouse.error_text import first_line, masked

_SENTENCE = re.compile(r"DB::Exception: (.*)", re.DOTALL)
_CODE = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*\.?\s*$")
_TAIL = re.compile(
    r"\s*(?:In scope .*|: [Ww]hile (?:processing|executing) .*|\([A-Z][A-Z0-9_]+\)\s*\.?\s*)$", re.DOTALL
)
# What a server and the driver over the network say after the sentence.
_PLACE = re.compile(r"(?:\s*\((?:version|for url) (?:[^()]|\([^()]*\))*\))+\s*$")
_TYPES = (
    "do the columns that are compared have one type? a unit's id may be text in one table "
    "and a number in another: cast one of them"
)
_UNREADABLE = ("a value does not fit its type", _TYPES)

# What is wrong ('' keeps ClickHouse's sentence) and what to do. Values are data of single units, so where its
# sentence holds one it is replaced.
_TOLD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "UNKNOWN_TABLE": ("", "check the name, and that the profile's target is the one that holds it"),
        "UNKNOWN_DATABASE": ("", "create it, or correct database and schema in profiles.yml"),
        "UNKNOWN_IDENTIFIER": ("", "check the names of the columns; ClickHouse minds their case"),
        "UNKNOWN_FUNCTION": ("", "ClickHouse has no such function"),
        "SYNTAX_ERROR": ("", "correct the SQL"),
        "NO_COMMON_TYPE": ("columns of different types are compared", _TYPES),
        "TYPE_MISMATCH": ("columns of different types are compared", _TYPES),
        "ILLEGAL_TYPE_OF_ARGUMENT": ("", _TYPES),
        "CANNOT_PARSE_TEXT": _UNREADABLE,
        "CANNOT_PARSE_NUMBER": _UNREADABLE,
        "CANNOT_PARSE_DATE": _UNREADABLE,
        "CANNOT_PARSE_DATETIME": _UNREADABLE,
        "CANNOT_PARSE_INPUT_ASSERTION_FAILED": _UNREADABLE,
        "CANNOT_CONVERT_TYPE": _UNREADABLE,
        "INCORRECT_DATA": _UNREADABLE,
        "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE": (
            "a number is too large for its type",
            "cast to Float64 before computing with it",
        ),
        "DECIMAL_OVERFLOW": (
            "a number is too large for its type",
            "cast to Float64 before computing with it",
        ),
        "ILLEGAL_DIVISION": ("a division by zero", "write nullif(divisor, 0)"),
        "MEMORY_LIMIT_EXCEEDED": (
            "ClickHouse has run out of the memory that it may use",
            "raise max_memory_usage under custom_settings in profiles.yml, or select less",
        ),
        "NOT_ENOUGH_SPACE": (
            "no space is left for the database",
            "free some disk space; nothing half-written is shown, so the next run starts clean",
        ),
        "TIMEOUT_EXCEEDED": (
            "the statement ran longer than statement_timeout_seconds, or than the server lets it",
            "raise statement_timeout_seconds in profiles.yml, or select fewer experiments",
        ),
        "AUTHENTICATION_FAILED": (
            "ClickHouse does not let this user in",
            "check user and password in profiles.yml",
        ),
        "TOO_MANY_SIMULTANEOUS_QUERIES": ("", "the server is busy: run again later"),
        "SESSION_IS_LOCKED": ("", "run again later; a balancer has to keep a session on one server"),
        "SESSION_NOT_FOUND": ("", "a balancer has to keep a session on one server"),
        "READONLY": ("the database is open for reading only", "choose a target that may be written to"),
        "ACCESS_DENIED": ("", "grant it: docs/warehouses.md lists what the engine needs"),
        "UNKNOWN_SETTING": ("", "correct custom_settings in profiles.yml"),
    }
)
_TRANSIENT = frozenset({"TOO_MANY_SIMULTANEOUS_QUERIES", "SESSION_IS_LOCKED"})
_NO_CODE: tuple[tuple[str, str, str], ...] = (
    (
        "already initialized with path",
        "this process has another ClickHouse database open",
        "close it first: one process holds one embedded database",
    ),
    (
        "Error initializing EmbeddedServer",
        "the database is in use by another process, or cannot be written to",
        "wait for it to end or close it: one process at a time can open an embedded database",
    ),
    (
        "Connection refused",
        "the server does not answer",
        "check host, port and secure in profiles.yml, and that the server runs",
    ),
)


def translate(error: BaseException, *, where: str = "", secrets: Iterable[str] = ()) -> WarehouseError:
    """Return what chdb raised as an error of the engine: what is wrong, and what to do.

    Args:
        error: What chdb raised.
        where: The target.
        secrets: Texts that no message may hold.

    Examples:
        >>> print(translate(RuntimeError("Code: 60. DB::Exception: Unknown table expression identifier 'nope'."
        ...     " In scope SELECT * FROM nope. (UNKNOWN_TABLE)")))
        Unknown table expression identifier 'nope'.
          hint: check the name, and that the profile's target is the one that holds it
    """
    text = _PLACE.sub("", str(error).strip())
    for part, message, hint in _NO_CODE:
        if part in text:
            return WarehouseError(message, where=where, hint=hint)
    code = _CODE.search(text)
    # The driver over the network shortens long sentences, and names the code apart.
    name = str(getattr(error, "name", None) or (code[1] if code else ""))
    message, hint = _TOLD.get(name, ("", "correct the SQL"))
    sentence = _SENTENCE.search(text)
    own = sentence[1] if sentence else text
    while (shorter := _TAIL.sub("", own)) != own:
        own = shorter
    told = masked(message or first_line(own, error), secrets)
    return WarehouseError(told, where=where, hint=hint, is_transient=name in _TRANSIENT)
