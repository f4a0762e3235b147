"""DuckDB, natively: a file, or a database in memory."""

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import duckdb

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import DuckDB
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Rows, Warehouse
from steelyard.warehouse.bulk import kinds_of, to_arrays
from steelyard.warehouse.deadline import ended_after
from steelyard.warehouse.duckdb_errors import translate
from steelyard.warehouse.duckdb_files import reader
from steelyard.warehouse.names import literal, quoted, require_safe
from steelyard.warehouse.reading import Reading, duckdb_scans, reading_of, total

T = TypeVar("T")

_WITH_ZONE = "timestamp with time zone"
_CANONICAL = {
    _WITH_ZONE: "timestamptz",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp_ns": "timestamp",
}
_INCOMING = "_steelyard_incoming"
_RETRY_SECONDS = 0.2


class DuckDBWarehouse(Warehouse):
    """A DuckDB database.

    Temporary tables belong to the connection, so nothing of them is left when it ends, however it ends.
    """

    dialect: ClassVar[str] = "duckdb"
    changes_tables_together: ClassVar[bool] = True
    is_exclusive: bool = True
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "VARCHAR",
            "json": "VARCHAR",
            "number": "DOUBLE",
            "count": "BIGINT",
            "flag": "BOOLEAN",
            "day": "DATE",
            "moment": "TIMESTAMPTZ",
        }
    )

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        where: str,
        secrets: Sequence[str],
        timeout_seconds: float | None = None,
    ) -> None:
        self._connection = connection
        self._where = where
        self._secrets = tuple(secrets)
        self._timeout_seconds = timeout_seconds
        self._temporaries: dict[str, None] = {}
        self._is_in_transaction = False

    @classmethod
    def open(cls, profile: Profile, *, wait_seconds: float = 0.0) -> "DuckDBWarehouse":
        """Connect as a profile says.

        Args:
            profile: Its output is a DuckDB.
            wait_seconds: How long to try again while another process holds the file.

        Raises:
            WarehouseError: The file cannot be opened, or a setting or an extension is refused.
        """
        output = profile.output
        assert isinstance(output, DuckDB)
        secrets = [value.get_secret_value() for value in output.settings.values()]
        where = f"target {profile.target}"
        connection = _connect(output, where=where, secrets=secrets, wait_seconds=wait_seconds)
        warehouse = cls(
            connection, where=where, secrets=secrets, timeout_seconds=output.statement_timeout_seconds
        )
        try:
            warehouse._prepare(output)
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    def _prepare(self, output: DuckDB) -> None:
        for extension in output.extensions:
            self.execute(f"load {require_safe(extension, 'an extension', where=self._where)}")
        for name, value in output.settings.items():
            setting = require_safe(name, "a setting", where=self._where)
            self.execute(f"set {setting} = {literal(value.get_secret_value())}")
        if output.threads is not None:
            self.execute(f"set threads = {output.threads}")
        self.execute("set timezone = 'UTC'")
        # Else a table's name that does not exist could find a variable of the program.
        self.execute("set python_enable_replacements = false")

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        return self._run(lambda: self._fetch(sql, parameters))

    def _fetch(self, sql: str, parameters: Sequence[Any]) -> Rows:
        answer = self._connection.execute(sql, list(parameters))
        columns = tuple(column[0] for column in answer.description)
        zoned = [i for i, column in enumerate(answer.description) if str(column[1]).lower() == _WITH_ZONE]
        if not zoned:
            return Rows(columns=columns, values=answer.fetchall())
        # DuckDB makes Python values of moments with a zone only where pytz is installed: asked again without zone.
        answer.abort()
        relation = self._connection.sql(sql, params=list(parameters))
        projected = [
            f"timezone('UTC', {quoted(name)})" if i in zoned else quoted(name)
            for i, name in enumerate(columns)
        ]
        rows = relation.project(", ".join(projected)).fetchall()
        return Rows(columns=columns, values=[_with_zone(row, zoned) for row in rows])

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._run(lambda: self._connection.execute(sql, list(parameters)).fetchall())

    def create_temporary(self, name: str, sql: str) -> None:
        self.execute(f"create or replace temporary table {quoted(name)} as {sql}")
        self._temporaries[name] = None

    def drop_temporaries(self, *, keep: Collection[str] = ()) -> None:
        for name in [name for name in self._temporaries if name not in keep]:
            self.execute(f"drop table if exists temp.{quoted(name)}")
            del self._temporaries[name]

    def column_types(self, sql: str) -> dict[str, str]:
        return {name: _canonical(kind) for name, kind, *_ in self.query(f"describe {sql}")}

    def table_columns(self, table: str, schema: str | None = None) -> dict[str, str]:
        found = self.query(
            "select column_name, data_type from duckdb_columns() where lower(table_name) = lower(?)"
            " and lower(schema_name) = lower(coalesce(?, current_schema()))"
            " and database_name in (current_database(), 'temp')"
            " order by database_name = 'temp', column_index",
            [table, schema],
        )
        return {name: _canonical(kind) for name, kind in found}

    def columns_of(self, tables: Iterable[str], schema: str) -> dict[str, dict[str, str]]:
        # DuckDB lists all columns of all tables each time that it is asked for some.
        found: dict[str, dict[str, str]] = {table: {} for table in tables}
        names = {table.lower(): table for table in found}
        for table, name, kind in self.query(
            "select lower(table_name), column_name, data_type from duckdb_columns()"
            " where lower(schema_name) = lower(?) and database_name = current_database() order by column_index",
            [schema],
        ):
            if table in names:
                found[names[table]][name] = _canonical(kind)
        return found

    def load_file(self, table: str, path: Path, schema: str | None = None) -> int:
        target = quoted(table, schema)
        sql = f"create or replace table {target} as select * from {reader(path)}"
        self._run(
            lambda: self._connection.execute(sql, [str(path)]).fetchall(),
            where=f"{self._where}: {path.name}",
        )
        return int(self.query(f"select count(*) from {target}").values[0][0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._is_in_transaction:
            raise WarehouseError("a transaction is open already", where=self._where, hint="end it first")
        self.execute("begin transaction")
        self._is_in_transaction = True
        try:
            yield
            self.execute("commit")
        except BaseException:
            # A commit that failed, or a broken database, has ended the transaction by itself.
            with suppress(duckdb.Error):
                self._connection.rollback()
            raise
        finally:
            self._is_in_transaction = False

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], schema: str | None = None
    ) -> None:
        if not rows:
            return
        target = quoted(table, schema)
        known = self.column_types(f"select * from {target}")
        kinds = kinds_of(columns, known, table=table, where=self._where)
        arrays = to_arrays(kinds, rows, where=f"{self._where}: table {table}")
        names = ", ".join(map(quoted, columns))
        self._run(lambda: self._connection.register(_INCOMING, arrays))
        try:
            self.execute(f"insert into {target} ({names}) select * from {_INCOMING}")
        finally:
            with suppress(duckdb.Error):
                self._connection.unregister(_INCOMING)

    def estimate(self, sql: str) -> str:
        return "\n".join(str(row[-1]) for row in self.query(f"explain {sql}"))

    def reading(self, sql: str) -> Reading:
        plan = json.loads(self.query(f"explain (format json) {sql}").values[0][-1])
        known = self.query("select table_name, max(estimated_size) from duckdb_tables() group by all").values
        rows = {name: int(count) for name, count in known}
        return total(
            [
                reading_of(scan, rows=rows.get(scan.table), types=self._column_kinds(scan.table))
                for node in plan
                for scan in duckdb_scans(node)
            ]
        )

    def _column_kinds(self, table: str) -> dict[str, str]:
        found = self.query(
            "select column_name, data_type from duckdb_columns() where table_name = ?", [table]
        )
        return {name: _canonical(kind) for name, kind in found}

    def close(self) -> None:
        self._connection.close()

    def _run(self, action: Callable[[], T], *, where: str | None = None) -> T:
        try:
            with ended_after(self._timeout_seconds, self._connection.interrupt):
                return action()
        except duckdb.Error as error:
            raise translate(error, where=where or self._where, secrets=self._secrets) from error
        except RuntimeError as error:
            # What the driver makes of Ctrl-C in the middle of a statement.
            if str(error) != "Query interrupted":
                raise
            raise KeyboardInterrupt from error


def _connect(
    output: DuckDB, *, where: str, secrets: Sequence[str], wait_seconds: float
) -> duckdb.DuckDBPyConnection:
    until = time.monotonic() + wait_seconds
    while True:
        try:
            return duckdb.connect(output.path, read_only=output.read_only)
        except duckdb.Error as error:
            if "Could not set lock" not in str(error) or time.monotonic() >= until:
                raise translate(error, where=where, secrets=secrets) from error
        time.sleep(_RETRY_SECONDS)


def _canonical(kind: str) -> str:
    """Return DuckDB's name of a type in the words that all warehouses share."""
    lower = kind.lower().strip('"')
    if lower.startswith("decimal(") and lower.endswith(")"):
        return "decimal"
    return _CANONICAL.get(lower, lower)


def _with_zone(row: tuple[Any, ...], zoned: Sequence[int]) -> tuple[Any, ...]:
    values = list(row)
    for i in zoned:
        if values[i] is not None:
            values[i] = values[i].replace(tzinfo=UTC)
    return tuple(values)
