"""Reading back what has been published."""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.names import quoted
from steelyard.warehouse.stored import from_stored
from steelyard.warehouse.tables import TABLES


def read_rows(
    warehouse: Warehouse, schema: str, table: str, where: Mapping[str, Any] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Return rows of a result table, ordered by its key, with JSON read.

    Args:
        warehouse: Where.
        schema: Schema of the engine's tables.
        table: Name of the table.
        where: Value that each of these columns has; a list for any of several, None for null.

    Raises:
        WarehouseError: There is no such table yet, or no such column.
    """
    if table not in TABLES:
        raise WarehouseError(
            f"no table {table!r}", where=f"schema {schema}", hint=f"one of {', '.join(TABLES)}"
        )
    columns = warehouse.table_columns(table, schema)
    if not columns:
        raise WarehouseError(f"there is no table {schema}.{table} yet", hint="`steelyard run` creates it")
    for name in where:
        if name not in columns:
            raise WarehouseError(
                f"it has no column {name!r}",
                where=f"table {schema}.{table}",
                hint=f"it has {', '.join(columns)}",
            )
    condition, parameters = _condition(where)
    sql = f"select * from {quoted(table, schema)} where {condition}"
    rows = from_stored(TABLES[table], warehouse.query(sql, parameters).dicts())
    # Each warehouse orders text in its own way; here it is always by characters.
    return sorted(rows, key=itemgetter(*TABLES[table].keys))


def read_looks(warehouse: Warehouse, schema: str, experiment_id: str) -> list[dict[str, Any]]:
    """Return an experiment's looks on record, ordered by metric, variant, hypothesis and look."""
    return read_rows(warehouse, schema, "looks", {"experiment_id": experiment_id})


def read_moments(
    warehouse: Warehouse, schema: str, experiment_id: str, *, until: date | None = None
) -> list[dict[str, Any]]:
    """Return an experiment's moments up to a day, ordered by day, metric, version, variant and segment.

    Args:
        warehouse: Where.
        schema: Schema of the engine's tables.
        experiment_id: The experiment.
        until: Last day; None for all.
    """
    rows = read_rows(warehouse, schema, "moments", {"experiment_id": experiment_id})
    return [row for row in rows if until is None or row["as_of"] <= until]


def _condition(where: Mapping[str, Any]) -> tuple[str, list[Any]]:
    parts = ["true"]
    parameters: list[Any] = []
    for name, value in where.items():
        if value is None:
            parts.append(f"{quoted(name)} is null")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            parts.append(f"{quoted(name)} in ({', '.join('?' for _ in value)})" if value else "false")
            parameters += value
        else:
            parts.append(f"{quoted(name)} = ?")
            parameters.append(value)
    return " and ".join(parts), parameters
