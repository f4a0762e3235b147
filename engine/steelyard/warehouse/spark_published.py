"""SQL of Spark for versions of rows, for the views of those that are shown, and for the pointers to them."""

import time
from collections.abc import Iterable, Iterator, Mapping

from steelyard.warehouse.names import escaped_literal, quoted
from steelyard.warehouse.tables import TABLES, Column, Table
from steelyard.warehouse.versioned import POINTERS, VERSION_COLUMNS, Slot, rows_table

ROWS = "published_rows"
"""Table that holds the rows of all result tables: what one publication writes is one partition, by one statement."""

ROW_TABLE = Column(name="row_table", kind="text", comment="Result table that the row is of.")

# A metastore in Derby keeps at most 32,700 characters of a view.
LONGEST_VIEW = 16_000


def columns_of_rows(tables: Iterable[Table]) -> tuple[Column, ...]:
    """Return the columns of rows of several tables, in which columns of one name are one."""
    named = {column.name: column for table in tables for column in table.columns}
    return (ROW_TABLE, *named.values())


def rows_statements(schema: str, known: Mapping[str, str], types: Mapping[str, str]) -> Iterator[str]:
    """Yield the statement that makes the table of rows, or adds what it lacks.

    Args:
        schema: Schema of the engine's tables.
        known: Its columns; none where there is no such table.
        types: What Spark calls each kind of column.
    """
    target = quoted(ROWS, schema)
    given = (*columns_of_rows(TABLES.values()), *(() if known else VERSION_COLUMNS))
    listed = ", ".join(f"{quoted(one.name)} {types[one.kind]}" for one in given if one.name not in known)
    if known:
        yield from [f"alter table {target} add columns ({listed})"] if listed else []
        return
    keys = ", ".join(quoted(column.name) for column in VERSION_COLUMNS)
    told = escaped_literal("Versions of the rows of all result tables, which views show.")
    yield f"create table {target} ({listed}) using parquet partitioned by ({keys}) comment {told}"


def into(owner: str, number: int, schema: str, names: Iterable[str]) -> str:
    """Return the head of a statement that adds rows with some columns to a version."""
    return (
        f"insert into {quoted(ROWS, schema)} partition (row_owner = {escaped_literal(owner)},"
        f" row_version = {number}) ({', '.join(map(quoted, names))})"
    )


def moving_statement(table: Table, schema: str, known: Mapping[str, str]) -> str:
    """Return the statement that copies the rows shown of a table that stood by itself, as in earlier releases.

    Repeated, it puts the same rows into the same partitions, which no other table has: versions had numbers of their
    own, since each was written by a job of its own, one after the other.

    Args:
        table: The result table.
        schema: Schema of the engine's tables.
        known: Columns of the table of its versions.
    """
    names = [name for name in table.names if name in known]
    names += [column.name for column in VERSION_COLUMNS]
    name = escaped_literal(table.name)
    return (
        f"insert overwrite {quoted(ROWS, schema)} partition (row_owner, row_version)"
        f" ({', '.join(map(quoted, (ROW_TABLE.name, *names)))})\n"
        f"select /*+ coalesce(1) */ {name}, {', '.join(f'stored.{quoted(one)}' for one in names)}\n"
        f"from {quoted(POINTERS, schema)} as shown join {quoted(rows_table(table), schema)} as stored\n"
        f"  on stored.row_owner = shown.row_owner and stored.row_version = shown.row_version\n"
        f"where shown.table_name = {name}"
    )


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
    name = escaped_literal(table.name)
    return (
        f"{'create view' if is_new else 'create or replace view'} {quoted(table.name, schema)} (\n  {declared}\n)"
        f" comment {escaped_literal(table.comment)} as select {columns}\n"
        f"from {quoted(POINTERS, schema)} as shown\n"
        f"join {quoted(ROWS, schema)} as stored\n"
        f"  on stored.row_owner = shown.row_owner and stored.row_version = shown.row_version{is_owned}\n"
        f"where shown.table_name = {name} and stored.row_table = {name}"
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
