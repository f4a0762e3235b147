"""Apache Spark, through pyspark: Spark SQL over tables of Parquet in a warehouse directory."""

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import Spark
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Condition, Rows
from steelyard.warehouse.bulk import kinds_of, plain_number, to_arrays
from steelyard.warehouse.deadline import ended_after
from steelyard.warehouse.duckdb_files import to_parquet
from steelyard.warehouse.names import bound, escaped_literal, quoted
from steelyard.warehouse.spark_errors import translate
from steelyard.warehouse.spark_session import Started, start
from steelyard.warehouse.stored import KINDS
from steelyard.warehouse.tables import Column, Table
from steelyard.warehouse.versioned import (
    POINTERS,
    VERSION_COLUMNS,
    Slot,
    Version,
    VersionedWarehouse,
    rows_table,
)

T = TypeVar("T")

_CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "string": "varchar",
        "char": "varchar",
        "int": "integer",
        "timestamp": "timestamptz",
        "timestamp_ntz": "timestamp",
        "void": "null",
    }
)
_TO_SPARK: Mapping[str, str] = MappingProxyType(
    {"varchar": "string", "integer": "int", "timestamptz": "timestamp", "timestamp": "timestamp_ntz"}
)
_INCOMING = "steelyard_incoming"
_ABANDONED = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds at which a process began, and some letters of its own, before the names of its temporary tables.
_OWNER = re.compile(r"t([0-9a-f]+)_[0-9a-f]{8}(?=_)")
_LIVE: set[str] = set()
# Pointers of each schema of the one Spark that this process runs.
_SHOWN: dict[str, dict[Slot, int]] = {}


class SparkWarehouse(VersionedWarehouse):
    """A Spark session and its catalogue. `VersionedWarehouse` says what publishing guarantees.

    The pointers are a small table that is written anew for each publication and never changed; the view
    ``published_versions`` names the one that counts, and replacing the view is one change in the metastore. Versions
    are partitions that are written once, so no session's cache of files can be stale. A query that began before the
    publication before the last one may find its files gone: it fails with an error and reads nothing wrong.

    With the embedded metastore one process holds the catalogue. With a metastore that several share, two runs that
    publish at the same time can lose one another's pointers: run one at a time for a schema. ``seed`` drops a table
    and puts the new one in its place, so that a reader may find none for an instant.

    Temporary tables are Parquet tables in ``<schema>_scratch`` with temporary views over them, never queries that
    would run again. They are dropped with the connection; those of a process that was killed are by a later one.
    """

    dialect: ClassVar[str] = "spark"
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "STRING",
            "json": "STRING",
            "number": "DOUBLE",
            "count": "BIGINT",
            "flag": "BOOLEAN",
            "day": "DATE",
            "moment": "TIMESTAMP",
        }
    )

    def __init__(
        self,
        started: Started,
        *,
        where: str,
        secrets: Sequence[str],
        scratch: str,
        timeout_seconds: float | None = None,
    ) -> None:
        self._started, self._session = started, started.session
        self._where, self._secrets = where, tuple(secrets)
        self._scratch, self._timeout_seconds = scratch, timeout_seconds
        self._prefix = f"t{time.time_ns() // 1000:x}_{uuid4().hex[:8]}"
        _LIVE.add(self._prefix)
        self._temporaries: dict[str, None] = {}
        self.is_exclusive = started.is_exclusive
        self._is_closed = False
        self._errors = _driver_errors()

    @classmethod
    def open(cls, profile: Profile, *, wait_seconds: float = 0.0) -> "SparkWarehouse":
        """Start Spark as a profile says, or use the Spark that runs in this process.

        Args:
            profile: Its output is a Spark with ``method: session``.
            wait_seconds: Not used: starting Spark takes longer than most waiting.

        Raises:
            WarehouseError: Another method, Spark does not start, or another process holds the embedded metastore.
        """
        output = profile.output
        assert isinstance(output, Spark)
        where = f"target {profile.target}"
        if output.method != "session":
            raise WarehouseError(
                f"Steelyard does not execute on Spark through {output.method} yet",
                where=where,
                hint="set method: session, or compile with --dialect spark",
            )
        warehouse = cls(
            start(output, where=where),
            where=where,
            secrets=[value.get_secret_value() for value in output.server_side_parameters.values()],
            scratch=f"{profile.target_schema}_scratch",
            timeout_seconds=output.statement_timeout_seconds,
        )
        try:
            warehouse._prepare(output)
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    def _prepare(self, output: Spark) -> None:
        if output.database != "default":
            self.execute(self.schema_statement(output.database))
        self.execute(f"use {quoted(output.database)}")
        self._sweep()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        return self._run(lambda: self._fetch(sql, parameters))

    def _fetch(self, sql: str, parameters: Sequence[Any]) -> Rows:
        frame = self._session.sql(_bound(sql, parameters))
        columns = tuple(frame.columns)
        zoned = [i for i, field in enumerate(frame.schema) if field.dataType.simpleString() == "timestamp"]
        if not zoned:
            return Rows(columns=columns, values=[_plain(row) for row in frame.collect()])
        # pyspark makes Python values of moments in the zone of the machine.
        functions = import_module("pyspark.sql.functions")
        frame = frame.toDF(*(f"c{i}" for i in range(len(columns))))
        counted = frame.select(
            *(functions.unix_micros(f"c{i}") if i in zoned else f"c{i}" for i in range(len(columns)))
        )
        return Rows(columns=columns, values=[_with_moments(_plain(row), zoned) for row in counted.collect()])

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._run(lambda: self._session.sql(_bound(sql, parameters)).collect())

    def create_temporary(self, name: str, sql: str) -> None:
        if not self._temporaries:
            self.execute(self.schema_statement(self._scratch))
        stored = self._stored(name)
        self._drop_temporary(name)
        self._temporaries[name] = None
        self.execute(f"create table {stored} using parquet as {sql}")
        self.execute(f"create or replace temporary view {quoted(name)} as select * from {stored}")

    def drop_temporaries(self, *, keep: Collection[str] = ()) -> None:
        for name in [name for name in self._temporaries if name not in keep]:
            self._drop_temporary(name)

    def _drop_temporary(self, name: str) -> None:
        if name in self._temporaries:
            self._run(lambda: self._session.catalog.dropTempView(name))
            self.execute(f"drop table if exists {self._stored(name)}")
            del self._temporaries[name]

    def _stored(self, name: str) -> str:
        return quoted(f"{self._prefix}_{name}", self._scratch)

    def _sweep(self) -> None:
        """Drop the temporary tables that killed processes have left."""
        if not self.query(f"show schemas like {escaped_literal(self._scratch)}"):
            return
        oldest = time.time_ns() // 1000 - _ABANDONED
        for name in self._table_names(self._scratch):
            owner = _OWNER.match(name)
            if owner is None or owner[0] in _LIVE:
                continue
            if self.is_exclusive or int(owner[1], 16) < oldest:
                self.execute(f"drop table if exists {quoted(name, self._scratch)}")

    def _table_names(self, schema: str) -> list[str]:
        return [str(row["tableName"]) for row in self.query(f"show tables in {quoted(schema)}").dicts()]

    def column_types(self, sql: str) -> dict[str, str]:
        return _canonical_types(self._run(lambda: self._session.sql(sql).schema))

    def table_columns(self, table: str, schema: str | None = None) -> dict[str, str]:
        name = f"`{table}`" if schema is None else f"`{schema}`.`{table}`"
        if not self._run(lambda: self._session.catalog.tableExists(name)):
            return {}
        return _canonical_types(self._run(lambda: self._session.table(name).schema))

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], schema: str | None = None
    ) -> None:
        if not rows:
            return
        known = self.table_columns(table, schema)
        kinds = kinds_of(columns, known, table=table, where=self._where)
        names = ", ".join(map(quoted, columns))
        self._insert(f"insert into {quoted(table, schema)} ({names})", kinds, rows, where=table)

    def _insert(
        self, into: str, kinds: Mapping[str, str], rows: Sequence[Sequence[Any]], *, where: str
    ) -> None:
        to_arrays(kinds, rows, where=f"{self._where}: table {where}")
        declared = ", ".join(f"`{name}` {_TO_SPARK.get(kind, kind)}" for name, kind in kinds.items())
        plain = _python_rows(kinds, rows)

        def write() -> None:
            frame = self._session.createDataFrame(plain, declared, verifySchema=False).coalesce(1)
            frame.createOrReplaceTempView(_INCOMING)
            self._session.sql(f"{into} select * from {_INCOMING}")

        try:
            self._run(write)
        finally:
            self._session.catalog.dropTempView(_INCOMING)

    def estimate(self, sql: str) -> str:
        return "\n".join(str(row[0]) for row in self.query(f"explain formatted {sql}"))

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(WarehouseError):
            self.drop_temporaries()
        _LIVE.discard(self._prefix)
        if self._started.is_own:
            _SHOWN.clear()
            self._session.stop()

    def table_statements(self, table: Table, schema: str) -> Iterator[str]:
        if not self.table_columns(POINTERS, schema):
            yield from self._pointer_statements(schema, {})
        columns = ",\n  ".join(self._declared(column) for column in (*table.columns, *VERSION_COLUMNS))
        keys = ", ".join(quoted(column.name) for column in VERSION_COLUMNS)
        yield (
            f"create table if not exists {quoted(rows_table(table), schema)} (\n  {columns}\n)"
            f" using parquet partitioned by ({keys}) comment {escaped_literal(table.comment)}"
        )
        yield _view_statement(table, schema, is_new=True)

    def column_statements(self, table: Table, missing: Sequence[Column], schema: str) -> Iterator[str]:
        known = self.table_columns(rows_table(table), schema)
        added = ", ".join(self._declared(column) for column in missing if column.name not in known)
        if added:
            yield f"alter table {quoted(rows_table(table), schema)} add columns ({added})"
        yield _view_statement(table, schema, is_new=False)

    def _declared(self, column: Column) -> str:
        return f"{quoted(column.name)} {self.types[column.kind]} comment {escaped_literal(column.comment)}"

    def _pointers(self, schema: str) -> dict[Slot, int]:
        # Where no other process can move them, they are where this one has put them.
        if self.is_exclusive and schema in _SHOWN:
            return dict(_SHOWN[schema])
        found = self.query(f"select table_name, row_owner, row_version from {quoted(POINTERS, schema)}")
        _SHOWN[schema] = {(name, owner): number for name, owner, number in found}
        return dict(_SHOWN[schema])

    def _point(self, schema: str, pointers: Mapping[Slot, int], changed: Mapping[Slot, int]) -> None:
        _SHOWN.pop(schema, None)
        for statement in self._pointer_statements(schema, pointers):
            self.execute(statement)
        _SHOWN[schema] = dict(pointers)
        older = sorted(name for name in self._table_names(schema) if name.startswith(f"{POINTERS}_"))
        for name in older[:-2]:
            self.execute(f"drop table if exists {quoted(name, schema)}")

    def _pointer_statements(self, schema: str, pointers: Mapping[Slot, int]) -> Iterator[str]:
        stored = quoted(f"{POINTERS}_{time.time_ns() // 1000:016x}", schema)
        rows = [
            f"({escaped_literal(name)}, {escaped_literal(owner)}, {n})"
            for (name, owner), n in pointers.items()
        ]
        where = "" if rows else " where false"
        values = ", ".join(rows or ["('', '', 0)"])
        yield (
            f"create table {stored} using parquet as select /*+ coalesce(1) */ table_name, row_owner,"
            f" cast(row_version as bigint) as row_version"
            f" from values {values} as pointers(table_name, row_owner, row_version){where}"
        )
        yield f"create or replace view {quoted(POINTERS, schema)} as select * from {stored}"

    def _carry(self, version: Version, before: int, gone: Condition | None) -> None:
        names = ", ".join(map(quoted, version.table.names))
        condition, parameters = ("false", []) if gone is None else gone
        self.execute(
            f"{_into(version)} select /*+ coalesce(1) */ {names}"
            f" from {quoted(rows_table(version.table), version.schema)}"
            f" where row_owner = ? and row_version = ? and not ({condition})",
            [version.owner, before, *parameters],
        )

    def _append(self, version: Version, rows: Sequence[Sequence[Any]]) -> None:
        kinds = {column.name: KINDS[column.kind] for column in version.table.columns}
        self._insert(_into(version), kinds, rows, where=version.table.name)

    def _forget(self, version: Version, kept: set[int]) -> None:
        target = quoted(rows_table(version.table), version.schema)
        owner = f"row_owner = {escaped_literal(version.owner)}"
        for (found,) in self.query(f"show partitions {target} partition ({owner})"):
            number = int(found.rsplit("row_version=", 1)[1])
            if number not in kept:
                self.execute(
                    f"alter table {target} drop if exists partition ({owner}, row_version = {number})"
                )

    def _load(self, table: str, path: Path, schema: str | None) -> int:
        incoming = quoted(f"{table}__incoming", schema)
        with TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.parquet"
            to_parquet(path, rows)
            self.execute(f"drop table if exists {incoming}")
            self.execute(f"create table {incoming} using parquet as select * from parquet.`{rows}`")
        return int(self.query(f"select count(*) from {incoming}").values[0][0])

    def _swap(self, table: str, schema: str | None) -> None:
        self.execute(f"drop table if exists {quoted(table, schema)}")
        self.execute(f"alter table {quoted(f'{table}__incoming', schema)} rename to {quoted(table, schema)}")

    def _discard(self, table: str, schema: str | None) -> None:
        self.execute(f"drop table if exists {quoted(f'{table}__incoming', schema)}")

    def _run(self, action: Callable[[], T]) -> T:
        if self._timeout_seconds:
            self._session.sparkContext.setJobGroup(self._prefix, "steelyard", interruptOnCancel=True)
        try:
            with ended_after(self._timeout_seconds, self._cancel):
                return action()
        except self._errors as error:
            raise translate(error, where=self._where, secrets=self._secrets) from error

    def _cancel(self) -> None:
        # Where Spark itself has gone, the statement tells it.
        with suppress(*self._errors):
            self._session.sparkContext.cancelJobGroup(self._prefix)


def _driver_errors() -> tuple[type[Exception], ...]:
    return (
        import_module("pyspark.errors").PySparkException,
        import_module("py4j.protocol").Py4JError,
        import_module("py4j.protocol").Py4JNetworkError,
    )


def _bound(sql: str, parameters: Sequence[Any]) -> str:
    return bound(sql, parameters, _literal) if parameters else sql


def _literal(value: Any) -> str:
    """Return a Python value as a literal of Spark; integers are BIGINT, for tuples are of one type or not compared."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"TIMESTAMP'{value.astimezone(UTC).isoformat()}'"
    if isinstance(value, date):
        return f"DATE'{value.isoformat()}'"
    if isinstance(value, int):
        return f"{value}L"
    if isinstance(value, float):
        return f"{value!r}D"
    return escaped_literal(str(value))


def _into(version: Version) -> str:
    owner, target = escaped_literal(version.owner), quoted(rows_table(version.table), version.schema)
    return f"insert into {target} partition (row_owner = {owner}, row_version = {version.number})"


def _view_statement(table: Table, schema: str, *, is_new: bool) -> str:
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


def _canonical_types(schema: Any) -> dict[str, str]:
    """Return Spark's names of types in the words that all warehouses share."""
    names = {field.name: field.dataType.simpleString().split("(")[0] for field in schema}
    return {name: _CANONICAL.get(kind, kind) for name, kind in names.items()}


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(plain_number(value) if isinstance(value, Decimal) else value for value in row)


def _with_moments(row: tuple[Any, ...], zoned: Sequence[int]) -> tuple[Any, ...]:
    values = list(row)
    for i in zoned:
        if values[i] is not None:
            values[i] = _EPOCH + timedelta(microseconds=values[i])
    return tuple(values)


def _python_rows(kinds: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return rows as Spark takes them without looking: integers and doubles apart, no numbers of numpy."""
    converters = [_TO_PYTHON.get(kind) for kind in kinds.values()]
    return [
        tuple(
            value if convert is None or value is None else convert(value)
            for convert, value in zip(converters, row, strict=True)
        )
        for row in rows
    ]


_TO_PYTHON: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "tinyint": int,
        "smallint": int,
        "integer": int,
        "bigint": int,
        "float": float,
        "double": float,
        "boolean": bool,
    }
)
