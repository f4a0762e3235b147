"""Two schedulers at once on PostgreSQL: whatever writes to the engine's schema waits for whoever writes already."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.engines import Engines
from tests.support.shop import write_shop

from steelyard.errors import WarehouseError
from steelyard.run import Project, project, seed_project
from steelyard.run.allocating import Allocations, Claimant
from steelyard.run.functions import drop_functions, install_functions

# A server is started.
pytestmark = pytest.mark.long

COMMANDS: dict[str, Callable[[Project], Any]] = {
    "seed": seed_project,
    "allocation publish": lambda project: Allocations(project).publish(),
    "udf install": lambda project: list(install_functions(project)),
    "udf drop": lambda project: list(drop_functions(project)),
}
LINES, ROWS = 4, 20_000


@pytest.fixture
def shop(tmp_path: Path, engines: Engines) -> Project:
    """A project with claims that are not published and a table that is not seeded."""
    write_shop(tmp_path)
    profiles = {"shop": {"target": "prod", "outputs": {"prod": engines.new("postgres")}}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    claims = Allocations(Project.load(tmp_path))
    claims.start("bar", 2000, Claimant(by="ada"))
    claims.grow("bar", 4000, Claimant(by="ada"))
    claims.start("button", 2000, Claimant(by="ada"))
    folder = tmp_path / "fixtures"
    folder.mkdir()
    rows = "".join(f"u{number},{number}\n" for number in range(ROWS))
    (folder / "orders.csv").write_text(f"user_id,amount\n{rows}", encoding="utf-8")
    return Project.load(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_waits_for_another_writer_and_says_who_it_is(
    shop: Project, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "WAIT_SECONDS", 0.3)
    with shop.connect() as other, other.only_writer("steelyard", wait_seconds=0):
        pid = other.query("select pg_backend_pid()").values[0][0]
        told = rf"another process writes to the schema steelyard: steelyard of steelyard, pid {pid}"
        with pytest.raises(WarehouseError, match=told):
            COMMANDS[command](shop)
    COMMANDS[command](shop)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("seed", [{"orders": ROWS}, {"orders": ROWS}]),
        ("allocation publish", [{"main": 0}, {"main": LINES}]),
    ],
)
def test_two_at_once_both_end_and_what_they_write_is_there_once(
    shop: Project, command: str, expected: list[dict[str, int]]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: COMMANDS[command](Project.load(shop.files.root)), range(2)))
    assert sorted(both, key=str) == expected
    with shop.connect() as warehouse:
        table = "orders" if command == "seed" else "steelyard.allocation_log"
        assert warehouse.query(f"select count(*) from {table}").values == [(max(expected[1].values()),)]
