"""Create the result tables, and add to those of an earlier version what they lack."""

from collections.abc import Iterator

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.names import literal, quoted, require_safe
from steelyard.warehouse.tables import TABLES, Column, Table


def ensure_tables(warehouse: Warehouse, schema: str) -> tuple[str, ...]:
    """Create the schema and its tables, and add missing columns; nothing is ever dropped.

    Where nothing is missing nothing is written, so a target that refuses DDL is no hindrance then.

    Args:
        warehouse: Where.
        schema: Schema of the engine's tables.

    Returns:
        What was done, one line each.

    Raises:
        WarehouseError: The warehouse refuses, or a table of that name is not the engine's.
    """
    require_safe(schema, "a schema")
    with warehouse.transaction():
        statements = list(_needed(warehouse, schema))
        for statement in statements:
            warehouse.execute(statement)
    return tuple(statement for statement in statements if not statement.startswith("comment on"))


def create_statement(table: Table, schema: str, types: dict[str, str]) -> str:
    """Return the statement that creates a table.

    Args:
        table: The table.
        schema: Its schema.
        types: What the warehouse calls each kind of column.
    """
    columns = [
        f"{quoted(column.name)} {types[column.kind]}{' not null' if column.is_key else ''}"
        for column in table.columns
    ]
    keys = ", ".join(map(quoted, table.keys))
    lines = ",\n  ".join([*columns, f"primary key ({keys})"])
    return f"create table {quoted(table.name, schema)} (\n  {lines}\n)"


def _needed(warehouse: Warehouse, schema: str) -> Iterator[str]:
    types = dict(warehouse.types)
    present = {table.name: warehouse.table_columns(table.name, schema) for table in TABLES.values()}
    if not any(present.values()):
        yield f"create schema if not exists {quoted(schema)}"
    for table in TABLES.values():
        found = present[table.name]
        target = quoted(table.name, schema)
        if not found:
            yield create_statement(table, schema, types)
            yield f"comment on table {target} is {literal(table.comment)}"
        missing = [column for column in table.columns if column.name not in found]
        if found:
            _check(warehouse, table, found, schema)
            yield from (
                f"alter table {target} add column {quoted(column.name)} {types[column.kind]}"
                for column in missing
            )
        yield from (_comment(column, target) for column in missing)


def _comment(column: Column, target: str) -> str:
    return f"comment on column {target}.{quoted(column.name)} is {literal(column.comment)}"


def _check(warehouse: Warehouse, table: Table, found: dict[str, str], schema: str) -> None:
    where = f"table {schema}.{table.name}"
    for column in table.columns:
        if column.is_key and column.name not in found:
            raise WarehouseError(
                f"it exists and is not Steelyard's: it has no column {column.name!r}",
                where=where,
                hint="choose another schema in profiles.yml, or rename the table",
            )
        wanted = warehouse.types[column.kind].lower()
        kind = found.get(column.name, wanted)
        if kind != wanted:
            raise WarehouseError(
                f"its column {column.name!r} is a {kind}, not a {wanted}",
                where=where,
                hint="Steelyard never changes a column's type: rename the column, and it adds its own",
            )
