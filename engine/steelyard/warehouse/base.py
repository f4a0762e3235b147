"""What the engine asks of every warehouse."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from steelyard.warehouse.ddl import column_statements, table_statements
from steelyard.warehouse.names import quoted
from steelyard.warehouse.reading import Reading
from steelyard.warehouse.tables import TABLES, Column, Table

Condition = tuple[str, Sequence[Any]]
"""A condition in SQL, and the parameters in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The answer to a query.

    Attributes:
        columns: Names.
        values: Rows of Python values; moments in time carry the zone UTC, absent values are None.

    Examples:
        >>> Rows(columns=("variant", "n"), values=[("control", 3)]).dicts()
        [{'variant': 'control', 'n': 3}]
    """

    columns: tuple[str, ...]
    values: list[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.values)

    def dicts(self) -> list[dict[str, Any]]:
        """Return each row as a mapping from column to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.values]


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement that a run has asked.

    Attributes:
        name: What it is for; several may share a name.
        text: Its SQL, as it was sent.
    """

    name: str
    text: str


class Warehouse(ABC):
    """One connection to a warehouse.

    SQL comes in the warehouse's own dialect; parameters are written ``?``. The session's time zone is UTC.
    Whatever the driver raises becomes a WarehouseError with a hint, without secrets. Use it as a context
    manager, or close it; temporary tables end with it.
    """

    dialect: ClassVar[str]
    is_exclusive: bool = False
    """Whether no other run can write now: while this connection is open, or within `only_writer`."""
    asked: list[Asked] | None = None
    """The statements of the run so far, in order, where they are kept."""
    keeps_state: ClassVar[bool] = True
    """Whether incremental runs keep their state here."""
    changes_tables_together: ClassVar[bool] = False
    """Whether `transaction` spans making, changing and dropping several tables."""
    types: ClassVar[Mapping[str, str]]
    """What the warehouse calls each kind of column in `steelyard.warehouse.tables`."""

    def note(self, name: str, text: str) -> None:
        """Keep a statement that is asked next, where statements are kept."""
        if self.asked is not None:
            self.asked.append(Asked(name, text))

    @abstractmethod
    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one query and fetch all of its rows."""

    @abstractmethod
    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement that returns nothing of interest."""

    @abstractmethod
    def create_temporary(self, name: str, sql: str) -> None:
        """Fill a temporary table with a query, in place of one of the same name."""

    def derive_temporary(self, name: str, sql: str) -> None:
        """Make a temporary table of a query on others that cannot fail, and of which it does not pay to keep the rows.

        It costs no more than to read what it is made of, or is read once. A warehouse may run it for each reader.
        """
        self.create_temporary(name, sql)

    @abstractmethod
    def drop_temporaries(self, *, keep: Collection[str] = ()) -> None:
        """Drop every temporary table that this connection has created, but for those to keep."""

    @abstractmethod
    def column_types(self, sql: str) -> dict[str, str]:
        """Return the type of each column of a query, without running it.

        Returns:
            Names to types, in lower case and without precision: ``varchar``, ``boolean``, ``integer``,
            ``bigint``, ``hugeint``, ``decimal``, ``double``, ``date``, ``timestamp``, ``timestamptz``.
        """

    @abstractmethod
    def table_columns(self, table: str, schema: str | None = None) -> dict[str, str]:
        """Return a table's columns as `column_types` does; none if there is no such table."""

    def columns_of(self, tables: Iterable[str], schema: str) -> dict[str, dict[str, str]]:
        """Return the columns of several tables of a schema, by table."""
        return {table: self.table_columns(table, schema) for table in tables}

    @abstractmethod
    def load_file(self, table: str, path: Path, schema: str | None = None) -> int:
        """Fill a table with a CSV or Parquet file, in place of what was there; all or nothing.

        Returns:
            The number of rows.
        """

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Open a transaction; leaving it commits, an exception rolls back."""

    @contextmanager
    def only_writer(self, schema: str, *, wait_seconds: float) -> Iterator[None]:
        """Keep other processes from writing to a schema, where the warehouse has a lock for that; see `is_exclusive`.

        Args:
            schema: Schema of the engine's tables.
            wait_seconds: How long to wait for another process to end.

        Raises:
            WarehouseError: Another process still writes; says who it is.
        """
        yield

    @abstractmethod
    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], schema: str | None = None
    ) -> None:
        """Append rows in bulk.

        Raises:
            WarehouseError: A value does not fit its column, is NaN or infinite, or a moment without zone.
        """

    @abstractmethod
    def estimate(self, sql: str) -> str:
        """Return the warehouse's own plan of a query, as text, without running it."""

    def reading(self, sql: str) -> Reading | None:
        """Return how much a query would read, by the warehouse's own plan; None where it does not tell."""
        return None

    @abstractmethod
    def close(self) -> None:
        """End the connection; a second call does nothing."""

    def has_schema(self, schema: str) -> bool:
        """Return whether a schema is known to be there, so that the right to create one is not needed."""
        return False

    def schema_statement(self, schema: str) -> str:
        """Return the statement that creates a schema where there is none."""
        return f"create schema if not exists {quoted(schema)}"

    def shared_statements(self, schema: str) -> Iterator[str]:
        """Yield the statements for what all result tables need, before the first of them is made or changed."""
        yield from ()

    def table_statements(self, table: Table, schema: str) -> Iterator[str]:
        """Yield the statements that create a result table."""
        yield from table_statements(table, schema, self.types)

    def column_statements(self, table: Table, missing: Sequence[Column], schema: str) -> Iterator[str]:
        """Yield the statements that add columns to a result table of an earlier version."""
        for column in missing:
            yield from column_statements(table, column, schema, self.types)

    def has_published(self, table: Table, schema: str, owner: str) -> bool:
        """Return whether an experiment may have rows in a result table; where that is not known, it may."""
        return True

    def rows_where(
        self, schema: str, owner: str | None, wanted: Mapping[str, Condition]
    ) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of result tables that meet a condition on each, by table, in its order of columns.

        Args:
            schema: Their schema.
            owner: The experiment that all the rows are of; None where the tables are not of experiments' rows.
            wanted: The condition on each table.
        """
        return {
            name: self.query(
                f"select {', '.join(map(quoted, TABLES[name].names))} from {quoted(name, schema)} where {condition}",
                parameters,
            ).values
            for name, (condition, parameters) in wanted.items()
        }

    def replace_rows(
        self,
        table: Table,
        schema: str,
        *,
        owner: str | None,
        gone: Condition | None,
        rows: Sequence[Sequence[Any]],
    ) -> None:
        """Replace rows of a result table, in a transaction that is open.

        Args:
            table: The table.
            schema: Its schema.
            owner: The experiment that all the rows are of; None where the table is not of experiments' rows.
            gone: Condition on the rows that go, and its parameters; None where none does.
            rows: Rows that come, in the table's order of columns.
        """
        if gone is not None:
            self.execute(f"delete from {quoted(table.name, schema)} where {gone[0]}", gone[1])
        self.insert(table.name, table.names, rows, schema)

    def create_table_as(self, table: str, schema: str, sql: str) -> None:
        """Create a table from a query."""
        self.execute(f"create table {quoted(table, schema)} as {sql}")

    def insert_query(self, table: str, schema: str, columns: Sequence[str], sql: str) -> None:
        """Append the rows of a query; its columns in the order given, spelled as in the query that made the table."""
        self.execute(f"insert into {quoted(table, schema)} ({', '.join(columns)}) {sql}")

    def delete_rows(self, table: str, schema: str, condition: str) -> None:
        """Delete the rows that meet a condition."""
        self.execute(f"delete from {quoted(table, schema)} where {condition}")

    def drop_table(self, table: str, schema: str) -> None:
        """Drop a table, if there is one."""
        self.execute(f"drop table if exists {quoted(table, schema)}")

    def searched_schemas(self) -> list[str]:
        """Return the schemas in which tables that are named without one are looked for, where a profile may say."""
        return []

    def foreign_tables(self, schema: str) -> list[str]:
        """Return the tables of a schema that this connection cannot drop, since another role owns them."""
        return []

    def table_names(self, schema: str) -> list[str]:
        """Return the names of a schema's tables and views."""
        found = self.query(
            "select table_name from information_schema.tables where table_schema = ?", [schema]
        )
        return [str(name) for (name,) in found]

    def table_exists(self, table: str, schema: str | None = None) -> bool:
        """Return whether there is such a table or view."""
        return bool(self.table_columns(table, schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
