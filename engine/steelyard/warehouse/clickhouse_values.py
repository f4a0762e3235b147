"""ClickHouse's types, and its JSON as Python values."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from steelyard.warehouse.bulk import plain_number
from steelyard.warehouse.names import escaped_literal

_WRAPPED = re.compile(r"^(?:Nullable|LowCardinality)\((.+)\)$")
_CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "Bool": "boolean",
        "Int8": "tinyint",
        "UInt8": "smallint",
        "Int16": "smallint",
        "UInt16": "integer",
        "Int32": "integer",
        "UInt32": "bigint",
        "Int64": "bigint",
        "UInt64": "bigint",
        "Float32": "float",
        "Float64": "double",
        "String": "varchar",
        "FixedString": "varchar",
        "Enum8": "varchar",
        "Enum16": "varchar",
        "Date": "date",
        "Date32": "date",
        "DateTime": "timestamp",
        "DateTime64": "timestamp",
        "Decimal": "decimal",
        "UUID": "uuid",
        "Nothing": "null",
    }
)
_BIG = ("Int128", "UInt128", "Int256", "UInt256")


def canonical(kind: str) -> str:
    """Return ClickHouse's name of a type in the words that all warehouses share.

    A moment whose column names a zone has one; one whose column names none is written in the session's.

    Examples:
        >>> canonical("LowCardinality(Nullable(String))"), canonical("Decimal(18, 2)"), canonical("DateTime64(6)")
        ('varchar', 'decimal', 'timestamp')
        >>> canonical("Nullable(DateTime64(6, 'UTC'))")
        'timestamptz'
    """
    kind = unwrapped(kind)
    if kind.startswith("DateTime") and "'" in kind:
        return "timestamptz"
    name = kind.split("(", 1)[0]
    return "hugeint" if name in _BIG else _CANONICAL.get(name, name.lower())


def unwrapped(kind: str) -> str:
    """Return a type without Nullable and LowCardinality."""
    while match := _WRAPPED.match(kind):
        kind = match[1]
    return kind


def converter(kind: str) -> Callable[[Any], Any] | None:
    """Return what makes a Python value of one that stood in JSON; None where it is one already."""
    return _CONVERTERS.get(canonical(kind))


def to_json_lines(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as lines of JSON that ClickHouse reads into columns of any type.

    Examples:
        >>> to_json_lines([(1, None, date(2026, 4, 1), datetime(2026, 4, 1, 9, tzinfo=UTC))])
        '[1, null, "2026-04-01", "2026-04-01 09:00:00.000000"]'
    """
    return "\n".join(json.dumps([*row], default=_written, ensure_ascii=False) for row in rows)


def literal_of(value: Any) -> str:
    """Return a Python value as a literal of ClickHouse.

    Examples:
        >>> print(literal_of("it's \\\\ here"), literal_of(None), literal_of(date(1, 1, 1)), literal_of(True))
        'it\\'s \\\\ here' NULL toDate32('1900-01-01') true
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"toDateTime64('{_written(value)}', 6, 'UTC')"
    if isinstance(value, date):
        # Its days begin with the year 1900.
        return f"toDate32('{max(value, date(1900, 1, 1)).isoformat()}')"
    if isinstance(value, int | float | Decimal):
        return repr(value) if not isinstance(value, Decimal) else f"'{value}'"
    return escaped_literal(str(value))


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date | Decimal):
        return str(value)
    return value.item()


def _to_naive(value: str) -> datetime:
    return datetime.fromisoformat(value)


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "float": float,
        "double": float,
        "decimal": lambda text: plain_number(Decimal(str(text))),
        "hugeint": int,
        "date": date.fromisoformat,
        "timestamp": _to_naive,
        "timestamptz": lambda text: _to_naive(text).replace(tzinfo=UTC),
    }
)
