"""ClickHouse: embedded by chdb, a database in a folder that one process opens; or a server."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import ClickHouse
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Condition, Rows
from steelyard.warehouse.bulk import kinds_of, to_arrays
from steelyard.warehouse.clickhouse_errors import translate
from steelyard.warehouse.clickhouse_http import HttpSession, open_session, server_errors
from steelyard.warehouse.clickhouse_values import canonical, converter, literal_of, to_json_lines
from steelyard.warehouse.driver_errors import driver
from steelyard.warehouse.duckdb_files import to_parquet
from steelyard.warehouse.names import bound, quoted, require_safe
from steelyard.warehouse.tables import Column, Table
from steelyard.warehouse.versioned import (
    POINTERS,
    VERSION_COLUMNS,
    Slot,
    SteppedVersions,
    Version,
    rows_table,
)

T = TypeVar("T")

# What SQL means elsewhere; compiled queries say the first five again, for whoever runs them by hand.
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "join_use_nulls": "1",
        "group_by_use_nulls": "1",
        "prefer_column_name_to_alias": "1",
        "aggregate_functions_null_for_empty": "1",
        "session_timezone": "'UTC'",
        "union_default_mode": "'DISTINCT'",
        "cast_keep_nullable": "1",
        "output_format_json_quote_denormals": "1",
        "output_format_json_quote_decimals": "1",
        "output_format_json_quote_64bit_integers": "0",
    }
)
_ROWS = "JSONCompactEachRowWithNamesAndTypes"
_FROM_DUCKDB: Mapping[str, str] = MappingProxyType(
    {
        "BOOLEAN": "Bool",
        "TINYINT": "Int8",
        "SMALLINT": "Int16",
        "INTEGER": "Int32",
        "BIGINT": "Int64",
        "FLOAT": "Float32",
        "DOUBLE": "Float64",
        "VARCHAR": "String",
        "DATE": "Date32",
        "TIMESTAMP": "DateTime64(6)",
        "TIMESTAMP_S": "DateTime64(6)",
        "TIMESTAMP_MS": "DateTime64(6)",
        "TIMESTAMP_NS": "DateTime64(6)",
        "TIMESTAMP WITH TIME ZONE": "DateTime64(6, 'UTC')",
    }
)


class ClickHouseWarehouse(SteppedVersions):
    """A ClickHouse database. `VersionedWarehouse` says what publishing guarantees.

    The pointers are rows of a table, and the greatest version counts: they move by one INSERT of one block, which
    ClickHouse shows as a whole or not at all. A view reads its pointers before it reads its rows, so a version that it
    is pointed to is always there.

    Temporary tables belong to the session and lie on disk, so nothing of them is left when it ends. Embedded, only one
    process can open the folder, and a process can have only one such folder open.
    """

    dialect: ClassVar[str] = "clickhouse"
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "String",
            "json": "String",
            "number": "Float64",
            "count": "Int64",
            "flag": "Bool",
            "day": "Date32",
            "moment": "DateTime64(6, 'UTC')",
        }
    )

    def __init__(
        self, session: Any, *, where: str, secrets: Sequence[str], errors: Sequence[type[Exception]]
    ) -> None:
        self._session, self._where, self._secrets = session, where, tuple(secrets)
        self._errors = tuple(errors)
        self.is_exclusive = not isinstance(session, HttpSession)
        self._temporaries: dict[str, None] = {}

    @classmethod
    def open(cls, profile: Profile, *, wait_seconds: float = 0.0) -> "ClickHouseWarehouse":
        """Open the database that a profile names.

        Args:
            profile: Its output is a ClickHouse with ``driver: chdb`` or ``http``.
            wait_seconds: Not used: chdb ends the attempt at once where another process holds the folder.

        Raises:
            WarehouseError: Another driver, the driver is not installed, the folder cannot be opened, or the server
                does not let us in.
        """
        output = profile.output
        assert isinstance(output, ClickHouse)
        where = f"target {profile.target}"
        if output.driver == "native":
            raise WarehouseError(
                "Steelyard does not execute on ClickHouse through native yet",
                where=where,
                hint="set driver: http and the port of the server's HTTP interface, or driver: chdb and path",
            )
        secrets = [value.get_secret_value() for value in output.custom_settings.values()]
        if output.password is not None:
            secrets.append(output.password.get_secret_value())
        session, errors = _session(output, where=where, secrets=secrets)
        warehouse = cls(session, where=where, secrets=secrets, errors=errors)
        try:
            warehouse._prepare(output)
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    def _prepare(self, output: ClickHouse) -> None:
        for name, value in _SETTINGS.items():
            self.execute(f"set {name} = {value}")
        if output.statement_timeout_seconds is not None:
            self.execute(f"set max_execution_time = {output.statement_timeout_seconds}")
        if output.threads is not None:
            self.execute(f"set max_threads = {output.threads}")
        for name, secret in output.custom_settings.items():
            setting = require_safe(name, "a setting", where=self._where)
            self.execute(f"set {setting} = {literal_of(secret.get_secret_value())}")
        # A server is asked for its database with each statement, and makes none.
        if output.database != "default" and self.is_exclusive:
            self.execute(self.schema_statement(output.database))
            self.execute(f"use {quoted(output.database)}")

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        names, kinds, *rows = [json.loads(line) for line in self._send(sql, parameters, _ROWS).splitlines()]
        converters = [(i, convert) for i, kind in enumerate(kinds) if (convert := converter(kind))]
        for row in rows:
            for i, convert in converters:
                if row[i] is not None:
                    row[i] = convert(row[i])
        return Rows(columns=tuple(names), values=[tuple(row) for row in rows])

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._send(sql, parameters, "Null")

    def _send(self, sql: str, parameters: Sequence[Any], format_: str) -> bytes:
        text = bound(sql, parameters, literal_of) if parameters else sql
        found: bytes = self._run(lambda: self._session.query(text, format_).bytes())
        return found

    def create_temporary(self, name: str, sql: str) -> None:
        self.execute(f"drop temporary table if exists {quoted(name)}")
        self.execute(f"create temporary table {quoted(name)} engine = MergeTree order by tuple() as {sql}")
        self._temporaries[name] = None

    def drop_temporaries(self, *, keep: Collection[str] = ()) -> None:
        for name in [name for name in self._temporaries if name not in keep]:
            self.execute(f"drop temporary table if exists {quoted(name)}")
            del self._temporaries[name]

    def column_types(self, sql: str) -> dict[str, str]:
        return {row[0]: canonical(row[1]) for row in self.query(f"describe (\n{sql}\n)")}

    def table_columns(self, table: str, schema: str | None = None) -> dict[str, str]:
        found = self.query(
            "select name, database, is_temporary from system.tables where lower(name) = lower(?)"
            " and (is_temporary = 1 or lower(database) = lower(coalesce(?, currentDatabase())))"
            " order by is_temporary desc, name = ? desc limit 1",
            [table, schema, table],
        )
        for name, database, is_temporary in found:
            described = self.query(f"describe table {quoted(name, None if is_temporary else database)}")
            return {row[0]: canonical(row[1]) for row in described}
        return {}

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], schema: str | None = None
    ) -> None:
        if not rows:
            return
        known = self.table_columns(table, schema)
        kinds = kinds_of(columns, known, table=table, where=self._where)
        to_arrays(kinds, rows, where=f"{self._where}: table {table}")
        names = ", ".join(map(quoted, columns))
        head = f"insert into {quoted(table, schema)} ({names}) format JSONCompactEachRow\n"
        self.execute(head + to_json_lines(rows))

    def create_table_as(self, table: str, schema: str, sql: str) -> None:
        self.execute(f"create table {quoted(table, schema)} engine = MergeTree order by tuple() as {sql}")

    def table_names(self, schema: str) -> list[str]:
        found = self.query("select name from system.tables where database = ? and is_temporary = 0", [schema])
        return [str(name) for (name,) in found]

    def estimate(self, sql: str) -> str:
        return "\n".join(str(row[0]) for row in self.query(f"explain {sql}"))

    def close(self) -> None:
        self._session.close()

    def schema_statement(self, schema: str) -> str:
        return f"create database if not exists {quoted(schema)}"

    def shared_statements(self, schema: str) -> Iterator[str]:
        pointers = quoted(POINTERS, schema)
        yield (
            f"create table if not exists {pointers} (table_name String, row_owner String, row_version Int64)"
            " engine = ReplacingMergeTree(row_version) order by (table_name, row_owner)"
        )

    def table_statements(self, table: Table, schema: str) -> Iterator[str]:
        columns = ",\n  ".join(self._declared(column) for column in (*VERSION_COLUMNS, *table.columns))
        keys = ", ".join(quoted(column.name) for column in VERSION_COLUMNS)
        yield (
            f"create table if not exists {quoted(rows_table(table), schema)} (\n  {columns}\n)"
            f" engine = MergeTree partition by ({keys}) order by ({', '.join(map(quoted, table.keys))})"
            f" comment {literal_of(table.comment)}"
        )
        yield self._view_statement(table, schema, is_new=True)

    def column_statements(self, table: Table, missing: Sequence[Column], schema: str) -> Iterator[str]:
        target = quoted(rows_table(table), schema)
        for column in missing:
            yield f"alter table {target} add column if not exists {self._declared(column)}"
        yield self._view_statement(table, schema, is_new=False)

    def _declared(self, column: Column) -> str:
        kind = self.types[column.kind]
        kind = kind if column.is_key else f"Nullable({kind})"
        return f"{quoted(column.name)} {kind} comment {literal_of(column.comment)}"

    def _view_statement(self, table: Table, schema: str, *, is_new: bool) -> str:
        declared = ",\n  ".join(map(self._declared, table.columns))
        columns = ", ".join(f"stored.{quoted(name)} as {quoted(name)}" for name in table.names)
        verb = "create view" if is_new else "create or replace view"
        return (
            f"{verb} {quoted(table.name, schema)} (\n  {declared}\n) as select {columns}\n"
            f"from ({_shown(table, schema)}) as shown\n"
            f"join {quoted(rows_table(table), schema)} as stored\n"
            "  on stored.row_owner = shown.row_owner and stored.row_version = shown.shown_version\n"
            f"comment {literal_of(table.comment)}"
        )

    def _pointers(self, schema: str) -> dict[Slot, int]:
        found = self.query(
            f"select table_name, row_owner, max(row_version) from {quoted(POINTERS, schema)} group by 1, 2"
        )
        return {(name, owner): version for name, owner, version in found}

    def _point(self, schema: str, pointers: Mapping[Slot, int], changed: Mapping[Slot, int]) -> None:
        rows = [(*slot, version) for slot, version in changed.items()]
        self.insert(POINTERS, ("table_name", "row_owner", "row_version"), rows, schema)

    def _carry(self, version: Version, before: int, gone: Condition | None) -> None:
        names = ", ".join(map(quoted, version.table.names))
        target = quoted(rows_table(version.table), version.schema)
        condition, parameters = ("false", []) if gone is None else gone
        self.execute(
            f"insert into {target} (row_owner, row_version, {names}) select ?, ?, {names} from {target}"
            f" where row_owner = ? and row_version = ? and not ({condition})",
            [version.owner, version.number, version.owner, before, *parameters],
        )

    def _append(self, version: Version, rows: Sequence[Sequence[Any]]) -> None:
        columns = (*(column.name for column in VERSION_COLUMNS), *version.table.names)
        versioned = [(version.owner, version.number, *row) for row in rows]
        self.insert(rows_table(version.table), columns, versioned, version.schema)

    def _forget(self, version: Version, kept: set[int]) -> None:
        target = quoted(rows_table(version.table), version.schema)
        found = self.query(f"select distinct row_version from {target} where row_owner = ?", [version.owner])
        for (number,) in found:
            if number not in kept:
                self._remove(replace(version, number=number))

    def _remove(self, version: Version) -> None:
        target = quoted(rows_table(version.table), version.schema)
        self.execute(f"alter table {target} drop partition (?, ?)", [version.owner, version.number])

    def _load(self, table: str, path: Path, schema: str | None) -> int:
        incoming = quoted(_incoming(table), schema)
        with TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.parquet"
            kinds = {name: _from_duckdb(kind, path) for name, kind in to_parquet(path, rows).items()}
            described = ", ".join(f"{quoted(name)} Nullable({kind})" for name, kind in kinds.items())
            self.execute(f"drop table if exists {incoming}")
            self.execute(f"create table {incoming} ({described}) engine = MergeTree order by tuple()")
            if isinstance(self._session, HttpSession):
                session = self._session
                self._run(lambda: session.load(incoming, rows))
            else:
                self.execute(
                    f"insert into {incoming} select * from file(?, 'Parquet', ?)", [str(rows), described]
                )
        return int(self.query(f"select count(*) from {incoming}").values[0][0])

    def _swap(self, table: str, schema: str | None) -> None:
        incoming, target = quoted(_incoming(table), schema), quoted(table, schema)
        if not self.table_exists(table, schema):
            self.execute(f"rename table {incoming} to {target}")
            return
        self.execute(f"exchange tables {incoming} and {target}")
        self._discard(table, schema)

    def _discard(self, table: str, schema: str | None) -> None:
        self.execute(f"drop table if exists {quoted(_incoming(table), schema)}")

    def _run(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except self._errors as error:
            self._forget_answer()
            raise translate(error, where=self._where, secrets=self._secrets) from error

    def _forget_answer(self) -> None:
        """Take what chdb has written of an answer that failed, which would else come before the next one's rows."""
        if isinstance(self._session, HttpSession):
            return
        with suppress(RuntimeError):
            self._session.query("select 1", "Null").bytes()


def _session(
    output: ClickHouse, *, where: str, secrets: Sequence[str]
) -> tuple[Any, tuple[type[Exception], ...]]:
    """Return a session, and what it raises."""
    is_server = output.driver == "http"
    errors = server_errors(where=where) if is_server else (RuntimeError,)
    try:
        if is_server:
            return open_session(output, where=where), errors
        return driver("chdb.session", extra="clickhouse", where=where).Session(output.path), errors
    except WarehouseError:
        raise
    except errors as error:
        raise translate(error, where=where, secrets=secrets) from error


def _shown(table: Table, schema: str) -> str:
    """Return the query for the version of each owner's rows that readers see."""
    return (
        f"select row_owner, max(row_version) as shown_version from {quoted(POINTERS, schema)}"
        f" where table_name = {literal_of(table.name)} group by row_owner"
    )


def _incoming(table: str) -> str:
    return f"{table}__incoming"


def _from_duckdb(kind: str, path: Path) -> str:
    if kind.startswith("DECIMAL("):
        return kind.capitalize()
    if kind not in _FROM_DUCKDB:
        raise WarehouseError(
            f"ClickHouse has no type for {kind.lower()}", where=path.name, hint="write the column as text"
        )
    return _FROM_DUCKDB[kind]
