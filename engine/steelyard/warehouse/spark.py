"""Apache Spark, through pyspark: Spark SQL over tables of Parquet in a warehouse directory."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
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
from steelyard.warehouse.bulk import kinds_of, to_arrays
from steelyard.warehouse.deadline import ended_after
from steelyard.warehouse.duckdb_files import to_parquet
from steelyard.warehouse.names import escaped_literal, quoted
from steelyard.warehouse.spark_errors import translate
from steelyard.warehouse.spark_published import into, packed, pointer_statements, unpacked, view_statement
from steelyard.warehouse.spark_session import Started, for_few_rows, start
from steelyard.warehouse.spark_temporaries import Temporaries
from steelyard.warehouse.spark_values import (
    canonical_types,
    declared,
    plain,
    python_rows,
    with_moments,
    with_values,
)
from steelyard.warehouse.stored import KINDS
from steelyard.warehouse.tables import TABLES, Column, Table
from steelyard.warehouse.versioned import (
    EVERYONE,
    POINTERS,
    VERSION_COLUMNS,
    Slot,
    Version,
    VersionedWarehouse,
    rows_table,
)

T = TypeVar("T")

_INCOMING = "steelyard_incoming"
# Pointers of each schema of the one Spark that this process runs.
_SHOWN: dict[str, dict[Slot, int]] = {}


class SparkWarehouse(VersionedWarehouse):
    """A Spark session and its catalogue. `VersionedWarehouse` says what publishing guarantees.

    The pointers are the view ``published_versions``, see `pointer_statements`: replacing it is one change in the
    metastore. Versions are partitions that are written once, so no session's cache of files can be stale. A query
    that began before the publication before the last one may find its files gone: it fails with an error and reads
    nothing wrong.

    With the embedded metastore one process holds the catalogue. With a metastore that several share, two runs that
    publish at the same time can lose one another's pointers: run one at a time for a schema. ``seed`` drops a table
    and puts the new one in its place, so that a reader may find none for an instant.

    Temporary tables are kept by the executors, see `Temporaries`: they end with the connection or with its process.
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
        timeout_seconds: float | None = None,
    ) -> None:
        self._started, self._session = started, started.session
        self._where, self._secrets = where, tuple(secrets)
        self._timeout_seconds = timeout_seconds
        self._temporaries = Temporaries(started.session)
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

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        return self._run(lambda: self._fetch(sql, parameters))

    def _fetch(self, sql: str, parameters: Sequence[Any]) -> Rows:
        frame = self._session.sql(with_values(sql, parameters))
        columns = tuple(frame.columns)
        zoned = [i for i, field in enumerate(frame.schema) if field.dataType.simpleString() == "timestamp"]
        if not zoned:
            return Rows(columns=columns, values=[plain(row) for row in frame.collect()])
        # pyspark makes Python values of moments in the zone of the machine.
        functions = import_module("pyspark.sql.functions")
        frame = frame.toDF(*(f"c{i}" for i in range(len(columns))))
        counted = frame.select(
            *(functions.unix_micros(f"c{i}") if i in zoned else f"c{i}" for i in range(len(columns)))
        )
        return Rows(columns=columns, values=[with_moments(plain(row), zoned) for row in counted.collect()])

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._run(lambda: self._session.sql(with_values(sql, parameters)).collect())

    def create_temporary(self, name: str, sql: str) -> None:
        self._run(lambda: self._temporaries.keep(name, sql))

    def derive_temporary(self, name: str, sql: str) -> None:
        self._run(lambda: self._temporaries.derive(name, sql))

    def drop_temporaries(self, *, keep: Collection[str] = ()) -> None:
        # The last ones first: they are made of those before them.
        for name in reversed([name for name in self._temporaries if name not in keep]):
            self._run(partial(self._temporaries.drop, name))

    def table_names(self, schema: str) -> list[str]:
        return [str(row["tableName"]) for row in self.query(f"show tables in {quoted(schema)}").dicts()]

    def column_types(self, sql: str) -> dict[str, str]:
        return canonical_types(self._run(lambda: self._session.sql(sql).schema))

    def table_columns(self, table: str, schema: str | None = None) -> dict[str, str]:
        name = _full_name(table, schema)
        return self._columns(name) if self._run(lambda: self._session.catalog.tableExists(name)) else {}

    def columns_of(self, tables: Iterable[str], schema: str) -> dict[str, dict[str, str]]:
        there = set(self.table_names(schema)) if self.has_schema(schema) else set()
        return {table: self._columns(_full_name(table, schema)) if table in there else {} for table in tables}

    def _columns(self, name: str) -> dict[str, str]:
        return canonical_types(self._run(lambda: self._session.table(name).schema))

    def has_schema(self, schema: str) -> bool:
        return bool(self._run(lambda: self._session.catalog.databaseExists(f"`{schema}`")))

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
        self,
        into: str,
        kinds: Mapping[str, str],
        rows: Sequence[Sequence[Any]],
        *,
        where: str,
        beside: str | None = None,
    ) -> None:
        """Insert rows, and in the same job those of a query."""
        to_arrays(kinds, rows, where=f"{self._where}: table {where}")

        def write() -> None:
            frame = self._session.createDataFrame(
                python_rows(kinds, rows), declared(kinds), verifySchema=False
            )
            frame.createOrReplaceTempView(_INCOMING)
            source = f"select * from {_INCOMING}" + (f" union all {beside}" if beside else "")
            self._session.sql(f"{into} select /*+ coalesce(1) */ * from ({source})")

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
        if self._started.is_own:
            _SHOWN.clear()
            self._session.stop()

    def shared_statements(self, schema: str) -> Iterator[str]:
        if not self.table_columns(POINTERS, schema):
            yield from pointer_statements(schema, {})

    def table_statements(self, table: Table, schema: str) -> Iterator[str]:
        columns = ",\n  ".join(self._declared(column) for column in (*table.columns, *VERSION_COLUMNS))
        keys = ", ".join(quoted(column.name) for column in VERSION_COLUMNS)
        yield (
            f"create table if not exists {quoted(rows_table(table), schema)} (\n  {columns}\n)"
            f" using parquet partitioned by ({keys}) comment {escaped_literal(table.comment)}"
        )
        yield view_statement(table, schema, is_new=True)

    def column_statements(self, table: Table, missing: Sequence[Column], schema: str) -> Iterator[str]:
        known = self.table_columns(rows_table(table), schema)
        added = ", ".join(self._declared(column) for column in missing if column.name not in known)
        if added:
            yield f"alter table {quoted(rows_table(table), schema)} add columns ({added})"
        yield view_statement(table, schema, is_new=False)

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
        for statement in pointer_statements(schema, pointers):
            self.execute(statement)
        _SHOWN[schema] = dict(pointers)
        older = sorted(name for name in self.table_names(schema) if name.startswith(f"{POINTERS}_"))
        for name in older[:-2]:
            self.execute(f"drop table if exists {quoted(name, schema)}")

    def rows_where(
        self, schema: str, owner: str | None, wanted: Mapping[str, Condition]
    ) -> dict[str, list[tuple[Any, ...]]]:
        # One job, on files that are known, in place of one for each view and another for its pointers.
        slots = {name: (name, EVERYONE if owner is None else owner) for name in wanted}
        shown = self._pointers(schema) if self._staged is None else self._before(self._staged, schema)
        names = [name for name in wanted if slots[name] in shown]
        found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in wanted}
        parts, parameters = [], list[Any]()
        for place, name in enumerate(names):
            condition, values = wanted[name]
            where = f"row_owner = ? and row_version = ? and ({condition})"
            parts.append(packed(place, TABLES[name], quoted(rows_table(TABLES[name]), schema), where))
            parameters += [slots[name][1], shown[slots[name]], *values]
        if parts:
            with for_few_rows(self._session):
                rows = self.query("\nunion all\n".join(parts), parameters)
            for place, *arrays in rows:
                found[names[place]].append(unpacked(TABLES[names[place]], arrays))
        return found

    def _write(
        self, version: Version, before: int | None, gone: Condition | None, rows: Sequence[Sequence[Any]]
    ) -> None:
        carried = None if before is None else self._carried(version, before, gone)
        with for_few_rows(self._session):
            if rows:
                kinds = {column.name: KINDS[column.kind] for column in version.table.columns}
                self._insert(into(version), kinds, rows, where=version.table.name, beside=carried)
            elif carried is not None:
                self.execute(f"{into(version)} select /*+ coalesce(1) */ * from ({carried})")

    def _carried(self, version: Version, before: int, gone: Condition | None) -> str:
        """Return the query for the rows of the version before that stay."""
        names = ", ".join(map(quoted, version.table.names))
        condition, parameters = ("false", []) if gone is None else gone
        return with_values(
            f"select {names} from {quoted(rows_table(version.table), version.schema)}"
            f" where row_owner = ? and row_version = ? and not ({condition})",
            [version.owner, before, *parameters],
        )

    def _forget(self, version: Version, kept: set[int]) -> None:
        target = quoted(rows_table(version.table), version.schema)
        owner = f"row_owner = {escaped_literal(version.owner)}"
        found = self.query(f"show partitions {target} partition ({owner})")
        self._drop(version, {int(name.rsplit("row_version=", 1)[1]) for (name,) in found} - kept)

    def _remove(self, version: Version) -> None:
        self._drop(version, {version.number})

    def _drop(self, version: Version, numbers: Collection[int]) -> None:
        owner = f"row_owner = {escaped_literal(version.owner)}"
        gone = ", ".join(f"partition ({owner}, row_version = {number})" for number in sorted(numbers))
        if gone:
            target = quoted(rows_table(version.table), version.schema)
            self.execute(f"alter table {target} drop if exists {gone}")

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
        # Spark cancels later than it is asked to: under a name that they shared, the next statement would be met.
        group = f"steelyard_{uuid4().hex}"
        if self._timeout_seconds:
            self._session.sparkContext.setJobGroup(group, "steelyard", interruptOnCancel=True)
        try:
            with ended_after(self._timeout_seconds, partial(self._cancel, group)):
                return action()
        except self._errors as error:
            raise translate(error, where=self._where, secrets=self._secrets) from error

    def _cancel(self, group: str) -> None:
        # Where Spark itself has gone, the statement tells it.
        with suppress(*self._errors):
            self._session.sparkContext.cancelJobGroup(group)


def _driver_errors() -> tuple[type[Exception], ...]:
    return (
        import_module("pyspark.errors").PySparkException,
        import_module("py4j.protocol").Py4JError,
        import_module("py4j.protocol").Py4JNetworkError,
    )


def _full_name(table: str, schema: str | None) -> str:
    return f"`{table}`" if schema is None else f"`{schema}`.`{table}`"
