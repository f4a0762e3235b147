"""Runs that are killed, run out of disk or meet another run: tables are never half of anything."""

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import yaml
from tests.support.engines import Engines
from tests.support.kept import Kept
from tests.support.killer import Killer
from tests.support.postgres_server import MissingServerError, PostgresServer

from steelyard.run import Project, scaffold, seed_project
from steelyard.warehouse.names import quoted
from steelyard.warehouse.read import read_rows
from steelyard.warehouse.tables import TABLES

BEFORE, AFTER, LATER = "2026-03-28", "2026-04-05", "2026-04-07"
# What a run of `AFTER` does with state, by the days that were run before it: the first day with values settles the
# caps, and the next makes the state that holds the metrics that have one.
DAYS_BEFORE = {"rebuilt": (BEFORE,), "incremental": ("2026-03-27", BEFORE)}
KILLS = 50
EVERYWHERE = pytest.mark.parametrize("engine", ["duckdb", "postgres"])
# By experiment and table; rows by their keys.
Tables = dict[str, dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]]


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with Killer() as server:
        yield server


class Place:
    """A small project of three experiments, seeded, on an engine.

    Args:
        root: Its folder, made here.
        output: Where its warehouse is; None for a DuckDB file in the folder.
    """

    def __init__(self, root: Path, output: dict[str, Any] | None = None) -> None:
        self.root = root
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scaffold, "USERS", 300)
            list(scaffold.write_project(root))
        if output is not None:
            profiles = {"shop": {"target": "dev", "outputs": {"dev": output}}}
            (root / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
        first = (root / "experiments/one-page-checkout.yml").read_text(encoding="utf-8")
        for name in ("second", "third"):
            (root / f"experiments/{name}.yml").write_text(
                first.replace("name: one-page-checkout", f"name: {name}"), encoding="utf-8"
            )
        list(seed_project(Project.load(root)))
        with Project.load(root).connect() as warehouse:
            for name in ("second", "third"):
                warehouse.execute(
                    f"insert into exposures select '{name}', user_id, variant, exposed_at, platform from exposures"
                    " where experiment_id = 'one-page-checkout'"
                )

    def reset(self, killer: Killer, mode: str = "rebuilt") -> None:
        """Leave what runs up to a day leave, so that the next one of `AFTER` makes state anew, or continues from it."""
        with Project.load(self.root).connect() as warehouse:
            is_clickhouse = warehouse.dialect == "clickhouse"
            named = "database if exists steelyard" if is_clickhouse else "schema if exists steelyard cascade"
            warehouse.execute(f"drop {named}")
        for day in DAYS_BEFORE[mode]:
            ended = killer.run(self.root, day)
            assert ended.code == 0, ended.error

    def modes(self) -> set[str]:
        """Return what the last run took from state."""
        written = json.loads((self.root / "target" / "run_results.json").read_text(encoding="utf-8"))
        return {one["state"]["mode"] for one in written["experiments"]}

    def requires_whole_state(self) -> None:
        """Require that the tables of states are those that their rows name, once whoever was killed has ended."""
        with (
            Project.load(self.root).connect() as warehouse,
            warehouse.only_writer("steelyard", wait_seconds=10),
        ):
            kept = {name for row in read_rows(warehouse, "steelyard", "state") for name in row["tables"]}
            there = {name for name in warehouse.table_names("steelyard") if name.startswith("state_")}
            # Where no transaction spans several tables, more may lie about until the next run.
            assert kept == there if warehouse.changes_tables_together else kept <= there


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "shop")


def dump(root: Path) -> Tables:
    """Return the rows of each experiment's tables, without the names of runs."""
    found: Tables = {}
    with Project.load(root).connect() as warehouse:
        for table in TABLES.values():
            if "experiment_id" not in table.keys or table.replaced == "key":
                continue
            keys = ["experiment_id", *(key for key in table.keys if key != "experiment_id")]
            others = [column.name for column in table.columns if column.name not in ("run_id", *keys)]
            columns = ", ".join(map(quoted, (*keys, *others)))
            for values in warehouse.query(f"select {columns} from {quoted(table.name, 'steelyard')}"):
                row = tuple(map(_read, values))
                rows = found.setdefault(row[0], {}).setdefault(table.name, {})
                rows[row[1 : len(keys)]] = row[len(keys) :]
    return found


def _read(value: Any) -> Any:
    is_json = isinstance(value, str) and value[:1] in ("{", "[") and value[-1:] in ("}", "]")
    return json.loads(value) if is_json else value


def differing(found: dict[str, dict[Any, Any]], expected: dict[str, dict[Any, Any]]) -> list[str]:
    """Return the first difference of each table: sums of rows that lie in another order differ in rounding."""
    told = [f"tables {set(found) ^ set(expected)}"] if set(found) != set(expected) else []
    for table in set(found) & set(expected):
        ours, theirs = found[table], expected[table]
        if set(ours) != set(theirs):
            told.append(f"{table}: rows {list(set(ours) ^ set(theirs))[:3]}")
        pairs = [(key, ours[key], theirs[key]) for key in set(ours) & set(theirs)]
        told += [f"{table} {key}: {one} {two}" for key, one, two in pairs if not is_same(one, two)][:1]
    return told


def is_same(one: Any, two: Any) -> bool:
    """Return whether values agree, numbers to 1e-9, inside of JSON too."""
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(is_same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(two, list | tuple):
        return len(one) == len(two) and all(map(is_same, one, two))
    return bool(one == two)


@pytest.mark.long
@pytest.mark.parametrize("mode", DAYS_BEFORE)
@EVERYWHERE
def test_a_run_that_is_killed_leaves_whole_experiments_and_the_next_one_finishes(
    engine: str, mode: str, engines: Engines, tmp_path: Path, killer: Killer
) -> None:
    output = engines.new(engine)
    place = Place(tmp_path / "shop", output)
    root = place.root
    place.reset(killer, mode)
    kept = Kept(output)
    before = dump(root)
    seconds = []
    for _ in range(3):
        ended = killer.run(root, AFTER)
        assert ended.code == 0, ended.error
        seconds.append(ended.seconds)
        assert place.modes() == {mode}
        after = dump(root)
        if len(seconds) == 3:
            assert killer.run(root, LATER).code == 0
            later = dump(root)
        kept.restore()
    assert set(before) == set(after) == {"one-page-checkout", "second", "third"}
    assert all(differing(before[name], after[name]) for name in after)
    rng = np.random.default_rng(20261121)
    killed = 0
    published = [0] * (len(after) + 1)
    while killed < KILLS:
        ended = killer.run(root, AFTER, kill_after=float(rng.uniform(0, 1.05 * median(seconds))))
        found = dump(root)
        place.requires_whole_state()
        assert set(found) == set(before)
        done = [name for name in found if not differing(found[name], after[name])]
        for name in set(found) - set(done):
            # One of the two is empty, or the experiment is half of each.
            assert not differing(found[name], before[name]), differing(found[name], after[name])
        published[len(done)] += ended.was_killed
        killed += ended.was_killed
        if len(done) == len(found):
            kept.restore()
    # Else no kill fell between two experiments, and the test would have shown little.
    assert sum(published[1:-1]) > 0
    print(
        f"\n{engine}, {mode} runs: {killed} killed; with 0, 1, 2, 3 experiments of that day published: {published}"
    )
    ended = killer.run(root, AFTER)
    assert ended.code == 0, ended.error
    found = dump(root)
    assert [differing(found[name], after[name]) for name in after] == [[], [], []]
    # Whatever the killed runs have left of state, days are neither lost nor counted twice.
    assert killer.run(root, LATER).code == 0
    found = dump(root)
    assert [differing(found[name], later[name]) for name in later] == [[], [], []]


@pytest.mark.long
@pytest.mark.parametrize("engine", ["duckdb", "postgres", "clickhouse"])
def test_a_run_that_dies_while_it_writes_its_state_leaves_the_state_that_was_there(
    engine: str, engines: Engines, tmp_path: Path, killer: Killer
) -> None:
    output = engines.new(engine)
    place = Place(tmp_path / "shop", output)
    place.reset(killer, "incremental")
    kept = Kept(output)
    assert killer.run(place.root, AFTER).code == 0
    after = dump(place.root)
    kept.restore()
    before = dump(place.root)
    changes = 1
    while killer.run(place.root, AFTER, die_at=changes).was_killed:
        place.requires_whole_state()
        assert dump(place.root) == before
        changes += 1
    # Each of seen, units, cells, those not finite, and a scan's days and totals.
    assert changes > 10
    assert place.modes() == {"incremental"}
    found = dump(place.root)
    assert [differing(found[name], after[name]) for name in after] == [[], [], []]


@pytest.mark.long
def test_a_server_that_stops_in_the_middle_is_told_and_the_next_run_finishes(
    tmp_path: Path, killer: Killer
) -> None:
    try:
        opened = PostgresServer(is_durable=True)
    except MissingServerError as error:
        pytest.skip(f"postgres is missing: {error}")
    with opened as server:
        place = Place(tmp_path / "shop", server.output(server.new_database()))
        place.reset(killer)
        before = dump(place.root)
        seconds = killer.run(place.root, AFTER).seconds
        after = dump(place.root)
        place.reset(killer)
        told = []
        for share in (0.3, 0.6, 0.8):
            killer.order(place.root, AFTER)
            time.sleep(share * seconds)
            server.stop()
            ended = killer.ended()
            server.start()
            found = dump(place.root)
            for name in found:
                assert not (differing(found[name], before[name]) and differing(found[name], after[name]))
            told.append((ended.code, ended.error))
        assert all(
            code == 1 and "run again once the server is up" in error for code, error in told if code
        ), told
        assert any(code for code, _ in told)
        assert killer.run(place.root, AFTER).code == 0
        found = dump(place.root)
        assert [differing(found[name], after[name]) for name in after] == [[], [], []]


@pytest.mark.long
def test_a_full_disk_is_told_and_leaves_what_was_there(place: Place, killer: Killer) -> None:
    place.reset(killer)
    before = dump(place.root)
    ended = killer.run(place.root, AFTER, file_limit=64 * 1024)
    assert ended.code == 1
    assert "no space is left for the database" in ended.error
    assert dump(place.root) == before
    assert killer.run(place.root, AFTER).code == 0
    assert dump(place.root) != before


@pytest.mark.long
@EVERYWHERE
def test_of_two_runs_at_once_one_waits_for_the_other(engine: str, engines: Engines, tmp_path: Path) -> None:
    place = Place(tmp_path / "shop", engines.new(engine))
    with Killer() as first, Killer() as second:
        place.reset(first)
        alone = first.run(place.root, AFTER).seconds
        place.reset(first)
        after_both = [(first, BEFORE), (second, AFTER)]
        started = time.perf_counter()
        for server, day in after_both:
            # Longer than a run takes on a machine that is busy.
            server.order(place.root, day, wait_seconds=240.0)
        ended = [server.ended() for server, _ in after_both]
        assert [one.code for one in ended] == [0, 0], [one.error for one in ended]
        assert time.perf_counter() - started > alone
    with Project.load(place.root).connect() as warehouse:
        statuses = warehouse.query("select distinct status from steelyard.runs").values
    assert statuses == [("success",)]


@pytest.mark.long
def test_a_warehouse_that_refuses_ddl_is_told_before_anything_is_read(place: Place, killer: Killer) -> None:
    profiles = place.root / "profiles.yml"
    text = profiles.read_text(encoding="utf-8")
    profiles.write_text(text.replace("type: duckdb", "type: duckdb\n      read_only: true"), encoding="utf-8")
    ended = killer.run(place.root, AFTER)
    assert ended.code == 1
    assert "the database is open for reading only" in ended.error
    assert "hint: set read_only: false in profiles.yml" in ended.error
