"""Rows as the tables hold them, and whether two of them say the same."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from steelyard.errors import WarehouseError
from steelyard.warehouse.bulk import to_arrays
from steelyard.warehouse.tables import Column, Table

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "text": "varchar",
        "json": "varchar",
        "number": "double",
        "count": "bigint",
        "flag": "boolean",
        "day": "date",
        "moment": "timestamptz",
    }
)
"""The canonical type of each kind of column."""

TOLERANCE = 1e-12
"""Relative difference up to which numbers are the same: sums over threads differ in the last digits."""

Row = tuple[Any, ...]


def to_stored(table: Table, rows: Sequence[Mapping[str, Any]], *, where: str) -> list[Row]:
    """Return mappings as rows in the table's order of columns.

    An absent column is null, and '' where it is a text of the key.

    Raises:
        WarehouseError: An unknown column, a key that is null, two rows with one key, or JSON with NaN in it.
    """
    unknown = sorted({name for row in rows for name in row} - set(table.names))
    if unknown:
        raise WarehouseError(
            f"it has no column {unknown[0]!r}", where=where, hint=f"it has {', '.join(table.names)}"
        )
    columns = [_values(column, [row.get(column.name) for row in rows], where) for column in table.columns]
    stored = list(zip(*columns, strict=True))
    if stored:
        # Refuse before a transaction opens what the insert would refuse.
        to_arrays({column.name: KINDS[column.kind] for column in table.columns}, stored, where=where)
    pick, seen = picker(table, table.keys), set[Row]()
    for row in stored:
        key = pick(row)
        if None in key:
            raise WarehouseError(
                f"{table.keys[key.index(None)]!r} is null in a row", where=where, hint="it is part of the key"
            )
        if key in seen:
            raise WarehouseError(
                f"two rows have the key {_shown(table, key)}", where=where, hint="one row per key"
            )
        seen.add(key)
    return stored


def from_stored(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of a query with their JSON read."""
    as_json = {column.name for column in table.columns if column.kind == "json"}
    return [
        {
            name: json.loads(value) if name in as_json and value is not None else value
            for name, value in row.items()
        }
        for row in rows
    ]


def picker(table: Table, names: Sequence[str]) -> Callable[[Row], Row]:
    """Return a function that picks some of a row's values."""
    positions = [table.names.index(name) for name in names]
    if len(positions) == 1:
        return lambda row: (row[positions[0]],)
    return itemgetter(*positions)


def is_same(table: Table, left: Sequence[Row], right: Sequence[Row]) -> bool:
    """Return whether two lists of rows say the same, in whatever order and whichever run wrote them.

    Numbers are the same up to `TOLERANCE` of the larger one or of the size that the column's ``scale`` names.
    """
    if len(left) != len(right):
        return False
    pick = picker(table, table.keys)
    by_key = {pick(row): row for row in left}
    return all(
        (other := by_key.get(pick(row))) is not None and _is_same_row(table, other, row) for row in right
    )


def _is_same_row(table: Table, left: Row, right: Row) -> bool:
    if left == right:
        return True
    is_vector = "m2" in table.names
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        column = table.columns[i]
        if a == b or column.name == "run_id" or (is_vector and column.name in ("means", "m2")):
            continue
        if column.kind != "number":
            return False
        scale = column.scale if isinstance(column.scale, float) else left[table.names.index(column.scale)]
        if not _is_close(a, b, scale or 0.0):
            return False
    return not is_vector or _is_same_vector(table, left, right)


def _is_close(a: float | None, b: float | None, scale: float) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b), scale)


def _is_same_vector(table: Table, left: Row, right: Row) -> bool:
    """Compare means and products by the standard deviations, as either may be near zero by chance."""
    pick = picker(table, ("n", "means", "m2"))
    (n, *one), (_, *other) = pick(left), pick(right)
    if one == other:
        return True
    if None in (*one, *other) or not n:
        return False
    (means, m2), (means_there, m2_there) = map(json.loads, one), map(json.loads, other)
    if (len(means), len(m2)) != (len(means_there), len(m2_there)):
        return False
    size = [sqrt(abs(row[i] or 0.0)) for i, row in enumerate(m2)]
    return all(
        _is_close(a, b, s / sqrt(n)) for a, b, s in zip(means, means_there, size, strict=True)
    ) and all(
        _is_close(a, b, si * sj)
        for row, there, si in zip(m2, m2_there, size, strict=True)
        for a, b, sj in zip(row, there, size, strict=True)
    )


def _values(column: Column, values: list[Any], where: str) -> list[Any]:
    if column.is_key and column.kind == "text":
        return ["" if value is None else value for value in values]
    if column.kind != "json":
        return values
    try:
        return [
            None if value is None else json.dumps(value, allow_nan=False, ensure_ascii=False)
            for value in values
        ]
    except (TypeError, ValueError) as error:
        raise WarehouseError(
            f"{column.name!r} holds what JSON cannot: {error}",
            where=where,
            hint="write null, and say why in a reason",
        ) from error


def _shown(table: Table, key: Row) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(table.keys, key, strict=True))
