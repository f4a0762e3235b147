"""Warehouses over the network without transactions over several statements, and without temporary tables."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Condition
from steelyard.warehouse.driven import DrivenWarehouse
from steelyard.warehouse.names import literal, quoted
from steelyard.warehouse.stored import KINDS
from steelyard.warehouse.tables import Column, Table
from steelyard.warehouse.versioned import (
    POINTERS,
    VERSION_COLUMNS,
    Slot,
    SteppedVersions,
    Version,
    rows_table,
)

_ABANDONED = 86_400_000_000
# Microseconds at which a session began, and some letters of its own, before the names of its temporary tables.
_OWNER = re.compile(r"t([0-9a-f]+)_[0-9a-f]{8}(?=_)")
_POINTER_COLUMNS = (
    Column(name="table_name", kind="text", comment="Result table."),
    Column(name="row_owner", kind="text", comment="Experiment whose rows are shown."),
    Column(name="row_version", kind="count", comment="Version of them; the greatest counts."),
)


class DrivenVersionedWarehouse(DrivenWarehouse, SteppedVersions):
    """A warehouse whose every statement takes effect by itself. `VersionedWarehouse` says what publishing guarantees.

    The pointers are rows of a table, and the greatest version counts: they move by one INSERT, which such warehouses
    show as a whole or not at all. Temporary tables are tables in ``<schema>_scratch`` under names of the session's
    own; queries that name them are sent with those names. They are dropped with the connection; those of a process
    that was killed are dropped by a later one, a day after it began.
    """

    temporary = "table"
    view_comment: ClassVar[str] = " comment {}"
    view_column: ClassVar[str] = " comment {}"
    """How a column's comment stands in a view's list of columns; '' where views have no such list."""

    def _open_scratch(self, schema: str) -> None:
        super()._open_scratch(schema)
        self._sweep(schema)

    def _sweep(self, schema: str) -> None:
        """Drop the scratch tables of sessions that began a day ago."""
        oldest = time.time_ns() // 1000 - _ABANDONED
        for name in self.table_names(schema):
            owner = _OWNER.match(name)
            if owner is not None and int(owner[1], 16) < oldest:
                with suppress(WarehouseError):
                    self.execute(f"drop table if exists {quoted(name, schema)}")

    def has_schema(self, schema: str) -> bool:
        return bool(self.query("select 1 from information_schema.schemata where schema_name = ?", [schema]))

    def close(self) -> None:
        if not self._is_closed:
            with suppress(WarehouseError):
                self.drop_temporaries()
        super().close()

    def shared_statements(self, schema: str) -> Iterator[str]:
        yield self._create(POINTERS, schema, _POINTER_COLUMNS, "Which version of whose rows readers see.")

    def table_statements(self, table: Table, schema: str) -> Iterator[str]:
        yield self._create(rows_table(table), schema, (*VERSION_COLUMNS, *table.columns), table.comment)
        yield self._view_statement(table, schema)

    def _create(self, name: str, schema: str, columns: Sequence[Column], comment: str) -> str:
        lines = ",\n  ".join(map(self._declared, columns))
        told = self.table_comment.format(self.spelling.literal(comment))
        return f"create table if not exists {quoted(name, schema)} (\n  {lines}\n){told}"

    def column_statements(self, table: Table, missing: Sequence[Column], schema: str) -> Iterator[str]:
        target = quoted(rows_table(table), schema)
        known = self.table_columns(rows_table(table), schema)
        for column in missing:
            if column.name not in known:
                yield f"alter table {target} add column {self._declared(column)}"
        yield self._view_statement(table, schema)

    def _view_statement(self, table: Table, schema: str) -> str:
        names = ", ".join(f"stored.{quoted(name)}" for name in table.names)
        listed = ""
        if self.view_column:
            told = [
                f"{quoted(column.name)}{self.view_column.format(self.spelling.literal(column.comment))}"
                for column in table.columns
            ]
            listed = " (\n  " + ",\n  ".join(told) + "\n)"
        comment = self.view_comment.format(self.spelling.literal(table.comment))
        # The pointers come first: what they point to is there before they do.
        return (
            f"create or replace view {quoted(table.name, schema)}{listed}{comment} as select {names}\n"
            f"from (select row_owner, max(row_version) as shown_version from {quoted(POINTERS, schema)}"
            f" where table_name = {literal(table.name)} group by row_owner) as shown\n"
            f"join {quoted(rows_table(table), schema)} as stored\n"
            "  on stored.row_owner = shown.row_owner and stored.row_version = shown.shown_version"
        )

    def _pointers(self, schema: str) -> dict[Slot, int]:
        found = self.query(
            f"select table_name, row_owner, max(row_version) from {quoted(POINTERS, schema)} group by 1, 2"
        )
        return {(name, owner): version for name, owner, version in found}

    def _point(self, schema: str, pointers: Mapping[Slot, int], changed: Mapping[Slot, int]) -> None:
        rows = [(*slot, version) for slot, version in changed.items()]
        kinds = {column.name: KINDS[column.kind] for column in _POINTER_COLUMNS}
        (statement,) = self._insertions(quoted(POINTERS, schema), kinds, rows)
        self._send(statement)

    def _carry(self, version: Version, before: int, gone: Condition | None) -> None:
        names = ", ".join(map(quoted, version.table.names))
        target = quoted(rows_table(version.table), version.schema)
        condition, parameters = ("false", []) if gone is None else gone
        self.execute(
            f"insert into {target} (row_owner, row_version, {names}) select row_owner, ?, {names} from {target}"
            f" where row_owner = ? and row_version = ? and not ({condition})",
            [version.number, version.owner, before, *parameters],
        )

    def _append(self, version: Version, rows: Sequence[Sequence[Any]]) -> None:
        columns = (*VERSION_COLUMNS, *version.table.columns)
        kinds = {column.name: KINDS[column.kind] for column in columns}
        versioned = [(version.owner, version.number, *row) for row in rows]
        for statement in self._insertions(
            quoted(rows_table(version.table), version.schema), kinds, versioned
        ):
            self._send(statement)

    def _forget(self, version: Version, kept: set[int]) -> None:
        others = f" and row_version not in ({', '.join(map(str, sorted(kept)))})" if kept else ""
        self._delete(version, f"row_owner = ?{others}")

    def _remove(self, version: Version) -> None:
        self._delete(version, f"row_owner = ? and row_version = {version.number}")

    def _delete(self, version: Version, condition: str) -> None:
        rows, pointers = (quoted(name, version.schema) for name in (rows_table(version.table), POINTERS))
        self.execute(f"delete from {rows} where {condition}", [version.owner])
        self.execute(
            f"delete from {pointers} where table_name = ? and {condition}",
            [version.table.name, version.owner],
        )

    def _load(self, table: str, path: Path, schema: str | None) -> int:
        self._discard(table, schema)
        return self._fill_from_file(_incoming(table), path, schema)

    def _swap(self, table: str, schema: str | None) -> None:
        self.execute(
            f"create or replace table {quoted(table, schema)} as select * from {quoted(_incoming(table), schema)}"
        )
        self._discard(table, schema)

    def _discard(self, table: str, schema: str | None) -> None:
        self.execute(f"drop table if exists {quoted(_incoming(table), schema)}")


def _incoming(table: str) -> str:
    return f"{table}__incoming"
