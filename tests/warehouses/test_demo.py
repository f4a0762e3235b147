"""The demo on every warehouse: the same tables and the same reports as on DuckDB."""

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.support.agreement import beyond, differences
from tests.support.demo import ROOT, Demo, run_demo, write_demo
from tests.support.engines import ENGINES, Engine, Engines, marks_of

USERS = 4000
LIMIT = 1e-9
# The demo has no programme.
OF_PROGRAMMES = {"allocation", "allocation_log"}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storefront, of fewer users."""
    folder = tmp_path_factory.mktemp("storefront") / "data"
    script = ROOT / "fixtures" / "generate.py"
    arguments = ["--out", folder, "--users", str(USERS)]
    subprocess.run([sys.executable, script, *arguments], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def on_duckdb(
    engines: Engines, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[tuple[str, ...]], Demo]:
    """The demo of some experiments on DuckDB, which runs once."""

    @cache
    def run(select: tuple[str, ...]) -> Demo:
        root = tmp_path_factory.mktemp("demo") / "duckdb"
        return run_demo(write_demo(root, data, engines.new("duckdb")), select=select)

    return run


@pytest.mark.long
@pytest.mark.parametrize(
    "engine", [pytest.param(engine, id=engine.name, marks=marks_of(engine)) for engine in ENGINES[1:]]
)
def test_the_demo_gives_the_same_tables_and_reports_as_on_duckdb(
    engine: Engine,
    engines: Engines,
    data: Path,
    on_duckdb: Callable[[tuple[str, ...]], Demo],
    tmp_path: Path,
) -> None:
    expected = on_duckdb(engine.select)
    demo = run_demo(write_demo(tmp_path / "demo", data, engines.new(engine.name)), select=engine.select)
    assert beyond(differences(expected.tables, demo.tables), LIMIT) == []
    assert demo.reports == expected.reports
    assert demo.reports.keys() >= set(engine.select)
    if not engine.select:
        assert {name for name, rows in demo.tables.items() if not rows} == OF_PROGRAMMES
