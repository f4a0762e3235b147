"""Programmes to claim in, without a project."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.claims import World, opening


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    """Begin a programme."""

    def begin(**changes: object) -> World:
        return World(tmp_path / "allocation" / "main.jsonl", opening(**changes))

    return begin
