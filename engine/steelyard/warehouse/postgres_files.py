"""Files as PostgreSQL takes them: read by DuckDB, written as CSV for COPY."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import duckdb

from steelyard.errors import WarehouseError
from steelyard.warehouse import duckdb_errors
from steelyard.warehouse.duckdb_files import reader
from steelyard.warehouse.names import literal

_FROM_DUCKDB: Mapping[str, str] = MappingProxyType(
    {
        "BOOLEAN": "boolean",
        "TINYINT": "smallint",
        "SMALLINT": "smallint",
        "INTEGER": "integer",
        "BIGINT": "bigint",
        "FLOAT": "real",
        "DOUBLE": "double precision",
        "VARCHAR": "text",
        "DATE": "date",
        "TIMESTAMP": "timestamp",
        "TIMESTAMP_S": "timestamp",
        "TIMESTAMP_MS": "timestamp",
        "TIMESTAMP_NS": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
    }
)


def rows_as_csv(path: Path, rows: Path) -> tuple[dict[str, str], int]:
    """Write a file's rows as CSV that COPY reads, and return the types of its columns and its length."""
    try:
        with duckdb.connect() as files:
            files.execute("set timezone = 'UTC'")
            files.execute(
                f"create view rows as select * from {reader(path).replace('?', literal(str(path)))}"
            )
            columns = {
                name: _from_duckdb(kind, path) for name, kind, *_ in files.execute("describe rows").fetchall()
            }
            files.execute(f"copy rows to {literal(str(rows))} (format csv, header false)")
            return columns, int(files.execute("select count(*) from rows").fetchall()[0][0])
    except duckdb.Error as error:
        raise duckdb_errors.translate(error, where=str(path)) from error


def _from_duckdb(kind: str, path: Path) -> str:
    if kind.startswith("DECIMAL("):
        return kind.lower().replace("decimal", "numeric")
    if kind not in _FROM_DUCKDB:
        raise WarehouseError(
            f"PostgreSQL has no type for {kind.lower()}", where=str(path), hint="write the column as text"
        )
    return _FROM_DUCKDB[kind]
