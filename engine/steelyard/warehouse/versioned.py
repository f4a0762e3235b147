"""Publishing where no transaction spans two statements: versions of rows, and one statement that points to them."""

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Condition, Warehouse
from steelyard.warehouse.tables import Column, Table

POINTERS = "published_versions"
"""Table that says which version of whose rows readers see."""

Slot = tuple[str, str]
"""A result table, and whose rows in it: an experiment, or `EVERYONE`."""

EVERYONE = "(all)"


def rows_table(table: Table) -> str:
    """Return the name of the table that holds all versions of a result table's rows."""
    return rows_name(table.name)


def rows_name(table: str) -> str:
    """Return the same for the name of a result table."""
    return f"{table}_versions"


VERSION_COLUMNS = (
    Column(name="row_owner", kind="text", comment="Experiment that the version is of.", is_key=True),
    Column(name="row_version", kind="count", comment="When it was written, in microseconds.", is_key=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an owner's rows.

    Attributes:
        table: The result table.
        schema: Its schema.
        owner: An experiment, or `EVERYONE`.
        number: Microseconds since 1970 at which it was begun; the next one is always greater.
    """

    table: Table
    schema: str
    owner: str
    number: int


@dataclass(slots=True)
class Staged:
    """What a transaction has written that no reader sees yet."""

    schema: str | None = None
    before: dict[Slot, int] = field(default_factory=dict)
    after: dict[Slot, Version] = field(default_factory=dict)
    begun: list[Version] = field(default_factory=list)
    loaded: list[tuple[str, str | None]] = field(default_factory=list)


class VersionedWarehouse(Warehouse):
    """A warehouse without transactions over several statements.

    Each result table is a view. Beneath it lies a table of versions: whenever an experiment is published, all of its
    rows in each table that changes are written again under a new version, which no view shows yet. The transaction
    then ends with one atomic statement that moves the pointers of all these tables to the new versions at once.

    What holds, wherever the writer dies: readers see an experiment's rows as they were before or as they are after,
    in all result tables together; rows that a dead writer has left are never shown, and the next publication of the
    same experiment removes them. A version goes when the second one after it is published, so that a query that has
    begun on it can end.

    What is weaker than a transaction: two queries of a reader may see two publications, since no snapshot spans them;
    `seed` swaps its tables one after the other; ``execute`` inside a transaction takes effect at once and stays; and
    two runs that publish the same experiment at the same time are not serialised: the later pointer counts.
    """

    _staged: Staged | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._staged is not None:
            raise WarehouseError("a transaction is open already", hint="end it first")
        staged = self._staged = Staged()
        try:
            yield
            self._commit(staged)
        except BaseException:
            self._abandon(staged)
            raise
        finally:
            self._staged = None

    def replace_rows(
        self,
        table: Table,
        schema: str,
        *,
        owner: str | None,
        gone: Condition | None,
        rows: Sequence[Sequence[Any]],
    ) -> None:
        staged = self._staged
        if staged is None:
            raise WarehouseError(
                f"rows of {table.name} are replaced outside a transaction",
                hint="open one with transaction(): leaving it shows the new rows",
            )
        slot = (table.name, EVERYONE if owner is None else owner)
        shown = self._before(staged, schema).get(slot)
        before = staged.after[slot].number if slot in staged.after else shown
        number = self._next_number(before)
        version = staged.after[slot] = Version(table=table, schema=schema, owner=slot[1], number=number)
        staged.begun.append(version)
        self._write(version, before, gone, rows)

    def has_published(self, table: Table, schema: str, owner: str) -> bool:
        return self._staged is None or (table.name, owner) in self._before(self._staged, schema)

    def _before(self, staged: Staged, schema: str) -> dict[Slot, int]:
        """Return which versions readers saw when the transaction first asked."""
        if staged.schema is None:
            staged.schema, staged.before = schema, self._pointers(schema)
        return staged.before

    def load_file(self, table: str, path: Path, schema: str | None = None) -> int:
        if self._staged is None:
            with self.transaction():
                return self.load_file(table, path, schema)
        self._staged.loaded.append((table, schema))
        return self._load(table, path, schema)

    def _commit(self, staged: Staged) -> None:
        for table, schema in staged.loaded:
            self._swap(table, schema)
        if staged.schema is None or not staged.after:
            return
        self._finish()
        changed = {slot: version.number for slot, version in staged.after.items()}
        self._point(staged.schema, {**staged.before, **changed}, changed)
        self._tidy(staged)

    def _next_number(self, before: int | None) -> int:
        """Return the number of a version that follows another one."""
        return max(time.time_ns() // 1000, (before or 0) + 1)

    def _finish(self) -> None:
        """Write what `_write` has put off until all of it is known."""
        return

    def _tidy(self, staged: Staged) -> None:
        """Remove the versions that neither are shown nor were before."""
        for slot, version in staged.after.items():
            before = staged.before.get(slot)
            if before is None:
                continue
            # The rows are published: what cannot be tidied up now will be by the next publication.
            with suppress(WarehouseError):
                self._forget(version, {version.number, before})

    def _abandon(self, staged: Staged) -> None:
        for table, schema in staged.loaded:
            with suppress(WarehouseError):
                self._discard(table, schema)
        for version in staged.begun:
            with suppress(WarehouseError):
                # The pointers may have moved before what failed did.
                shown = self._pointers(version.schema).get((version.table.name, version.owner))
                if version.number != shown:
                    self._remove(version)

    @abstractmethod
    def _pointers(self, schema: str) -> dict[Slot, int]:
        """Return which version of each slot readers see."""

    @abstractmethod
    def _point(self, schema: str, pointers: Mapping[Slot, int], changed: Mapping[Slot, int]) -> None:
        """Move the pointers, all those that changed with one atomic statement."""

    @abstractmethod
    def _write(
        self, version: Version, before: int | None, gone: Condition | None, rows: Sequence[Sequence[Any]]
    ) -> None:
        """Write a version that nobody sees yet: the rows of the one before, but for those that go, and new ones."""

    @abstractmethod
    def _forget(self, version: Version, kept: set[int]) -> None:
        """Remove every version of the same table and owner but those kept."""

    @abstractmethod
    def _remove(self, version: Version) -> None:
        """Remove one version."""

    @abstractmethod
    def _load(self, table: str, path: Path, schema: str | None) -> int:
        """Write a file's rows beside the table that they are to replace, and return their number."""

    @abstractmethod
    def _swap(self, table: str, schema: str | None) -> None:
        """Put the rows of `_load` in the table's place."""

    @abstractmethod
    def _discard(self, table: str, schema: str | None) -> None:
        """Remove the rows of `_load`, if they are still beside."""


class SteppedVersions(VersionedWarehouse):
    """A warehouse that carries rows over to a version by one statement and adds new ones by another."""

    def _write(
        self, version: Version, before: int | None, gone: Condition | None, rows: Sequence[Sequence[Any]]
    ) -> None:
        if before is not None:
            self._carry(version, before, gone)
        if rows:
            self._append(version, rows)

    @abstractmethod
    def _carry(self, version: Version, before: int, gone: Condition | None) -> None:
        """Begin a version with the rows of the one before, but for those that go."""

    @abstractmethod
    def _append(self, version: Version, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a version that nobody sees yet."""
