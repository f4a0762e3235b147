"""The SQL of warehouses that no test can start, translated back to DuckDB, gives the same moments as DuckDB's own."""

import shutil
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.support.golden_project import PROJECT
from tests.support.translated import Translated

from steelyard.run.collect import compute_moments
from steelyard.spec.loader import load_project
from steelyard.spec.profile import DuckDB, Profile

COMPILED_ONLY = ("databricks", "snowflake", "bigquery", "redshift", "trino")
# Metrics that a dialect refuses, and the golden refusals say so.
REFUSED = {"trino": ("gap",)}
START = datetime(2026, 3, 28, 3)


def fill(path: Path) -> None:
    """Write the project's tables: NULL, ties, cancelled orders, events around midnight in Singapore."""
    random = np.random.default_rng(5)
    users = [f"u{number}" for number in range(120)]

    def moments(count: int, days: int) -> list[datetime]:
        return [START + timedelta(minutes=int(minute)) for minute in random.integers(0, days * 1440, count)]

    exposed = {user: START + timedelta(days=5, minutes=int(random.integers(0, 5000))) for user in users}
    chosen = list(random.choice(users, 900))
    tables: dict[str, dict[str, Sequence[Any]]] = {
        '"Exposures"': {
            "experiment_id": ["button"] * 120,
            "user_id": users,
            "variant": [("control", "treatment")[k % 2] for k in range(120)],
            "exposed_at": [exposed[user] for user in users],
            "country": [("SG", "my", None, "Ünder")[k % 4] for k in range(120)],
            "Device": ["phone"] * 120,
        },
        "openings": {
            "user_id": users[:100],
            "opened_at": [exposed[user] + timedelta(minutes=9) for user in users[:100]],
        },
        '"Web Orders"': {
            "user_id": chosen,
            "orderedAt": moments(900, 14),
            "Amount": [None if k % 50 == 0 else float(k % 97) * 7.25 for k in range(900)],
            "status": [("paid", "cancelled", "open")[k % 3] for k in range(900)],
            "product": [f"p{k % 7}" for k in range(900)],
        },
        "loads": {
            "user_id": chosen,
            "loaded_at": moments(900, 14),
            "milliseconds": random.lognormal(6, 1, 900),
        },
        "daily": {
            "user_id": chosen,
            "Day": [moment.date() for moment in moments(900, 14)],
            "visits": random.integers(0, 9, 900),
        },
    }
    with duckdb.connect(str(path)) as connection:
        for name, columns in tables.items():
            given = pa.table({key: pa.array(values) for key, values in columns.items()})
            connection.register("given", given)
            connection.execute(f"create table {name} as select * from given")
            connection.unregister("given")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("golden") / "golden.duckdb"
    fill(path)
    return path


def answers(
    database: Path, folder: Path, dialect: str, without: Sequence[str]
) -> list[list[tuple[Any, ...]]]:
    """Return the sorted rows of each query of the project: levels, caps, shifts, moments, units, bins."""
    shutil.copytree(PROJECT, folder)
    for name in without:
        (folder / f"metrics/{name}.sql").unlink()
        experiment = folder / "experiments/button.yml"
        text = experiment.read_text(encoding="utf-8")
        assert f"    - {name}\n" in text
        experiment.write_text(text.replace(f"    - {name}\n", ""), encoding="utf-8")
    output = DuckDB(type="duckdb", path=str(database), schema="steelyard")
    with Translated.open(
        Profile(name="golden", target="test", output=output, target_schema="steelyard")
    ) as warehouse:
        assert isinstance(warehouse, Translated)
        compute_moments(load_project(folder), warehouse.speak(dialect), as_of=date(2026, 4, 8))
        return [sorted(rows.values, key=_sortable) for rows in warehouse.answers]


def _sortable(row: Sequence[Any]) -> tuple[str, ...]:
    return tuple("" if value is None else str(value) for value in row if not isinstance(value, float))


@pytest.mark.long
@pytest.mark.parametrize("dialect", COMPILED_ONLY)
def test_golden_statements_give_duckdb_the_same_moments_once_translated_back(
    dialect: str, database: Path, tmp_path: Path
) -> None:
    without = REFUSED.get(dialect, ())
    expected = answers(database, tmp_path / "own", "duckdb", without)
    found = answers(database, tmp_path / "back", dialect, without)
    assert len(found) == len(expected) > 5
    assert max(len(rows) for rows in expected) > 20
    for ours, theirs in zip(expected, found, strict=True):
        assert len(ours) == len(theirs)
        for one, two in zip(ours, theirs, strict=True):
            assert [type(value) for value in two] == [type(value) for value in one]
            for mine, other in zip(one, two, strict=True):
                near = pytest.approx(mine, rel=1e-9, abs=1e-9) if isinstance(mine, float) else mine
                assert other == near
