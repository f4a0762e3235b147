"""The demo on every warehouse: the same tables and the same reports as on DuckDB."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.agreement import beyond, differences
from tests.support.demo import ROOT, Demo, run_demo, write_demo
from tests.support.engines import ENGINES, Engines

USERS = 4000
LIMIT = 1e-9


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storefront, of fewer users."""
    folder = tmp_path_factory.mktemp("storefront") / "data"
    script = ROOT / "fixtures" / "generate.py"
    arguments = ["--out", folder, "--users", str(USERS)]
    subprocess.run([sys.executable, script, *arguments], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def on_duckdb(engines: Engines, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    root = tmp_path_factory.mktemp("demo") / "duckdb"
    return run_demo(write_demo(root, data, engines.new("duckdb")))


@pytest.mark.long
@pytest.mark.parametrize("name", [engine.name for engine in ENGINES if engine.name != "duckdb"])
def test_the_demo_gives_the_same_tables_and_reports_as_on_duckdb(
    name: str, engines: Engines, data: Path, on_duckdb: Demo, tmp_path: Path
) -> None:
    demo = run_demo(write_demo(tmp_path / "demo", data, engines.new(name)))
    assert beyond(differences(on_duckdb.tables, demo.tables), LIMIT) == []
    assert demo.reports == on_duckdb.reports
    assert {name: len(rows) for name, rows in demo.tables.items() if not rows} == {}
