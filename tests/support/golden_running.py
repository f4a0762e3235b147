"""The project of the golden SQL that no full run says alone: its tables, its runs, and where an audit reads."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.support.golden_project import GOLDEN
from tests.support.translated import Translated

from steelyard.analysis.collect import Collected
from steelyard.compile.group import PlannedExperiment, plan_groups
from steelyard.compile.incremental import cap_names
from steelyard.compile.measure import MetricKey
from steelyard.compile.metric_query import MetricQuery
from steelyard.run import state_block
from steelyard.run.collect import collect_group
from steelyard.run.incremental import Incremental
from steelyard.run.metrics import read_metrics
from steelyard.run.reuse import Reuse
from steelyard.spec.loader import load_project
from steelyard.spec.profile import DuckDB, Profile
from steelyard.warehouse.migrate import ensure_tables

RUNNING = GOLDEN / "running"
SCHEMA = "steelyard"
FILES = load_project(RUNNING)
DAYS = (date(2026, 4, 4), date(2026, 4, 6), date(2026, 4, 6))
"""As of these the project runs: state is made, days are closed, and then there is none to close."""

IN_PLACE = ("duckdb", "postgres", "redshift")
"""Dialects of warehouses whose transactions span making and changing several tables."""
BACKTICKED = ("bigquery", "databricks", "spark")

_START = datetime(2026, 3, 29, 2, tzinfo=UTC)
_CONTINUED = ("button", "banner")
_CAP = 90.5


class Continued(Translated):
    """A warehouse that keeps state as its dialect's does; what fills its tables is translated back as well."""

    def speak(self, dialect: str) -> "Continued":
        self.changes_tables_together = dialect in IN_PLACE  # type: ignore[misc]
        super().speak(dialect)
        return self

    def _translated(self, sql: str) -> str:
        # The engine's own statements quote names in its way, which is that of texts where names stand in backticks.
        is_own = self.dialect in BACKTICKED and ('from "' in sql or "information_schema" in sql)
        return sql if is_own else super()._translated(sql)

    def create_table_as(self, table: str, schema: str, sql: str) -> None:
        super().create_table_as(table, schema, self._translated(sql))

    def insert_query(self, table: str, schema: str, columns: Sequence[str], sql: str) -> None:
        super().insert_query(table, schema, columns, self._translated(sql))

    def delete_rows(self, table: str, schema: str, condition: str) -> None:
        super().delete_rows(table, schema, self._translated(condition))


def fill(path: Path) -> None:
    """Write the tables: moments with zones, units of both experiments, and some that leave or wait for a trigger."""
    random = np.random.default_rng(11)
    users = [f"u{number}" for number in range(160)]
    rows = []
    for name, units in (("button", users[:120]), ("banner", users[40:]), ("badge", users[:60])):
        for k, user in enumerate(units):
            at = _START + timedelta(days=3, minutes=int(random.integers(0, 7000)))
            variant = ("control", "treatment")[int(random.integers(0, 2))]
            rows.append((name, user, variant, at))
            if k % 12 == 0:
                other = {"control": "treatment", "treatment": "control"}[variant]
                rows.append((name, user, other, at + timedelta(days=2)))
    names, units, variants, moments = zip(*rows, strict=True)
    n = len(rows)
    chosen = [str(one) for one in random.choice(users, 1200)]
    tables: dict[str, dict[str, Sequence[Any]]] = {
        "exposures": {
            "experiment_id": names,
            "user_id": units,
            "variant": variants,
            "exposed_at": moments,
            "country": [("SG", "MY", "ID", None)[int(user[1:]) % 4] for user in units],
            "client": [("web", "android")[k % 2] for k in range(n)],
            "app_version": [("2.1.0", "2.1.0-rc.2", "1.9.4", None)[k % 4] for k in range(n)],
            "device": [("phone", "bot-1", None)[k % 3] for k in range(n)],
            "signed_up": [_START - timedelta(days=k % 5) for k in range(n)],
            "age": [float(15 + k % 30) for k in range(n)],
            "ruleset_version": [("7", None)[k % 2] for k in range(n)],
        },
        "openings": {
            "user_id": users[:110],
            "opened_at": [_START + timedelta(days=4, minutes=int(m)) for m in random.integers(0, 7000, 110)],
        },
        "orders": {
            "user_id": chosen,
            "ordered_at": [_START + timedelta(minutes=int(m)) for m in random.integers(0, 12000, 1200)],
            "amount": [None if k % 50 == 0 else float(k % 97) * 7.25 for k in range(1200)],
        },
    }
    with duckdb.connect(str(path)) as connection:
        for name, columns in tables.items():
            connection.register("given", pa.table({key: pa.array(values) for key, values in columns.items()}))
            connection.execute(f"create table {name} as select * from given")
            connection.unregister("given")


@contextmanager
def opened(path: Path, dialect: str) -> Iterator[Continued]:
    """Open the database as a warehouse of a dialect."""
    output = DuckDB(type="duckdb", path=str(path), schema=SCHEMA)
    with Continued.open(
        Profile(name="golden", target="test", output=output, target_schema=SCHEMA)
    ) as warehouse:
        assert isinstance(warehouse, Continued)
        # A name of PostgreSQL that sqlglot has no translation of.
        warehouse.execute("create or replace temp macro hashtextextended(words, seed) as hash(words, seed)")
        yield warehouse.speak(dialect)


def in_full(path: Path, dialect: str, as_of: date) -> Collected:
    """Return what a full run collects, its caps those on record."""
    queries = read_metrics(FILES, dialect=dialect)
    (group,) = plan_groups(FILES, queries, as_of=as_of, selected=list(FILES.experiments), is_series=True)
    caps: dict[str, float | None] = {
        f"{cap}_{one.numbered.number}": _CAP for one in group.experiments for cap in _caps(one)
    }
    with opened(path, dialect) as warehouse:
        return collect_group(group, FILES, warehouse, frozen_caps=caps)


def continued(path: Path, dialect: str) -> list[tuple[Collected, Mapping[str, Reuse]]]:
    """Return what the runs of `DAYS` collect, and what each of them takes from state."""
    queries = read_metrics(FILES, dialect=dialect)
    found = []
    stamps = itertools.count(1)
    with pytest.MonkeyPatch.context() as patch:
        # Names of copies end with the moment at which they are made.
        patch.setattr(state_block, "time", SimpleNamespace(time_ns=lambda: 1000 * next(stamps)))
        for number, as_of in enumerate(DAYS):
            found.append(_run(path, dialect, queries, number, as_of))
    return found


def _run(
    path: Path, dialect: str, queries: Mapping[MetricKey, MetricQuery], number: int, as_of: date
) -> tuple[Collected, Mapping[str, Reuse]]:
    (group,) = plan_groups(FILES, queries, as_of=as_of, selected=_CONTINUED, is_series=True)
    with opened(path, "duckdb") as warehouse:
        if not number:
            ensure_tables(warehouse, SCHEMA)
            for one in group.experiments:
                rows = [(one.numbered.spec.name, cap, "spend", _CAP) for cap in _caps(one)]
                warehouse.insert("caps", ("experiment_id", "name", "metric", "value"), rows, SCHEMA)
        runs = Incremental(
            FILES,
            queries,
            warehouse.speak(dialect),
            schema=SCHEMA,
            as_of=as_of,
            full_refresh=False,
            run_id=f"run{number}",
        )
        return runs.collect(group, frozen_caps={}, label=""), runs.reused


def _caps(planned: PlannedExperiment) -> list[str]:
    return sorted({cap for measure in planned.measured for cap in cap_names(measure)})
