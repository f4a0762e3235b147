"""Create the result tables, and add to those of an earlier version what they lack."""

from collections.abc import Iterator

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.names import require_safe
from steelyard.warehouse.stored import KINDS
from steelyard.warehouse.tables import TABLES, Table


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


def _needed(warehouse: Warehouse, schema: str) -> Iterator[str]:
    present = warehouse.columns_of((table.name for table in TABLES.values()), schema)
    if not any(present.values()) and not warehouse.has_schema(schema):
        yield warehouse.schema_statement(schema)
    if not all(set(table.names) <= set(present[table.name]) for table in TABLES.values()):
        yield from warehouse.shared_statements(schema)
    for table in TABLES.values():
        found = present[table.name]
        if not found:
            yield from warehouse.table_statements(table, schema)
            continue
        _check(table, found, schema)
        missing = [column for column in table.columns if column.name not in found]
        if missing:
            yield from warehouse.column_statements(table, missing, schema)


def _check(table: Table, found: dict[str, str], schema: str) -> None:
    where = f"table {schema}.{table.name}"
    for column in table.columns:
        if column.is_key and column.name not in found:
            raise WarehouseError(
                f"it exists and is not Steelyard's: it has no column {column.name!r}",
                where=where,
                hint="choose another schema in profiles.yml, or rename the table",
            )
        wanted = KINDS[column.kind]
        kind = found.get(column.name, wanted)
        if kind != wanted:
            raise WarehouseError(
                f"its column {column.name!r} is a {kind}, not a {wanted}",
                where=where,
                hint="Steelyard never changes a column's type: rename the column, and it adds its own",
            )
