"""Rows of Python values as columns of numpy arrays, checked."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np

from steelyard.errors import WarehouseError

Arrays = dict[str, np.ndarray[Any, Any]]


def kinds_of(columns: Sequence[str], known: Mapping[str, str], *, table: str, where: str) -> dict[str, str]:
    """Return the canonical type of each column that rows are for.

    Args:
        columns: Names, in the rows' order.
        known: Types of the table's columns.
        table: Its name.
        where: The target, for messages.

    Raises:
        WarehouseError: The table has no such column.

    Examples:
        >>> kinds_of(["n"], {"name": "varchar", "n": "bigint"}, table="looks", where="target dev")
        {'n': 'bigint'}
    """
    unknown = [column for column in columns if column not in known]
    if unknown:
        raise WarehouseError(
            f"the table {table} has no column {unknown[0]!r}", where=where, hint=f"it has {', '.join(known)}"
        )
    return {column: known[column] for column in columns}


def to_arrays(kinds: Mapping[str, str], rows: Sequence[Sequence[Any]], *, where: str) -> Arrays:
    """Return one array per column, named ``c0``, ``c1`` and so on; absent values are masked.

    Args:
        kinds: Name and canonical type of each column, in the rows' order.
        rows: At least one.
        where: The table, for messages.

    Raises:
        WarehouseError: A row has another length; a value is of another type than its column, NaN or infinite,
            too large, or a moment without a zone.

    Examples:
        >>> to_arrays({"n": "bigint"}, [(1,), (None,)], where="moments")["c0"]
        masked_array(data=[1, --],
                     mask=[False,  True],
               fill_value=999999)
    """
    if any(len(row) != len(kinds) for row in rows):
        raise WarehouseError(f"a row has not {len(kinds)} values, one for each column", where=where)
    columns = zip(*rows, strict=True)
    return {
        f"c{i}": _to_array(kind, values, f"{where}, column {name}")
        for i, ((name, kind), values) in enumerate(zip(kinds.items(), columns, strict=True))
    }


def plain_number(value: Decimal) -> int | float:
    """Return a decimal as the sums of integers and of decimals are elsewhere: as an integer, or as a double.

    Examples:
        >>> plain_number(Decimal("3.00")), plain_number(Decimal("0.25"))
        (3, 0.25)
    """
    return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)


def _to_array(kind: str, values: tuple[Any, ...], where: str) -> np.ndarray[Any, Any]:
    present = [value for value in values if value is not None]
    accepted, dtype, empty, convert = _PLANS.get(kind, _ANY)
    for found in set(map(type, present)):
        if not issubclass(found, accepted) or (found is bool and bool not in accepted):
            raise WarehouseError(f"a {found.__name__} does not fit into a {kind}", where=where)
    if convert is not None:
        present = convert(present, where)
    if len(present) == len(values):
        return _array(present, dtype, kind, where)
    mask = [value is None for value in values]
    filled = iter(present)
    full = [empty if missing else next(filled) for missing in mask]
    array = _array(full, dtype, kind, where)
    return array if dtype is object else np.ma.MaskedArray(array, mask=mask)


def _array(values: list[Any], dtype: Any, kind: str, where: str) -> np.ndarray[Any, Any]:
    try:
        array = np.array(values, dtype=dtype)
    except OverflowError as error:
        raise WarehouseError(f"a number is too large for a {kind}", where=where) from error
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise WarehouseError(
            "a number is NaN or infinite", where=where, hint="write null, and say why in a reason"
        )
    return array


def _days(values: list[Any], where: str) -> list[Any]:
    if any(isinstance(value, datetime) for value in values):
        raise WarehouseError("a moment does not fit into a date", where=where, hint="take its day")
    return values


def _moments(values: list[Any], where: str) -> list[Any]:
    if any(value.tzinfo is None for value in values):
        raise WarehouseError("a moment has no time zone", where=where, hint="give it one, such as UTC")
    return [value.astimezone(UTC).replace(tzinfo=None) for value in values]


Convert = Callable[[list[Any], str], list[Any]]

_WHOLE = ((int, np.integer), np.int64, 0, None)
_REAL = ((float, int, np.floating, np.integer), np.float64, 0.0, None)
_MOMENT = ((datetime,), "datetime64[us]", "1970-01-01", _moments)
_ANY = ((object,), object, None, None)

# Python's types that a column takes, the array's type, what lies under a mask, and a last check.
_PLANS: Mapping[str, tuple[tuple[type, ...], Any, Any, Convert | None]] = MappingProxyType(
    {
        "tinyint": _WHOLE,
        "smallint": _WHOLE,
        "integer": _WHOLE,
        "bigint": _WHOLE,
        "float": _REAL,
        "double": _REAL,
        "boolean": ((bool, np.bool_), np.bool_, False, None),
        # DuckDB reads no array of days, only of microseconds.
        "date": ((date,), "datetime64[us]", "1970-01-01", _days),
        "timestamp": _MOMENT,
        "timestamptz": _MOMENT,
        "varchar": ((str,), object, None, None),
    }
)
