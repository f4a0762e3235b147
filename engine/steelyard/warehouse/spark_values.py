"""Values on their way to Spark and back: literals, types, rows."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from steelyard.warehouse.bulk import plain_number
from steelyard.warehouse.names import bound, escaped_literal

_CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "string": "varchar",
        "char": "varchar",
        "int": "integer",
        "timestamp": "timestamptz",
        "timestamp_ntz": "timestamp",
        "void": "null",
    }
)
_TO_SPARK: Mapping[str, str] = MappingProxyType(
    {"varchar": "string", "integer": "int", "timestamptz": "timestamp", "timestamp": "timestamp_ntz"}
)
_TO_PYTHON: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "tinyint": int,
        "smallint": int,
        "integer": int,
        "bigint": int,
        "float": float,
        "double": float,
        "boolean": bool,
    }
)
_DESCRIBED = re.compile(r"^ \|-- (.+): ([a-z_]+)", re.MULTILINE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def with_values(sql: str, parameters: Sequence[Any]) -> str:
    """Return SQL with its parameters written into it.

    Examples:
        >>> with_values("select ? where ?", [1, True])
        'select 1L where true'
    """
    return bound(sql, parameters, _literal) if parameters else sql


def _literal(value: Any) -> str:
    """Return a Python value as a literal of Spark; integers are BIGINT, for tuples are of one type or not compared."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"TIMESTAMP'{value.astimezone(UTC).isoformat()}'"
    if isinstance(value, date):
        return f"DATE'{value.isoformat()}'"
    if isinstance(value, int):
        return f"{value}L"
    if isinstance(value, float):
        return f"{value!r}D"
    return escaped_literal(str(value))


def canonical_types(schema: Any) -> dict[str, str]:
    """Return Spark's names of types in the words that all warehouses share."""
    names = {field.name: field.dataType.simpleString().split("(")[0] for field in schema}
    return {name: _CANONICAL.get(kind, kind) for name, kind in names.items()}


def described_types(information: str) -> dict[str, str]:
    """Return the columns of what ``show table extended`` says of a table, with their canonical types.

    Examples:
        >>> described_types("View\\nSchema: root\\n |-- n: long (nullable = true)\\n |-- at: timestamp (x)")
        {'n': 'bigint', 'at': 'timestamptz'}
    """
    _, _, schema = information.rpartition("\nSchema: root\n")
    kinds = {name: "bigint" if kind == "long" else kind for name, kind in _DESCRIBED.findall(schema)}
    return {name: _CANONICAL.get(kind, kind) for name, kind in kinds.items()}


def declared(kinds: Mapping[str, str]) -> str:
    """Return columns of canonical types as Spark declares them.

    Examples:
        >>> declared({"n": "integer", "at": "timestamptz"})
        '`n` int, `at` timestamp'
    """
    return ", ".join(f"`{name}` {_TO_SPARK.get(kind, kind)}" for name, kind in kinds.items())


def plain(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row with decimals as plain numbers."""
    return tuple(plain_number(value) if isinstance(value, Decimal) else value for value in row)


def with_moments(row: tuple[Any, ...], zoned: Sequence[int]) -> tuple[Any, ...]:
    """Return a row whose moments come as microseconds since 1970, as moments in UTC."""
    values = list(row)
    for i in zoned:
        if values[i] is not None:
            values[i] = _EPOCH + timedelta(microseconds=values[i])
    return tuple(values)


def python_rows(kinds: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return rows as Spark takes them without looking: integers and doubles apart, no numbers of numpy."""
    converters = [_TO_PYTHON.get(kind) for kind in kinds.values()]
    return [
        tuple(
            value if convert is None or value is None else convert(value)
            for convert, value in zip(converters, row, strict=True)
        )
        for row in rows
    ]
