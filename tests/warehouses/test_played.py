"""A whole project through each connection whose warehouse no test can start: the same tables as on DuckDB.

A fake of the driver stands in the driver's place, and DuckDB behind it, which runs each statement translated back. That
shows what is sent and read; it does not show that the warehouse itself would take it.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml
from tests.support import small_project
from tests.support.agreement import Published, beyond, differences, read_published
from tests.support.drivers.bigquery import DRY_RUN_BYTES
from tests.support.drivers.played import PLAYED, Played, playing
from tests.support.drivers.server import Server

from steelyard.errors import WarehouseError
from steelyard.report.text import render
from steelyard.run import Project, RunOptions, debug_project, project_reports, seed_project
from steelyard.run.budget import shown_size
from steelyard.run.compiling import dry_run

# Whole projects through drivers that are played.
pytestmark = pytest.mark.long

AS_OF = date(2026, 4, 5)
OPTIONS = RunOptions(as_of=AS_OF)
EXPERIMENT = {
    "hypothesis": 'It\'s \\odd, "quoted"\nand Ünder.',
    "owner": "o",
    "status": "stopped",
    "start": "2026-04-01",
    "end": "2026-04-04",
    "variants": ["control", "treatment"],
    "metrics": {"primary": "spend", "secondary": ["price"]},
    "analysis": {"dimensions": ["country"]},
}


def write_project(folder: Path) -> None:
    """Write a small project with the fixtures that its tables come from."""
    users = [f"u{number}" for number in range(60)]
    exposures = [
        (
            "button",
            user,
            ("control", "treatment")[number % 2],
            small_project.moment(number % 3),
            ("SG", None, "o'\\Ü", "")[number % 4],
        )
        for number, user in enumerate(users)
    ]
    events = [
        (user, small_project.moment(day - 2, 3), None if number == 7 else (number * 7 + day) % 13 + 0.1)
        for number, user in enumerate(users)
        for day in range(6)
    ]
    tables = {"exposures": exposures, "events": events, "met": []}
    small_project.write(folder, experiments={"button": EXPERIMENT}, tables=tables)
    (folder / "fixtures").mkdir()
    with duckdb.connect(str(folder / "small.duckdb")) as connection:
        for name, kind in (("exposures", "csv"), ("events", "parquet")):
            connection.execute(f"copy {name} to '{folder}/fixtures/{name}.{kind}'")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Published, list[str]]:
    folder = tmp_path_factory.mktemp("own")
    write_project(folder)
    project = Project.load(folder)
    seed_project(project)
    assert not project.run(OPTIONS).failures
    with project.connect() as warehouse:
        return read_published(warehouse), list(map(render, project_reports(project)))


@pytest.fixture(params=PLAYED, ids=lambda played: played.name)
def played(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Project, Server]]:
    """A project whose target is the warehouse, and the server behind the fake."""
    one: Played = request.param
    write_project(tmp_path)
    profiles = {"small": {"target": "prod", "outputs": {"prod": one.output()}}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    with playing(one, tmp_path) as server:
        yield Project.load(tmp_path), server


@pytest.mark.long
def test_a_project_gives_the_same_tables_and_reports_as_on_duckdb(
    played: tuple[Project, Server], expected: tuple[Published, list[str]]
) -> None:
    project, server = played
    assert seed_project(project) == {"exposures": 60, "events": 360}
    assert not project.run(OPTIONS).failures
    with project.connect() as warehouse:
        found = read_published(warehouse)
    assert len(found["results"]) > 5
    assert beyond(differences(expected[0], found), 1e-9) == []
    assert list(map(render, project_reports(project))) == expected[1]
    fine = {name: is_fine for name, is_fine, _ in debug_project(project) if name != "hashing"}
    assert set(fine) == {
        "profile",
        "connection",
        "privileges",
        "temporary tables",
        "state",
        "exposures",
        "metrics",
    }
    assert all(fine.values())
    assert server.tables("steelyard_scratch") == []
    assert not [name for name in server.tables("steelyard") if "unit_values" in name.lower()]
    assert "tops3cret" not in "".join(server.sent)


@pytest.mark.long
def test_a_run_continues_from_the_state_of_the_day_before(
    played: tuple[Project, Server], tmp_path_factory: pytest.TempPathFactory
) -> None:
    project, server = played
    own = tmp_path_factory.mktemp("own")
    write_project(own)
    for folder in (own, project.files.root):
        path = folder / "experiments" / "button.yml"
        running = {
            **yaml.safe_load(path.read_text(encoding="utf-8")),
            "status": "running",
            "end": "2026-04-09",
        }
        path.write_text(yaml.safe_dump(running), encoding="utf-8")
    expected, project = Project.load(own), Project.load(project.files.root)
    modes = []
    for one in (expected, project):
        seed_project(one)
        for number in (4, 5, 6):
            result = one.run(RunOptions(as_of=date(2026, 4, number)))
            assert not result.failures
            modes.append(result.reused["button"].mode)
    kept = ["rebuilt", "incremental", "incremental"]
    with project.connect() as warehouse, expected.connect() as other:
        assert modes == [*kept, *(kept if warehouse.keeps_state else ["full"] * 3)]
        assert beyond(differences(read_published(other), read_published(warehouse)), 1e-9) == []
    # No more than the last state and the one before it stand in copies.
    assert len([name for name in server.tables("steelyard") if "_units_" in name.lower()]) <= 2


def test_a_run_on_bigquery_is_held_to_its_bytes_before_it_begins(tmp_path: Path) -> None:
    (one,) = (played for played in PLAYED if played.name == "bigquery")
    write_project(tmp_path)
    profiles = {"small": {"target": "prod", "outputs": {"prod": one.output()}}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    with playing(one, tmp_path) as server:
        project = Project.load(tmp_path)
        seed_project(project)
        told = list(dry_run(project, OPTIONS))
        size = told.count(f"a dry run: {DRY_RUN_BYTES:,} bytes would be processed") * DRY_RUN_BYTES
        assert told[-1] == f"a run reads at most {shown_size(size)}"
        sent = len(server.sent)
        with pytest.raises(WarehouseError, match=rf"would read {shown_size(size)}, more than"):
            project.run(RunOptions(as_of=AS_OF, max_bytes=size - 1))
        with pytest.raises(
            WarehouseError, match="bigquery does not tell how many rows a query would read"
        ) as raised:
            project.run(RunOptions(as_of=AS_OF, max_rows=1))
        assert raised.value.hint == "limit the bytes: --max-bytes"
        assert not [text for text in server.sent[sent:] if "unit_values" in text]
        assert not project.run(RunOptions(as_of=AS_OF, max_bytes=size)).failures
