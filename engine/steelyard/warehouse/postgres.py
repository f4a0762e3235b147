"""PostgreSQL, through SQLAlchemy and psycopg; rows go in by COPY."""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from steelyard.dialects.lengths import POSTGRES_BYTES, shortened
from steelyard.errors import WarehouseError
from steelyard.spec.outputs import Postgres
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Rows, Warehouse
from steelyard.warehouse.bulk import kinds_of, to_arrays
from steelyard.warehouse.names import literal, quoted
from steelyard.warehouse.postgres_errors import translate
from steelyard.warehouse.postgres_files import rows_as_csv
from steelyard.warehouse.postgres_values import CONVERTERS, TYPE_NAMES, converted
from steelyard.warehouse.reading import Reading, postgres_scans, total

T = TypeVar("T")

_CHUNK = 1 << 20
_RETRY_SECONDS = 0.2
_CHECK_SECONDS = 2
_LOST = "the connection is gone: run again once the server is up; nothing half-written is kept"


class PostgresWarehouse(Warehouse):
    """A PostgreSQL database.

    Temporary tables belong to the session, so nothing of them is left when it ends, however it ends. So does the
    advisory lock that keeps two runs of one schema apart.
    """

    dialect: ClassVar[str] = "postgres"
    changes_tables_together: ClassVar[bool] = True
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "text",
            "json": "text",
            "number": "double precision",
            "count": "bigint",
            "flag": "boolean",
            "day": "date",
            "moment": "timestamptz",
        }
    )

    def __init__(self, engine: sqlalchemy.Engine, *, where: str, secrets: Sequence[str]) -> None:
        self._where, self._secrets = where, tuple(secrets)
        self._errors: tuple[type[Exception], ...] = (SQLAlchemyError, _driver_error(engine))
        self._temporaries: dict[str, None] = {}
        self._is_in_transaction = False
        self._is_closed = False
        self._loss: WarehouseError | None = None
        self._connection = self._run(engine.connect)

    @classmethod
    def open(cls, profile: Profile, *, wait_seconds: float = 0.0) -> "PostgresWarehouse":
        """Connect as a profile says.

        Args:
            profile: Its output is a PostgreSQL.
            wait_seconds: Not used: any number of processes may connect; `only_writer` waits.

        Raises:
            WarehouseError: psycopg is not installed, or the server does not let us in.
        """
        output = profile.output
        assert isinstance(output, Postgres)
        secrets = [] if output.password is None else [output.password.get_secret_value()]
        where = f"target {profile.target}"
        warehouse = cls(_engine(output, where=where), where=where, secrets=secrets)
        try:
            warehouse._prepare(output)
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    def _prepare(self, output: Postgres) -> None:
        if output.role is not None:
            self.execute(f"set role {quoted(output.role)}")
        if output.search_path is not None:
            self.query("select set_config('search_path', ?, false)", [output.search_path])
        if output.statement_timeout_seconds is not None:
            self.execute(f"set statement_timeout = '{output.statement_timeout_seconds}s'")
        self.execute("set time zone 'UTC'")
        # Notices tell that a schema exists already.
        self.execute("set client_min_messages = warning")
        # Compiling wide aggregates takes longer than running them over what one session holds.
        self.execute("set jit = off")
        # A run that was killed stops costing, and holding its lock, before its statement ends. A version or a system
        # that cannot tell lets it end.
        with suppress(WarehouseError):
            self.execute(f"set client_connection_check_interval = '{_CHECK_SECONDS}s'")

    def schema_statement(self, schema: str) -> str:
        # "if not exists" asks for the right to create one even where there is one.
        return (
            f"do $$ begin if not exists (select from pg_namespace where nspname = {literal(schema)})"
            f" then create schema {quoted(schema)}; end if; end $$"
        )

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        return self._run(lambda: self._fetch(sql, parameters))

    def _fetch(self, sql: str, parameters: Sequence[Any]) -> Rows:
        result = self._cursor(sql, parameters)
        kinds = [column.type_code for column in result.cursor.description]
        columns = tuple(column.name for column in result.cursor.description)
        converters = [(i, CONVERTERS[kind]) for i, kind in enumerate(kinds) if kind in CONVERTERS]
        rows = [tuple(row) for row in result.fetchall()]
        if converters:
            rows = [converted(row, converters) for row in rows]
        return Rows(columns=columns, values=rows)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._run(lambda: self._cursor(sql, parameters).close())

    def _cursor(self, sql: str, parameters: Sequence[Any]) -> Any:
        if not parameters:
            # Without parameters the driver leaves percent signs alone.
            return self._connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        text = sql.replace("%", "%%").replace("?", "%s")
        return self._connection.exec_driver_sql(text, tuple(parameters))

    def create_temporary(self, name: str, sql: str) -> None:
        # As compiled queries name it.
        name = shortened(name, POSTGRES_BYTES)
        self.execute(f"drop table if exists pg_temp.{quoted(name)}")
        self.execute(f"create temporary table {quoted(name)} as {sql}")
        self._temporaries[name] = None
        # Nobody gathers statistics of a temporary table but its session, and joins are planned by them.
        self.execute(f"analyze pg_temp.{quoted(name)}")

    def create_table_as(self, table: str, schema: str, sql: str) -> None:
        super().create_table_as(table, schema, sql)
        # The same run joins it, before the server comes to gather statistics by itself.
        self.execute(f"analyze {quoted(table, schema)}")

    def searched_schemas(self) -> list[str]:
        return [str(name) for (name,) in self.query("select unnest(current_schemas(false))::text")]

    def foreign_tables(self, schema: str) -> list[str]:
        found = self.query(
            "select relname from pg_class where relkind = 'r' and not pg_has_role(relowner, 'usage')"
            " and relnamespace = (select oid from pg_namespace where lower(nspname) = lower(?)) order by 1",
            [schema],
        )
        return [name for (name,) in found]

    def drop_temporaries(self, *, keep: Collection[str] = ()) -> None:
        if self._loss is not None:
            self._temporaries.clear()
            return
        for name in [name for name in self._temporaries if name not in keep]:
            self.execute(f"drop table if exists pg_temp.{quoted(name)}")
            del self._temporaries[name]

    def column_types(self, sql: str) -> dict[str, str]:
        return self._run(lambda: self._described(f"select * from (\n{sql}\n) as described limit 0"))

    def _described(self, sql: str) -> dict[str, str]:
        result = self._cursor(sql, ())
        described = [(column.name, column.type_code) for column in result.cursor.description]
        result.close()
        return {name: TYPE_NAMES.get(code) or self._type_name(code) for name, code in described}

    def _type_name(self, code: int) -> str:
        return str(self._fetch("select typname from pg_type where oid = ?", [code]).values[0][0])

    def table_columns(self, table: str, schema: str | None = None) -> dict[str, str]:
        found = self.query(
            "select a.attname, a.atttypid::bigint from pg_attribute as a join pg_class as c on c.oid = a.attrelid"
            " where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f')"
            " and lower(c.relname) = lower(?)"
            " and (c.relnamespace = pg_my_temp_schema() or c.relnamespace ="
            " (select oid from pg_namespace where lower(nspname) = lower(coalesce(?, current_schema()))))"
            " order by c.relnamespace = pg_my_temp_schema(), a.attnum",
            [table, schema],
        )
        return {name: TYPE_NAMES.get(code) or self._type_name(code) for name, code in found}

    def load_file(self, table: str, path: Path, schema: str | None = None) -> int:
        target = quoted(table, schema)
        with TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.csv"
            columns, count = rows_as_csv(path, rows)
            described = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
            with self._all_or_nothing():
                self.execute(f"drop table if exists {target} cascade")
                self.execute(f"create table {target} ({described})")
                self._run(lambda: self._copy_file(target, rows))
                self.execute(f"analyze {target}")
        return count

    def _copy_file(self, target: str, rows: Path) -> None:
        with (
            self._driver().cursor() as cursor,
            rows.open("rb") as file,
            cursor.copy(f"copy {target} from stdin (format csv)") as copy,
        ):
            while chunk := file.read(_CHUNK):
                copy.write(chunk)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._is_in_transaction:
            raise WarehouseError("a transaction is open already", where=self._where, hint="end it first")
        self.execute("begin")
        self._is_in_transaction = True
        try:
            yield
            self.execute("commit")
        except BaseException:
            with suppress(WarehouseError):
                self.execute("rollback")
            raise
        finally:
            self._is_in_transaction = False

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        if self._is_in_transaction:
            yield
            return
        with self.transaction():
            yield

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], schema: str | None = None
    ) -> None:
        if not rows:
            return
        known = self.table_columns(table, schema)
        kinds = kinds_of(columns, known, table=table, where=self._where)
        to_arrays(kinds, rows, where=f"{self._where}: table {table}")
        names = ", ".join(map(quoted, columns))
        self._run(lambda: self._copy_rows(f"copy {quoted(table, schema)} ({names}) from stdin", rows))

    def _copy_rows(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._driver().cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def only_writer(self, schema: str, *, wait_seconds: float) -> Iterator[None]:
        key = _lock_key(schema)
        until = time.monotonic() + wait_seconds
        while not self.query("select pg_try_advisory_lock(?)", [key]).values[0][0]:
            if time.monotonic() >= until:
                raise WarehouseError(
                    f"another process writes to the schema {schema}: {self._holder(key)}",
                    where=self._where,
                    hint="wait for it to end, then try again; or end it with pg_terminate_backend(pid)",
                )
            time.sleep(_RETRY_SECONDS)
        self.is_exclusive = True
        try:
            yield
        finally:
            self.is_exclusive = False
            # A connection that is lost holds no lock.
            with suppress(WarehouseError):
                self.query("select pg_advisory_unlock(?)", [key])

    def _holder(self, key: int) -> str:
        """Return who holds a lock. Another role's address and application are seen by pg_read_all_stats only."""
        found = self.query(
            "select a.pid, a.usename, a.application_name, host(a.client_addr), a.backend_start"
            " from pg_locks as l join pg_stat_activity as a on a.pid = l.pid"
            " where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.database ="
            " (select oid from pg_database where datname = current_database())"
            " and (l.classid::bigint << 32) | l.objid::bigint = ?",
            [key],
        )
        for pid, user, application, address, since in found:
            told = [f"{application or 'a program'} of {user}, pid {pid}"]
            told += [f"from {address}"] if address else []
            told += [f"since {since:%Y-%m-%d %H:%M:%S} UTC"] if since else []
            return ", ".join(told)
        return "it has just ended"

    def estimate(self, sql: str) -> str:
        return "\n".join(str(row[0]) for row in self.query(f"explain {sql}"))

    def reading(self, sql: str) -> Reading:
        plan = self.query(f"explain (format json, verbose) {sql}").values[0][0][0]["Plan"]
        return total([self._scan_reading(node) for node in postgres_scans(plan)])

    def _scan_reading(self, node: Mapping[str, Any]) -> Reading:
        if node["Node Type"] != "Seq Scan":
            rows = int(node["Plan Rows"])
            return Reading(rows=rows, size=rows * int(node["Plan Width"]))
        name = quoted(str(node["Relation Name"]), str(node["Schema"]))
        ((rows, size),) = self._fetch(
            "select greatest(reltuples, 0)::bigint, pg_relation_size(oid) from pg_class where oid = ?::regclass",
            [name],
        ).values
        return Reading(rows=int(rows), size=int(size))

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            with suppress(*self._errors):
                self._connection.close()

    def _driver(self) -> Any:
        return self._connection.connection.driver_connection

    def _run(self, action: Callable[[], T]) -> T:
        if self._loss is not None:
            raise WarehouseError(self._loss.args[0], where=self._where, hint=self._loss.hint)
        try:
            return action()
        except self._errors as error:
            told = translate(error, where=self._where, secrets=self._secrets)
            if self._is_lost(error):
                # Whatever is asked for next fails too, with words that hide the reason.
                told.hint = _LOST
                self._loss = told
            raise told from error
        except KeyboardInterrupt:
            # The driver has cancelled the statement, and the session with its temporary tables is given up.
            self._loss = WarehouseError(
                "the run was interrupted", hint="run again; nothing half-written is kept"
            )
            raise

    def _is_lost(self, error: Exception) -> bool:
        connection = getattr(self, "_connection", None)
        if connection is None:
            return False
        return bool(
            getattr(error, "connection_invalidated", False) or connection.invalidated or self._driver().closed
        )


def _lock_key(schema: str) -> int:
    """Return the advisory lock of a schema, the same from every process: 63 bits, not negative."""
    digest = hashlib.sha256(f"steelyard schema {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _engine(output: Postgres, *, where: str) -> sqlalchemy.Engine:
    url = sqlalchemy.URL.create(
        "postgresql+psycopg",
        username=output.user,
        password=None if output.password is None else output.password.get_secret_value(),
        host=output.host,
        port=output.port,
        database=output.dbname,
    )
    options = {
        name: getattr(output, name)
        for name in ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout")
        if getattr(output, name) is not None
    }
    try:
        # Transactions are begun and ended by statements, so that one place says where they are.
        return sqlalchemy.create_engine(
            url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={**options, "application_name": "steelyard"},
        )
    except ModuleNotFoundError as error:
        raise WarehouseError(
            "the driver psycopg is not installed", where=where, hint="pip install 'steelyard[postgres]'"
        ) from error


def _driver_error(engine: sqlalchemy.Engine) -> type[Exception]:
    """Return the driver's own error, which COPY raises as it is."""
    found: type[Exception] = engine.dialect.loaded_dbapi.Error
    return found
