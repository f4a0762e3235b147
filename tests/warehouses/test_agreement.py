"""The comparison of published tables sees what it should."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
from tests.support.agreement import beyond, differences, largest
from tests.support.engines import ENGINES, NAMES, Engines, MissingEngineError

from steelyard.warehouse.tables import TABLES

KEY = {"experiment_id": "e", "as_of": "2026-04-01", "metric": "m", "metric_version": 1, "variant": "b"}


def published(**rows: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return tables with at most one row each, every column of which is there."""
    return {
        name: [{**dict.fromkeys(table.names), **rows[name]}] if name in rows else []
        for name, table in TABLES.items()
    }


BASE = published(
    results={
        **KEY,
        "effect": 0.001,
        "std_error": 0.1,
        "mean_control": 1e9,
        "significant": True,
        "n_control": 7,
    },
    moments={**KEY, "n": 4, "columns": ["y", "x"], "means": [0.0, 5.0], "m2": [[4.0, 1.0], [1.0, 9.0]]},
    decisions={**KEY, "decision": "ship", "reasons": ["one", "two"]},
    runs={"run_id": "1", "as_of": "2026-04-01", "status": "success", "stage_seconds": {"a": 1.0}},
)


def changed(table: str, **values: Any) -> dict[str, list[dict[str, Any]]]:
    other = copy.deepcopy(BASE)
    other[table][0].update(values)
    return other


def test_the_same_tables_do_not_differ() -> None:
    assert list(differences(BASE, copy.deepcopy(BASE))) == []


@pytest.mark.parametrize(
    ("table", "values", "size"),
    [
        ("results", {"mean_control": 1e9 + 1}, 1e-9),
        # An effect is the difference of almost equal means: its rounding is of the size of the standard error.
        ("results", {"effect": 0.001 + 1e-10}, 1e-9),
        ("results", {"significant": False}, math.inf),
        ("results", {"effect": None}, math.inf),
        ("results", {"n_control": 8}, math.inf),
        ("results", {"variant": "c"}, math.inf),
        ("moments", {"means": [1e-9, 5.0]}, 1e-9),
        ("moments", {"m2": [[4.0, 1.0], [1.0 + 6e-9, 9.0]]}, 1e-9),
        ("moments", {"m2": [[4.0, 1.0], [1.0, 9.0 + 9e-9]]}, 1e-9),
        ("moments", {"means": [0.0]}, math.inf),
        ("decisions", {"reasons": ["one", "three"]}, math.inf),
        ("runs", {"status": "partial"}, math.inf),
    ],
)
def test_a_change_is_seen_with_its_size(table: str, values: dict[str, Any], size: float) -> None:
    worst = largest(differences(BASE, changed(table, **values)))
    assert list(worst) == [table]
    assert worst[table].size == pytest.approx(size, rel=0.01)
    assert beyond(worst.values(), 2e-9) == ([] if size < 1 else [str(worst[table])])


def test_what_belongs_to_a_run_is_not_compared() -> None:
    assert list(differences(BASE, changed("runs", run_id="2", stage_seconds={"a": 2.0}))) == []
    assert list(differences(BASE, changed("results", run_id="2"))) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_engine_gives_databases_of_its_own(engines: Engines, name: str) -> None:
    assert engines.new(name) != engines.new(name)
    assert engines.new(name)["type"] == name


def test_an_engine_that_is_missing_fails_in_ci_and_skips_elsewhere(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engines._missing, "postgres", "not installed")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="postgres is missing: not installed"):
        engines.new("postgres")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="postgres is missing: not installed"):
        engines.new("postgres")


def test_spark_without_java_is_an_engine_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (spark,) = (engine for engine in ENGINES if engine.name == "spark")
    with pytest.raises(MissingEngineError, match="no Java: install Java 17"), spark.open(tmp_path):
        pytest.fail("it started")
