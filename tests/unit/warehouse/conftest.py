"""A database in memory, and databases in files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from steelyard.spec.outputs import DuckDB
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.registry import connect

MakeProfile = Callable[..., Profile]


@pytest.fixture
def profile_of() -> MakeProfile:
    def make(path: str | Path = ":memory:", **settings: Any) -> Profile:
        output = DuckDB.model_validate({"type": "duckdb", "path": str(path), **settings})
        return Profile.model_validate(
            {"name": "storefront", "target": "dev", "output": output, "target_schema": "steelyard"}
        )

    return make


@pytest.fixture
def warehouse(profile_of: MakeProfile) -> Iterator[Warehouse]:
    with connect(profile_of(threads=2)) as opened:
        yield opened


@pytest.fixture
def published(warehouse: Warehouse) -> Warehouse:
    """A warehouse that holds the engine's tables."""
    ensure_tables(warehouse, "steelyard")
    return warehouse
