"""Warehouses over the network, through a driver of Python's database interface (PEP 249): what they share."""

import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

from steelyard.dialects.placed import with_places
from steelyard.errors import CompileError, WarehouseError
from steelyard.warehouse.base import Rows, Warehouse
from steelyard.warehouse.bulk import kinds_of, plain_number, to_arrays
from steelyard.warehouse.driver_errors import MissingTableError, Rule, translated
from steelyard.warehouse.duckdb_files import file_rows
from steelyard.warehouse.names import quoted
from steelyard.warehouse.spelling import Spelling
from steelyard.warehouse.tables import Column

T = TypeVar("T")

# Statements may have a million characters on the strictest of them, Trino and BigQuery; Snowflake takes 16,384 rows.
_LONGEST, _MOST = 500_000, 10_000
_SIMPLE: Mapping[str, str] = MappingProxyType(
    {"tinyint": "smallint", "hugeint": "decimal(38, 0)", "float": "double", "null": "varchar"}
)


class DrivenWarehouse(Warehouse):
    """A warehouse that a driver connects to.

    The engine's own statements are respelled for it, values are written into them as literals of the right type, so
    that no driver's idea of a placeholder counts; answers come back as Python values.
    """

    spelling: ClassVar[Spelling]
    file_types: ClassVar[Mapping[str, str]]
    """The warehouse's words for the canonical types of a file's columns."""
    rules: ClassVar[Sequence[Rule]]
    column_comment: ClassVar[str] = " comment {}"
    """How a column's comment stands in its definition; '' where it cannot."""
    table_comment: ClassVar[str] = " comment {}"
    required: ClassVar[str] = " not null"
    """How a column of the key says that it is never null; '' where tables cannot."""

    temporary: ClassVar[str] = "temporary table"
    """What a temporary table is there."""
    scratch_options: ClassVar[str] = ""
    """What follows the name of a temporary table that is created."""

    def __init__(
        self,
        connection: Any,
        *,
        errors: Sequence[type[Exception]],
        where: str,
        secrets: Sequence[str],
        scratch: str | None,
    ) -> None:
        """Take a connection.

        Args:
            connection: The driver's; None until it is made.
            errors: What the driver raises.
            where: The target.
            secrets: Texts that no message may hold.
            scratch: Schema of temporary tables, under names of their own; None where they need none.
        """
        self._connection = connection
        self._errors, self._where, self._secrets = tuple(errors), where, tuple(secrets)
        self._scratch = scratch
        self._prefix = f"t{time.time_ns() // 1000:x}_{uuid4().hex[:8]}"
        self._temporaries: dict[str, None] = {}
        self._has_scratch = False
        self._is_closed = False

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        text = self._text(sql, parameters)
        return self._run(lambda: self._fetch(text))

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self.query(sql, parameters)

    def _text(self, sql: str, parameters: Sequence[Any] = ()) -> str:
        """Return a statement of the engine, or a compiled one, as it is sent."""
        text = self.spelling.written(sql, parameters)
        if self._scratch is None or not self._temporaries:
            return text
        places = {name.lower(): self.spelling.written(self._place(name)) for name in self._temporaries}
        try:
            return with_places(text, places, dialect=self.dialect)
        except CompileError as error:
            raise WarehouseError(error.args[0], where=self._where, hint="correct the SQL") from error

    def _place(self, name: str) -> str:
        """Return where a temporary table is."""
        return quoted(name) if self._scratch is None else quoted(f"{self._prefix}_{name}", self._scratch)

    def create_temporary(self, name: str, sql: str) -> None:
        if self._scratch is not None and not self._has_scratch:
            self._open_scratch(self._scratch)
            self._has_scratch = True
        # Without a schema of their own, only what this session has made: another table might go instead.
        if self._scratch is not None or name in self._temporaries:
            self.execute(f"drop table if exists {self._place(name)}")
        self.execute(f"create {self.temporary} {self._place(name)}{self.scratch_options} as {sql}")
        self._temporaries[name] = None

    def _open_scratch(self, schema: str) -> None:
        if not self.has_schema(schema):
            self.execute(self.schema_statement(schema))

    def drop_temporaries(self, *, keep: Collection[str] = ()) -> None:
        for name in [name for name in self._temporaries if name not in keep]:
            self.execute(f"drop table if exists {self._place(name)}")
            del self._temporaries[name]

    def _cursor(self) -> Any:
        return self._connection.cursor()

    def _fetch(self, text: str) -> Rows:
        with closing(self._cursor()) as cursor:
            cursor.execute(text)
            # Fetching is also what waits for a statement's end, with some drivers.
            described = cursor.description or ()
            found = cursor.fetchall() if described else ()
        columns = tuple(self.spelling.heard(str(column[0])) for column in described)
        return Rows(columns=columns, values=plain_rows(found))

    def column_types(self, sql: str) -> dict[str, str]:
        text = self._text(sql)
        found = self._run(lambda: self._described(text))
        return {self.spelling.heard(name): kind for name, kind in found.items()}

    @abstractmethod
    def _described(self, text: str) -> dict[str, str]:
        """Return the canonical type of each column of a query, without reading."""

    def table_columns(self, table: str, schema: str | None = None) -> dict[str, str]:
        try:
            return self.column_types(f"select * from {quoted(table, schema)}")
        except MissingTableError:
            return {}

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], schema: str | None = None
    ) -> None:
        if not rows:
            return
        kinds = kinds_of(columns, self.table_columns(table, schema), table=table, where=self._where)
        to_arrays(kinds, rows, where=f"{self._where}: table {table}")
        for statement in self._insertions(quoted(table, schema), kinds, rows):
            self._send(statement)

    def _insertions(
        self, target: str, kinds: Mapping[str, str], rows: Sequence[Sequence[Any]]
    ) -> Iterator[str]:
        """Yield statements that append rows, each of many."""
        head = self._text(f"insert into {target} ({', '.join(map(quoted, kinds))}) {self._values()}\n")
        doubles = [kind in ("double", "float") for kind in kinds.values()]
        lines: list[str] = []
        length = 0
        for row in rows:
            values = zip(row, doubles, strict=True)
            line = f"({', '.join(self._literal(value, double) for value, double in values)})"
            if lines and (length + len(line) > _LONGEST or len(lines) == _MOST):
                yield head + ",\n".join(lines)
                lines, length = [], 0
            lines.append(line)
            length += len(line)
        if lines:
            yield head + ",\n".join(lines)

    def _values(self) -> str:
        """Return what stands before the rows of an insertion."""
        return "values"

    def _literal(self, value: Any, is_double: bool) -> str:
        if is_double and value is not None:
            value = float(value)
        return self.spelling.literal(value)

    def estimate(self, sql: str) -> str:
        return "\n".join(str(row[0]) for row in self._explained("explain", sql))

    def _explained(self, verb: str, sql: str) -> Rows:
        text = self._text(sql)
        return self._run(lambda: self._fetch(f"{verb} {text}"))

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            with suppress(*self._errors):
                self._connection.close()

    def _fill_from_file(self, table: str, path: Path, schema: str | None) -> int:
        """Create a table of a file's columns and fill it, and return the number of its rows."""
        count = 0
        with file_rows(path) as (kinds, chunks):
            described = ", ".join(
                f"{quoted(name)} {self._type_of(kind, path)}" for name, kind in kinds.items()
            )
            self.execute(f"create table {quoted(table, schema)} ({described})")
            for chunk in chunks:
                count += len(chunk)
                for statement in self._insertions(quoted(table, schema), kinds, chunk):
                    self._send(statement)
        return count

    def _send(self, text: str) -> None:
        """Run a statement that is spelled already."""
        self._run(lambda: self._fetch(text))

    def _type_of(self, kind: str, path: Path) -> str:
        """Return the warehouse's word for a canonical type of a file's column."""
        kind = _SIMPLE.get(kind, kind)
        name, _, size = kind.partition("(")
        if name == "decimal":
            return f"{self.file_types['decimal']}({size}"
        if name not in self.file_types:
            raise WarehouseError(
                f"{self.dialect} has no type for {kind}", where=path.name, hint="write the column as text"
            )
        return self.file_types[name]

    def _declared(self, column: Column) -> str:
        required = self.required if column.is_key else ""
        comment = self.column_comment.format(self.spelling.literal(column.comment))
        return f"{quoted(column.name)} {self.types[column.kind]}{required}{comment}"

    def _run(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except self._errors as error:
            code, sentence = self._told(error)
            raise translated(
                code,
                sentence.strip() or type(error).__name__,
                self.rules,
                where=self._where,
                secrets=self._secrets,
            ) from error

    def _told(self, error: Exception) -> tuple[str, str]:
        """Return the code and the sentence of what the driver raised."""
        return "", str(error)


def plain_rows(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return rows with decimals as plain numbers, and moments that have a zone in UTC.

    Examples:
        >>> plain_rows([[Decimal("2"), "a"], [None, "b"]])
        [(2, 'a'), (None, 'b')]
    """
    return [tuple(_plain(value) for value in row) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain_number(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return value
