"""A database in memory, and databases in files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from steelyard.spec.outputs import DuckDB
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.registry import connect

MakeProfile = Callable[..., Profile]


def duckdb_profile(path: str | Path = ":memory:", **settings: Any) -> Profile:
    """Return the profile of a database."""
    output = DuckDB.model_validate({"type": "duckdb", "path": str(path), **settings})
    return Profile.model_validate(
        {"name": "storefront", "target": "dev", "output": output, "target_schema": "steelyard"}
    )


@pytest.fixture
def profile_of() -> MakeProfile:
    return duckdb_profile


@pytest.fixture
def warehouse(profile_of: MakeProfile) -> Iterator[Warehouse]:
    with connect(profile_of(threads=2)) as opened:
        yield opened


@pytest.fixture(scope="session")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that holds the engine's tables, to be copied."""
    path = tmp_path_factory.mktemp("published") / "empty.duckdb"
    with connect(duckdb_profile(path)) as opened:
        ensure_tables(opened, "steelyard")
    return path


@pytest.fixture
def published(empty_tables: Path, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse that holds the engine's tables."""
    path = tmp_path / "published.duckdb"
    copyfile(empty_tables, path)
    with connect(duckdb_profile(path)) as opened:
        yield opened
