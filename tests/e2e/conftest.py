"""Projects that have been run end to end, shared by the tests of this folder."""

import shutil
import sys
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from steelyard.cli.main import cli

ROOT = Path(__file__).parents[2]
HILLSTROM = ROOT.parent / "shared" / "data" / "hillstrom.csv"
PARTS = ("steelyard.yml", "profiles.yml", "metrics", "experiments", "surfaces")


@dataclass(frozen=True)
class Ran:
    """A project after a run."""

    folder: Path
    database: Path
    result: Result

    def connect(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.database), read_only=True)


def load(name: str) -> ModuleType:
    """Load a script of `fixtures/`."""
    sys.path.append(str(ROOT / "fixtures"))
    spec = spec_from_file_location(f"e2e_{name}", ROOT / "fixtures" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def steelyard(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--project-dir", str(folder)])


def copy_demo(folder: Path) -> Path:
    """Copy the demo's definitions, without its data."""
    for part in PARTS:
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    return folder


@pytest.fixture(scope="session")
def storefront(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded copy of the demo that no test may write to."""
    folder = copy_demo(tmp_path_factory.mktemp("storefront"))
    data = folder / "fixtures" / "data"
    data.mkdir(parents=True)
    for name, table in load("generate").build().items():
        pq.write_table(table, data / f"{name}.parquet")
    seeded = steelyard(folder, "seed")
    assert seeded.exit_code == 0, seeded.output
    return folder


@pytest.fixture(scope="session")
def demo(storefront: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The demo, run as of its last day."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    shutil.copytree(storefront, folder)
    result = steelyard(folder, "run", "--as-of", "2026-05-12")
    return Ran(folder=folder, database=folder / "storefront.duckdb", result=result)


@pytest.fixture(scope="session")
def hillstrom(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The published e-mail test, run as of its last day."""
    if not HILLSTROM.exists():
        pytest.skip("hillstrom.csv is not beside the repository")
    folder = tmp_path_factory.mktemp("hillstrom")
    load("hillstrom").write_project(HILLSTROM, folder)
    assert steelyard(folder, "seed").exit_code == 0
    result = steelyard(folder, "run", "--as-of", "2008-03-16")
    return Ran(folder=folder, database=folder / "hillstrom.duckdb", result=result)
