"""SQL of Spark for versions of rows, for the pointers to those that are shown, and to read several tables at once."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from steelyard.warehouse.names import escaped_literal, quoted
from steelyard.warehouse.tables import Column, Table
from steelyard.warehouse.versioned import POINTERS, Slot, Version, rows_table

# A metastore in Derby keeps at most 32,700 characters of a view.
LONGEST_VIEW = 16_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Arrays in which the columns of a row travel, by the kinds of column that each holds.
_ARRAYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "string": ("text", "json"),
        "double": ("number",),
        "bigint": ("count", "moment"),
        "boolean": ("flag",),
        "date": ("day",),
    }
)


def into(version: Version) -> str:
    """Return the head of a statement that adds rows to a version."""
    owner, target = escaped_literal(version.owner), quoted(rows_table(version.table), version.schema)
    return f"insert into {target} partition (row_owner = {owner}, row_version = {version.number})"


def view_statement(table: Table, schema: str, *, is_new: bool) -> str:
    """Return the statement for the view of what is shown of a result table."""
    declared = ",\n  ".join(
        f"{quoted(column.name)} comment {escaped_literal(column.comment)}" for column in table.columns
    )
    columns = ", ".join(f"stored.{quoted(name)}" for name in table.names)
    # Said of the experiment's name too, a filter on it leaves out the partitions of the others.
    is_owned = (
        ""
        if table.replaced == "key" or "experiment_id" not in table.names
        else "\n  and stored.experiment_id = shown.row_owner"
    )
    return (
        f"{'create view' if is_new else 'create or replace view'} {quoted(table.name, schema)} (\n  {declared}\n)"
        f" comment {escaped_literal(table.comment)} as select {columns}\n"
        f"from {quoted(POINTERS, schema)} as shown\n"
        f"join {quoted(rows_table(table), schema)} as stored\n"
        f"  on stored.row_owner = shown.row_owner and stored.row_version = shown.row_version{is_owned}\n"
        f"where shown.table_name = {escaped_literal(table.name)}"
    )


def pointer_statements(schema: str, pointers: Mapping[Slot, int]) -> Iterator[str]:
    """Yield the statements that move the pointers; the last one moves them all at once.

    The view holds them itself, so that neither moving nor reading them starts a job. Where they are too many for
    the metastore, they are rows of a table that is written for them and never changed.
    """
    rows = [
        f"({escaped_literal(name)}, {escaped_literal(owner)}, {number}L)"
        for (name, owner), number in pointers.items()
    ]
    listed = ", ".join(rows or ["('', '', 0L)"])
    values = f"values {listed} as pointers(table_name, row_owner, row_version)"
    source = values if rows else f"{values} where false"
    if len(source) > LONGEST_VIEW:
        source = quoted(f"{POINTERS}_{time.time_ns() // 1000:016x}", schema)
        yield (
            f"create table {source} using parquet as"
            f" select /*+ coalesce(1) */ table_name, row_owner, row_version from {values}"
        )
    yield (
        f"create or replace view {quoted(POINTERS, schema)} as"
        f" select table_name, row_owner, row_version from {source}"
    )


def packed(place: int, table: Table, source: str, where: str) -> str:
    """Return a query for rows of a result table, with a place before them, that queries for other tables can join.

    Examples:
        >>> from steelyard.warehouse.tables import ALLOCATION
        >>> print(packed(0, ALLOCATION, "a", "true").replace("), ", "),\\n"))
        select 0 as place, array("programme", "owner", "node", "kind"),
        cast(array() as array<double>),
        array("bucket", unix_micros("valid_from"),
        unix_micros("valid_to"),
        "seq"),
        cast(array() as array<boolean>),
        cast(array() as array<date>) from a where true
    """
    arrays = [
        f"array({', '.join(parts)})" if parts else f"cast(array() as array<{element}>)"
        for element, kinds in _ARRAYS.items()
        for parts in [[_travelling(column) for column in table.columns if column.kind in kinds]]
    ]
    return f"select {place} as place, {', '.join(arrays)} from {source} where {where}"


def _travelling(column: Column) -> str:
    name = quoted(column.name)
    return f"unix_micros({name})" if column.kind == "moment" else name


def unpacked(table: Table, arrays: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """Return a row of `packed`, without its place, in the table's order of columns."""
    values = dict(zip(_ARRAYS, map(iter, arrays), strict=True))
    element = {kind: element for element, kinds in _ARRAYS.items() for kind in kinds}
    row = []
    for column in table.columns:
        value = next(values[element[column.kind]])
        is_moment = column.kind == "moment" and value is not None
        row.append(_EPOCH + timedelta(microseconds=value) if is_moment else value)
    return tuple(row)
