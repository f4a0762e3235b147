"""Spark's errors in the engine's words, by their condition."""

import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from steelyard.errors import WarehouseError
from steelyard.warehouse.error_text import first_line, masked

_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_.]+)\]\s*(.*)")
_STATE = re.compile(r"\s*SQLSTATE: \w+.*$", re.DOTALL)
_TYPES = (
    "do the columns that are compared have one type? a unit's id may be text in one table "
    "and a number in another: cast one of them"
)
_UNREADABLE = ("a value does not fit its type", f"write try_cast where a value may not be one; {_TYPES}")
_TOO_LARGE = ("a number is too large for its type", "cast to double before computing with it")

# What is wrong ('' keeps Spark's sentence) and what to do, by condition or the part before its first dot. Values are
# data of single units, so where Spark's sentence holds one it is replaced.
_TOLD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "TABLE_OR_VIEW_NOT_FOUND": (
            "",
            "check the name, and that the profile's target is the one that holds it",
        ),
        "SCHEMA_NOT_FOUND": ("", "create it, or correct database and schema in profiles.yml"),
        "UNRESOLVED_COLUMN": ("", "check the names of the columns"),
        "UNRESOLVED_ROUTINE": ("", "Spark has no such function"),
        "PARSE_SYNTAX_ERROR": ("", "correct the SQL"),
        "DATATYPE_MISMATCH": ("", _TYPES),
        "CAST_INVALID_INPUT": _UNREADABLE,
        "CANNOT_PARSE_TIMESTAMP": _UNREADABLE,
        "INCOMPATIBLE_DATA_FOR_TABLE": ("", _TYPES),
        "ARITHMETIC_OVERFLOW": _TOO_LARGE,
        "CAST_OVERFLOW": _TOO_LARGE,
        "NUMERIC_VALUE_OUT_OF_RANGE": _TOO_LARGE,
        "DIVIDE_BY_ZERO": ("a division by zero", "write nullif(divisor, 0)"),
        "INSUFFICIENT_PERMISSIONS": ("", "grant it: docs/warehouses.md lists what the engine needs"),
        "OPERATION_CANCELED": (
            "the statement ran longer than statement_timeout_seconds",
            "raise statement_timeout_seconds in profiles.yml, or select fewer experiments",
        ),
    }
)
# Java's own words, where Spark has no condition.
_IN_TEXT: tuple[tuple[str, str, str], ...] = (
    (
        "Another instance of Derby may have already booted",
        "the metastore is in use by another process",
        "wait for it to end: one process at a time can open an embedded metastore; name a server's under "
        "server_side_parameters for more",
    ),
    (
        "No space left on device",
        "no space is left for the tables or for what Spark shuffles",
        "free some disk space; nothing half-written is shown, so the next run starts clean",
    ),
    (
        "OutOfMemoryError",
        "Spark has run out of memory",
        "raise spark.driver.memory or spark.executor.memory under server_side_parameters in profiles.yml",
    ),
    (
        "FileNotFoundException",
        "a table's files are gone: it was replaced while the statement ran",
        "run again",
    ),
    ("cancelled part of cancelled job group", *_TOLD["OPERATION_CANCELED"]),
    (
        "Java gateway process exited",
        "Java did not start",
        "install Java 17 or newer, and set JAVA_HOME where it is not on the path",
    ),
    ("JAVA_HOME is not set", "Java is not installed", "install Java 17 or newer"),
)


def driver_errors() -> tuple[type[Exception], ...]:
    """Return what pyspark raises."""
    return (
        import_module("pyspark.errors").PySparkException,
        import_module("py4j.protocol").Py4JError,
        import_module("py4j.protocol").Py4JNetworkError,
    )


def translate(error: BaseException, *, where: str = "", secrets: Iterable[str] = ()) -> WarehouseError:
    """Return what pyspark raised as an error of the engine: what is wrong, and what to do.

    Args:
        error: What pyspark raised.
        where: The target.
        secrets: Texts that no message may hold.

    Examples:
        >>> print(translate(RuntimeError("[TABLE_OR_VIEW_NOT_FOUND] The table or view `nope` cannot be found."
        ...     " Verify the spelling. SQLSTATE: 42P01; line 1 pos 14")))
        The table or view `nope` cannot be found. Verify the spelling.
          hint: check the name, and that the profile's target is the one that holds it
    """
    text = str(error)
    for part, message, hint in _IN_TEXT:
        if part in text:
            return WarehouseError(message, where=where, hint=hint)
    found = _CONDITION.search(text)
    condition = _condition(error) or (found[1] if found else "")
    message, hint = _TOLD.get(condition) or _TOLD.get(condition.split(".")[0]) or ("", "see Spark's log")
    sentence = found[2] if found else first_line(text, error)
    return WarehouseError(
        masked(message or _STATE.sub("", sentence).strip(), secrets), where=where, hint=masked(hint, secrets)
    )


def _condition(error: Any) -> str | None:
    condition = getattr(error, "getCondition", lambda: None)()
    return None if condition is None else str(condition)
