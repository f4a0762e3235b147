"""PostgreSQL's types by the names that all warehouses share, and its values as Python's."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from types import MappingProxyType
from typing import Any

# The server's own numbers of its types: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
TYPE_NAMES: Mapping[int, str] = MappingProxyType(
    {
        16: "boolean",
        20: "bigint",
        21: "smallint",
        23: "integer",
        25: "varchar",
        700: "float",
        701: "double",
        1042: "varchar",
        1043: "varchar",
        1082: "date",
        1114: "timestamp",
        1184: "timestamptz",
        1700: "decimal",
    }
)
_NUMERIC, _ZONED = 1700, 1184


def _plain_number(value: Decimal) -> int | float:
    """Return a NUMERIC as the sums of integers and of decimals are elsewhere: as an integer, or as a double."""
    return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)


CONVERTERS: Mapping[int, Callable[[Any], Any]] = MappingProxyType(
    {_NUMERIC: _plain_number, _ZONED: lambda moment: moment.astimezone(UTC)}
)


def converted(
    row: tuple[Any, ...], converters: Sequence[tuple[int, Callable[[Any], Any]]]
) -> tuple[Any, ...]:
    """Return a row with some of its values converted, by their places; absent ones stay absent."""
    values = list(row)
    for i, convert in converters:
        if values[i] is not None:
            values[i] = convert(values[i])
    return tuple(values)
