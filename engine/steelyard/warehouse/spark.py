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
from steelyard.warehouse.spark_errors import driver_errors, translate
from steelyard.warehouse.spark_published import (
    ROWS,
    into,
    moving_statement,
    pointer_statements,
    rows_statements,
    view_statement,
)
from steelyard.warehouse.spark_rows import (
    Change,
    carried_rows,
    kinds_of_rows,
    new_rows,
    read_stored,
    stored_query,
)
from steelyard.warehouse.spark_session import Started, for_few_rows, start
from steelyard.warehouse.spark_temporaries import Temporaries
from steelyard.warehouse.spark_values import (
    canonical_types,
    declared,
    described_types,
    plain,
    python_rows,
    with_moments,
    with_values,
)
from steelyard.warehouse.tables import Column, Table
from steelyard.warehouse.versioned import (
    EVERYONE,
    POINTERS,
    Slot,
    Staged,
    Version,
    VersionedWarehouse,
    rows_name,
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
        self._changes: list[Change] = []
        self._errors = driver_errors()

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
        # What the catalogue says of all of them, in place of a plan of each view.
        wanted = tuple(tables)
        pattern = "|".join((*wanted, *map(rows_name, wanted)))
        sql = f"show table extended in {quoted(schema)} like {escaped_literal(pattern)}"
        rows = self.query(sql).dicts() if self.has_schema(schema) else []
        there = {str(row["tableName"]): described_types(row["information"]) for row in rows}
        # In earlier releases the rows of each table stood by themselves: such a table is made anew, see
        # `table_statements`.
        return {name: {} if rows_name(name) in there else there.get(name, {}) for name in wanted}

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
        yield from rows_statements(schema, self.table_columns(ROWS, schema), self.types)

    def table_statements(self, table: Table, schema: str) -> Iterator[str]:
        by_itself = self.table_columns(rows_table(table), schema)
        if by_itself:
            yield moving_statement(table, schema, by_itself)
        yield view_statement(table, schema, is_new=not by_itself)
        if by_itself:
            yield f"drop table if exists {quoted(rows_table(table), schema)}"

    def column_statements(self, table: Table, missing: Sequence[Column], schema: str) -> Iterator[str]:
        yield view_statement(table, schema, is_new=False)

    def _pointers(self, schema: str) -> dict[Slot, int]:
        # Where no other process can move them, they are where this one has put them.
        if self.is_exclusive and schema in _SHOWN:
            return dict(_SHOWN[schema])
        found = self.query(f"select table_name, row_owner, row_version from {quoted(POINTERS, schema)}")
        _SHOWN[schema] = {(name, owner): number for name, owner, number in found}
        return dict(_SHOWN[schema])

    def _point(self, schema: str, pointers: Mapping[Slot, int], changed: Mapping[Slot, int]) -> None:
        _SHOWN.pop(schema, None)
        statements = tuple(pointer_statements(schema, pointers))
        for statement in statements:
            self.execute(statement)
        _SHOWN[schema] = dict(pointers)
        if len(statements) > 1:
            older = sorted(name for name in self.table_names(schema) if name.startswith(f"{POINTERS}_"))
            for name in older[:-2]:
                self.execute(f"drop table if exists {quoted(name, schema)}")

    def rows_where(
        self, schema: str, owner: str | None, wanted: Mapping[str, Condition]
    ) -> dict[str, list[tuple[Any, ...]]]:
        owner = EVERYONE if owner is None else owner
        shown = self._pointers(schema) if self._staged is None else self._before(self._staged, schema)
        slots = {name: (shown[name, owner], wanted[name]) for name in wanted if (name, owner) in shown}
        if not slots:
            return {name: [] for name in wanted}
        with for_few_rows(self._session):
            rows = self.query(*stored_query(schema, owner, slots))
        found = read_stored(rows.columns, rows.values)
        return {name: found.get(name, []) for name in wanted}

    def _next_number(self, before: int | None) -> int:
        # What one transaction writes is one version, and one job; but for a slot that it writes again.
        number = self._changes[0].version.number if self._changes else 0
        if number > (before or 0):
            return number
        self._finish()
        return super()._next_number(before)

    def _write(
        self, version: Version, before: int | None, gone: Condition | None, rows: Sequence[Sequence[Any]]
    ) -> None:
        given = [tuple(row) for row in rows]
        self._changes.append(Change(version=version, before=before, gone=gone, rows=given))

    def _finish(self) -> None:
        changes, self._changes = self._changes, []
        for owner in dict.fromkeys(change.version.owner for change in changes):
            self._write_version([change for change in changes if change.version.owner == owner])

    def _write_version(self, changes: Sequence[Change]) -> None:
        version, kinds, rows = changes[0].version, kinds_of_rows(changes), new_rows(changes)
        head = into(version.owner, version.number, version.schema, kinds)
        carried = carried_rows(changes, tuple(kinds))
        with for_few_rows(self._session):
            if rows:
                self._insert(head, kinds, rows, where=ROWS, beside=carried)
            elif carried is not None:
                self.execute(f"{head} select /*+ coalesce(1) */ * from ({carried})")

    def _tidy(self, staged: Staged) -> None:
        for owner in dict.fromkeys(owner for _, owner in staged.after):
            kept = {number for (_, other), number in staged.before.items() if other == owner}
            written = [version for (_, other), version in staged.after.items() if other == owner]
            # The rows are published: what cannot be tidied up now will be by the next publication.
            with suppress(WarehouseError):
                if kept:
                    self._forget(written[0], kept | {version.number for version in written})

    def _abandon(self, staged: Staged) -> None:
        self._changes = []
        super()._abandon(staged)

    def _forget(self, version: Version, kept: set[int]) -> None:
        owner = f"row_owner = {escaped_literal(version.owner)}"
        found = self.query(f"show partitions {quoted(ROWS, version.schema)} partition ({owner})")
        self._drop(version, {int(name.rsplit("row_version=", 1)[1]) for (name,) in found} - kept)

    def _remove(self, version: Version) -> None:
        self._drop(version, {version.number})

    def _drop(self, version: Version, numbers: Collection[int]) -> None:
        owner = f"row_owner = {escaped_literal(version.owner)}"
        gone = ", ".join(f"partition ({owner}, row_version = {number})" for number in sorted(numbers))
        if gone:
            self.execute(f"alter table {quoted(ROWS, version.schema)} drop if exists {gone}")

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


def _full_name(table: str, schema: str | None) -> str:
    return f"`{table}`" if schema is None else f"`{schema}`.`{table}`"
