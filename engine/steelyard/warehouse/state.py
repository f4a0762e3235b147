"""State of incremental runs: one row per group of experiments in ``state``, and the tables that the row names."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.read import read_rows
from steelyard.warehouse.stored import to_stored
from steelyard.warehouse.tables import STATE

_PROBE = "state_probe"
# A copy's name ends with the microsecond at which it was made.
_COPY = re.compile(r"state_[0-9a-f]{12}_.+_([0-9a-f]{13})")
_ABANDONED = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state of experiments that advance together.

    Attributes:
        block: Its name.
        exposures: Log of exposures.
        experiments: Its experiments, in the order of their numbers.
        closed_through: Last closed day.
        engine_version: Version of Steelyard that wrote it.
        parts: Hashes of all that it depends on.
        content: Sums of the closed days and the constants they are taken about, and counts.
        tables: Its tables.
        run_id: Run that wrote it.
    """

    block: str
    exposures: str
    experiments: tuple[str, ...]
    closed_through: date
    engine_version: str
    parts: Mapping[str, str]
    content: Mapping[str, Any]
    tables: tuple[str, ...]
    run_id: str = ""

    def row(self) -> dict[str, Any]:
        """Return it as a row of the table ``state``."""
        return {name: getattr(self, name) for name in STATE.names} | {
            "experiments": list(self.experiments),
            "parts": dict(self.parts),
            "content": dict(self.content),
            "tables": list(self.tables),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change to a table of a state.

    Attributes:
        kind: ``create`` from a query, ``append`` the rows of one, or ``delete`` the rows that meet a condition.
        table: The table.
        sql: The query or condition.
        columns: Columns of the query that is appended, as SQL: a name that was folded when the table was made is
            folded again, and one that was cut is cut.
    """

    kind: Literal["create", "append", "delete"]
    table: str
    sql: str
    columns: tuple[str, ...] = ()


def read_states(warehouse: Warehouse, schema: str, exposures: str) -> list[State]:
    """Return the states on record of experiments on a log of exposures, whose tables are all there."""
    rows = read_rows(warehouse, schema, "state", {"exposures": exposures})
    return [
        State(
            **{
                **row,
                "experiments": tuple(row["experiments"]),
                "tables": tuple(row["tables"]),
            }
        )
        for row in rows
    ]


def missing_tables(warehouse: Warehouse, schema: str, state: State) -> Iterator[str]:
    """Yield the tables that a state names and that are not there."""
    there = set(warehouse.table_names(schema))
    yield from (table for table in state.tables if table not in there)


def save_state(
    warehouse: Warehouse,
    schema: str,
    state: State,
    changes: Sequence[Change],
    *,
    before: State | None,
    gone: Sequence[State] = (),
) -> None:
    """Change a state's tables and its row, all at once.

    Where no transaction spans several tables, every change creates a table, and the row is what points to them.

    Args:
        warehouse: Where.
        schema: Schema of the engine's tables.
        state: The state as it will be.
        changes: Changes to its tables.
        before: The state as it was read; None where it is new.
        gone: States that it takes the place of.

    Raises:
        WarehouseError: Another run has changed the state since it was read; then nothing has changed.
    """
    if warehouse.changes_tables_together:
        with warehouse.transaction():
            _require_unchanged(warehouse, schema, state.block, before)
            for other in gone:
                _drop_tables(warehouse, schema, other.tables)
            for change in changes:
                _make(warehouse, schema, change)
            _write_row(warehouse, schema, state, gone)
        return
    try:
        for change in changes:
            _make(warehouse, schema, change)
        with warehouse.transaction():
            _require_unchanged(warehouse, schema, state.block, before)
            _write_row(warehouse, schema, state, gone)
    except BaseException:
        with suppress(WarehouseError):
            _drop_tables(warehouse, schema, [change.table for change in changes])
        raise
    # The state is saved: tables that cannot be dropped now will be by the next run.
    with suppress(WarehouseError):
        _drop_tables(warehouse, schema, _left_over(warehouse, schema, state, before, gone))


def _make(warehouse: Warehouse, schema: str, change: Change) -> None:
    warehouse.note(f"{change.kind}_{change.table}", change.sql)
    if change.kind == "create":
        # It is there where the table `state` alone was dropped.
        warehouse.drop_table(change.table, schema)
        warehouse.create_table_as(change.table, schema, change.sql)
    elif change.kind == "append":
        warehouse.insert_query(change.table, schema, change.columns, change.sql)
    else:
        warehouse.delete_rows(change.table, schema, change.sql)


def _left_over(
    warehouse: Warehouse, schema: str, state: State, before: State | None, gone: Sequence[State]
) -> list[str]:
    """Return the tables that no state names any more, those of a run that was killed among them.

    Those of the state before are left to the next run: temporary tables of this one may still read them. So are those
    of states on record that are not this one.
    """
    named = {*state.tables, *(before.tables if before is not None else ())}
    begun = f"state_{state.block}_"
    names = [name for name in warehouse.table_names(schema) if name not in named]
    found = [name for name in names if name.startswith(begun)]
    if old := [name for name in names if not name.startswith(begun) and _is_old(name)]:
        blocks = {row["block"] for row in read_rows(warehouse, schema, "state")}
        found += [name for name in old if name.split("_")[1] not in blocks]
    return [*found, *(name for other in gone for name in other.tables)]


def _is_old(name: str) -> bool:
    """Return whether a table is a copy of some state, made more than a day ago: no run that makes one takes so long."""
    copy = _COPY.fullmatch(name)
    return copy is not None and int(copy[1], 16) < time.time_ns() // 1000 - _ABANDONED


def require_writable(warehouse: Warehouse, schema: str) -> None:
    """Make, change and drop a table as saving a state does, and leave nothing of it.

    Args:
        warehouse: One that keeps state.
        schema: Schema of the engine's tables, which exist.

    Raises:
        WarehouseError: State cannot be saved there; runs would be full ones.
    """
    with warehouse.transaction() if warehouse.changes_tables_together else nullcontext():
        warehouse.create_table_as(_PROBE, schema, "select 1 as n")
        if warehouse.changes_tables_together:
            warehouse.delete_rows(_PROBE, schema, "n = 1")
        warehouse.drop_table(_PROBE, schema)
    foreign = [name for name in warehouse.foreign_tables(schema) if name.startswith(STATE.name)]
    if foreign:
        raise WarehouseError(
            f"the table {foreign[0]} belongs to another role",
            where=f"schema {schema}",
            hint="give it to the role that runs: alter table ... owner to ...; or drop it: the next run makes it again",
        )


def _drop_tables(warehouse: Warehouse, schema: str, tables: Iterable[str]) -> None:
    for table in tables:
        warehouse.drop_table(table, schema)


def _write_row(warehouse: Warehouse, schema: str, state: State, gone: Sequence[State]) -> None:
    """Write a state's row in the place of what was there of it and of the states that go."""
    (row,) = to_stored(STATE, [state.row()], where=f"table {schema}.state")
    blocks = [state.block, *(other.block for other in gone)]
    condition = f'"block" in ({", ".join("?" for _ in blocks)})'
    warehouse.replace_rows(STATE, schema, owner=None, gone=(condition, blocks), rows=[row])


def _require_unchanged(warehouse: Warehouse, schema: str, block: str, before: State | None) -> None:
    rows = read_rows(warehouse, schema, "state", {"block": block})
    found = [(row["closed_through"], row["run_id"]) for row in rows]
    expected = [] if before is None else [(before.closed_through, before.run_id)]
    if found != expected:
        raise WarehouseError(
            "another run has changed the state since this one read it",
            where=f"table {schema}.state, block {block}",
            hint="let one run end before the next begins",
        )
