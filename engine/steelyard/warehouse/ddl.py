"""The statements that create a result table, in the words of standard SQL."""

from collections.abc import Iterator, Mapping

from steelyard.warehouse.names import literal, quoted
from steelyard.warehouse.tables import Column, Table


def table_statements(table: Table, schema: str, types: Mapping[str, str]) -> Iterator[str]:
    """Yield the statements that create a table with its key and its comments.

    Args:
        table: The table.
        schema: Its schema.
        types: What the warehouse calls each kind of column.
    """
    target = quoted(table.name, schema)
    columns = [
        f"{quoted(column.name)} {types[column.kind]}{' not null' if column.is_key else ''}"
        for column in table.columns
    ]
    keys = ", ".join(map(quoted, table.keys))
    lines = ",\n  ".join([*columns, f"primary key ({keys})"])
    yield f"create table {target} (\n  {lines}\n)"
    yield f"comment on table {target} is {literal(table.comment)}"
    yield from (_comment(column, target) for column in table.columns)


def column_statements(table: Table, column: Column, schema: str, types: Mapping[str, str]) -> Iterator[str]:
    """Yield the statements that add a column, with its comment, to a table that is there."""
    target = quoted(table.name, schema)
    yield f"alter table {target} add column {quoted(column.name)} {types[column.kind]}"
    yield _comment(column, target)


def _comment(column: Column, target: str) -> str:
    return f"comment on column {target}.{quoted(column.name)} is {literal(column.comment)}"
