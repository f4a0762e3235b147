"""Publishing: one experiment's rows in one transaction, so that readers see the old ones or the new ones."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Condition, Warehouse
from steelyard.warehouse.names import quoted
from steelyard.warehouse.stored import Row, is_same, picker, to_stored
from steelyard.warehouse.tables import RUNS, TABLES, Table

_Rows = Sequence[Mapping[str, object]]
_Slices = dict[Row, list[Row]]
_OF_NO_EXPERIMENT = ("key", "programme")


def publish_experiment(
    warehouse: Warehouse,
    schema: str,
    *,
    experiment_id: str,
    as_of: date,
    tables: Mapping[str, _Rows],
    full_refresh: bool = False,
) -> dict[str, int]:
    """Replace what the tables say about an experiment up to a day, all at once.

    ``results``, ``health``, ``decisions`` and ``learning``: the rows of ``as_of``. ``timeseries``: the rows
    of each day that is in the new ones; ``moments``: those of each day and version of a metric that is.
    ``looks``: only looks that are not on record are added. Rows that are the same up to 12 digits stay as they
    are, with the run that wrote them.

    Args:
        warehouse: Where.
        schema: Schema of the engine's tables, which exist.
        experiment_id: The experiment; rows need not repeat it.
        as_of: Last day of the analysis.
        tables: New rows of each table; a table that is not named stays as it is.
        full_refresh: Whether looks on record and days up to ``as_of`` that do not come again are forgotten.

    Returns:
        Number of rows written to each table.

    Raises:
        WarehouseError: A row does not fit, or the warehouse refuses; then nothing has changed.
    """
    prepared = {}
    for name, given in tables.items():
        table = _table(name, schema)
        rows = _prepare(table, schema, given, experiment_id, as_of)
        prepared[name] = rows, _scope(table, rows, experiment_id, as_of, full_refresh=full_refresh)
    with warehouse.transaction():
        scopes = {
            name: scope
            for name, (_, scope) in prepared.items()
            if warehouse.has_published(TABLES[name], schema, experiment_id)
        }
        stored = warehouse.rows_where(schema, experiment_id, scopes)
        return {
            name: _publish_days(
                warehouse, schema, TABLES[name], rows, stored.get(name, []), full_refresh=full_refresh
            )
            for name, (rows, _) in prepared.items()
        }


def publish_run(
    warehouse: Warehouse,
    schema: str,
    *,
    run: Mapping[str, object] | None = None,
    metrics: _Rows = (),
    experiments: _Rows = (),
) -> dict[str, int]:
    """Write a run and the catalogues of metrics and experiments in place of rows of the same keys, all at once.

    Returns:
        Number of rows written to each table.

    Raises:
        WarehouseError: A row does not fit, or the warehouse refuses; then nothing has changed.
    """
    tables = {"runs": [run] if run is not None else [], "metrics": metrics, "experiments": experiments}
    prepared = {
        name: to_stored(TABLES[name], rows, where=f"table {schema}.{name}") for name, rows in tables.items()
    }
    with warehouse.transaction():
        keys = {
            name: _any_of(TABLES[name].keys, TABLES[name], rows) for name, rows in prepared.items() if rows
        }
        stored = warehouse.rows_where(schema, None, keys)
        return {
            name: _write(
                warehouse,
                schema,
                TABLES[name],
                _sliced(TABLES[name], stored.get(name, [])),
                _sliced(TABLES[name], rows),
            )
            for name, rows in prepared.items()
        }


def end_interrupted(warehouse: Warehouse, schema: str) -> None:
    """Record that runs which are on record as running have ended: their processes are gone.

    Args:
        warehouse: Where no other process can be running.
        schema: Schema of the engine's tables, which exist.
    """
    failures = json.dumps({"": "the process ended before the run did; what it had published is whole"})
    running: Condition = '"status" = ?', ["running"]
    told = {"status": "error", "failures": failures}
    ended = [
        tuple(told.get(name, value) for name, value in zip(RUNS.names, row, strict=True))
        for row in warehouse.rows_where(schema, None, {RUNS.name: running})[RUNS.name]
    ]
    if ended:
        with warehouse.transaction():
            warehouse.replace_rows(RUNS, schema, owner=None, gone=running, rows=ended)


def _table(name: str, schema: str) -> Table:
    table = TABLES.get(name)
    if table is None or table.replaced in _OF_NO_EXPERIMENT:
        of_experiments = [other.name for other in TABLES.values() if other.replaced not in _OF_NO_EXPERIMENT]
        raise WarehouseError(
            f"{name!r} is no table of an experiment's rows",
            where=f"schema {schema}",
            hint=f"one of {', '.join(of_experiments)}",
        )
    return table


def _prepare(table: Table, schema: str, rows: _Rows, experiment_id: str, as_of: date) -> list[Row]:
    where = f"table {schema}.{table.name}"
    given = {"experiment_id": experiment_id, **({"as_of": as_of} if table.replaced == "day" else {})}
    stored = to_stored(table, [{**given, **row} for row in rows], where=where)
    pick = picker(table, ("experiment_id", "as_of"))
    for row in stored:
        name, day = pick(row)
        if name != experiment_id:
            raise WarehouseError(f"a row is of {name!r}, not of {experiment_id!r}", where=where)
        if day is None or day > as_of or (table.replaced == "day" and day != as_of):
            raise WarehouseError(f"a row is of the day {day}, but the analysis is as of {as_of}", where=where)
    return stored


def _publish_days(
    warehouse: Warehouse,
    schema: str,
    table: Table,
    rows: list[Row],
    there: list[Row],
    *,
    full_refresh: bool,
) -> int:
    new, stored = _sliced(table, rows), _sliced(table, there)
    if table.replaced == "never" and not full_refresh:
        return _write(warehouse, schema, table, {}, {key: new[key] for key in new if key not in stored})
    if table.replaced == "days" and not full_refresh:
        stored = {key: stored[key] for key in stored if key in new}
    return _write(warehouse, schema, table, stored, new)


def _scope(
    table: Table, rows: list[Row], experiment_id: str, as_of: date, *, full_refresh: bool
) -> Condition:
    """Return which rows publishing may replace, or in ``looks`` may not repeat."""
    if table.replaced == "never":
        return '"experiment_id" = ?', [experiment_id]
    first = as_of
    if table.replaced == "days":
        days = [row[table.names.index("as_of")] for row in rows]
        first = date.min if full_refresh else min(days, default=as_of)
    return '"experiment_id" = ? and "as_of" between ? and ?', [experiment_id, first, as_of]


def _write(warehouse: Warehouse, schema: str, table: Table, stored: _Slices, new: _Slices) -> int:
    """Replace the stored slices by the new ones, but for those that say the same."""
    kept = {key for key in stored if key in new and is_same(table, stored[key], new[key])}
    gone = [rows[0] for key, rows in stored.items() if key not in kept]
    rows = [row for key, rows in new.items() if key not in kept for row in rows]
    if gone or rows:
        owned = ("experiment_id",) if table.replaced != "key" else ()
        owner = picker(table, owned)((gone or rows)[0])[0] if owned else None
        condition = _any_of((*owned, *table.slice_by), table, gone) if gone else None
        warehouse.replace_rows(table, schema, owner=owner, gone=condition, rows=rows)
    return len(rows)


def _any_of(names: Sequence[str], table: Table, rows: Sequence[Row]) -> Condition:
    """Return the condition that a row agrees with one of those given in the columns named."""
    one = f"({', '.join('?' for _ in names)})"
    pick = picker(table, names)
    condition = f"({', '.join(map(quoted, names))}) in ({', '.join(one for _ in rows)})"
    return condition, [value for row in rows for value in pick(row)]


def _sliced(table: Table, rows: Sequence[Row]) -> _Slices:
    slices: _Slices = defaultdict(list)
    pick = picker(table, table.slice_by)
    for row in rows:
        slices[pick(row)].append(row)
    return dict(slices)
