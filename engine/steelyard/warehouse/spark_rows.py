"""Rows of several result tables on their way to the one table of Spark that holds them all, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steelyard.warehouse.base import Condition
from steelyard.warehouse.names import quoted
from steelyard.warehouse.spark_published import ROW_TABLE, ROWS, columns_of_rows
from steelyard.warehouse.spark_values import with_values
from steelyard.warehouse.stored import KINDS, Row
from steelyard.warehouse.tables import TABLES
from steelyard.warehouse.versioned import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be written of one result table.

    Attributes:
        version: The version.
        before: Number of the one whose rows it takes over; None for none.
        gone: Condition on those of them that go; None where none does.
        rows: Rows that come, in the table's order of columns.
    """

    version: Version
    before: int | None
    gone: Condition | None
    rows: Sequence[Row]


def kinds_of_rows(changes: Sequence[Change]) -> dict[str, str]:
    """Return the columns that the rows of several changes have, with their canonical types."""
    return {one.name: KINDS[one.kind] for one in columns_of_rows(change.version.table for change in changes)}


def new_rows(changes: Sequence[Change]) -> list[Row]:
    """Return the rows that come, with the columns of `kinds_of_rows`."""
    names = tuple(kinds_of_rows(changes))
    found: list[Row] = []
    for change in changes:
        table = change.version.table
        places = {name: place for place, name in enumerate(table.names, start=1)}
        # What a table has no column for is null: None stands at the end.
        order = [places.get(name, -1) for name in names[1:]]
        for row in change.rows:
            known = (table.name, *row, None)
            found.append((table.name, *(known[place] for place in order)))
    return found


def carried_rows(changes: Sequence[Change], names: Sequence[str]) -> str | None:
    """Return the query for the rows that stay, with some columns; None where there were none before.

    Args:
        changes: They share their owner.
        names: The columns.
    """
    slots = {
        change.version.table.name: (change.before, ("true", []) if change.gone is None else _not(change.gone))
        for change in changes
        if change.before is not None
    }
    if not slots:
        return None
    version = changes[0].version
    return with_values(*_query(version.schema, version.owner, slots, names))


def stored_query(
    schema: str, owner: str, wanted: Mapping[str, tuple[int, Condition]]
) -> tuple[str, Sequence[Any]]:
    """Return the query for rows of several tables in one job, and its parameters.

    Args:
        schema: Schema of the engine's tables.
        owner: Whose rows they are.
        wanted: Version of each table, and the condition on its rows.
    """
    names = [column.name for column in columns_of_rows(TABLES[name] for name in wanted)]
    return _query(schema, owner, wanted, names)


def read_stored(names: Sequence[str], rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of `stored_query` by table, in its order of columns.

    Args:
        names: The columns of the answer.
        rows: Its rows.
    """
    found: dict[str, list[Row]] = {}
    places = {name: place for place, name in enumerate(names)}
    order: dict[str, list[int]] = {}
    for row in rows:
        table = row[places[ROW_TABLE.name]]
        if table not in order:
            order[table] = [places[name] for name in TABLES[table].names]
        found.setdefault(table, []).append(tuple(row[place] for place in order[table]))
    return found


def _not(condition: Condition) -> Condition:
    return f"not ({condition[0]})", condition[1]


def _query(
    schema: str, owner: str, slots: Mapping[str, tuple[int, Condition]], names: Sequence[str]
) -> tuple[str, Sequence[Any]]:
    numbers = sorted({number for number, _ in slots.values()})
    parts, parameters = [], [owner, *numbers]
    for name, (number, (condition, values)) in slots.items():
        parts.append(f"(row_table = ? and row_version = ? and ({condition}))")
        parameters += [name, number, *values]
    listed = ", ".join("?" for _ in numbers)
    sql = (
        f"select {', '.join(map(quoted, names))} from {quoted(ROWS, schema)}"
        # Said of the partitions alone, it leaves out the files of others.
        f" where row_owner = ? and row_version in ({listed}) and ({' or '.join(parts)})"
    )
    return sql, parameters
