"""Readers see the old rows or the new ones, whatever happens to the writer."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from steelyard.errors import WarehouseError
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.read import read_rows
from steelyard.warehouse.registry import connect

ProfileOf = Callable[..., Profile]
DAY = date(2026, 4, 1)
TABLES = ("results", "timeseries", "decisions")

# Publishes new rows, and stops for good before the commit or just after it.
KILLED = """
import sys
from datetime import date
from steelyard.spec.outputs import DuckDB
from steelyard.spec.profile import Profile
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.registry import connect

output = DuckDB.model_validate({"type": "duckdb", "path": sys.argv[1]})
profile = Profile.model_validate({"name": "p", "target": "dev", "output": output, "target_schema": "s"})
warehouse = connect(profile)
execute = warehouse.execute

def stop_at_commit(sql, parameters=()):
    if sql == "commit" and sys.argv[2] == "before":
        print("reached", flush=True)
        sys.stdin.read()
    execute(sql, parameters)

warehouse.execute = stop_at_commit
rows = [{"metric": f"m{i}", "metric_version": 1, "variant": "b", "hypothesis": "superiority", "effect": 2.0,
         "as_of": date(2026, 4, 1)} for i in range(500)]
publish_experiment(warehouse, "steelyard", experiment_id="e", as_of=date(2026, 4, 1),
    tables={"results": rows, "timeseries": rows, "decisions": [{"variant": "b", "decision": "stop"}]})
print("reached", flush=True)
sys.stdin.read()
"""


def publish(
    warehouse: Warehouse, effect: float, decision: str, *, experiment: str = "e", count: int = 500
) -> None:
    rows: list[dict[str, Any]] = [
        {"metric": f"m{i}", "metric_version": 1, "variant": "b", "hypothesis": "superiority", "as_of": DAY}
        for i in range(count)
    ]
    rows = [{**row, "effect": effect} for row in rows]
    tables = {"results": rows, "timeseries": rows, "decisions": [{"variant": "b", "decision": decision}]}
    publish_experiment(warehouse, "steelyard", experiment_id=experiment, as_of=DAY, tables=tables)


def seen(warehouse: Warehouse) -> set[tuple[float, str]]:
    """Return each pair of effect and decision that one query over three tables sees."""
    sql = """
        select distinct r.effect, t.effect, d.decision
        from steelyard.results as r
        full join steelyard.timeseries as t using (experiment_id, as_of, metric)
        full join steelyard.decisions as d using (experiment_id, as_of)
    """
    pairs = warehouse.query(sql).values
    assert all(one == two for one, two, _ in pairs)
    return {(effect, decision) for effect, _, decision in pairs}


def publish_late(warehouse: Warehouse, *, meanwhile: Callable[[], None]) -> None:
    """Replace rows as publish_experiment does, while something else happens between reading and writing."""
    row = {"experiment_id": "e", "as_of": DAY, "metric": "m0", "metric_version": 1, "variant": "b"}
    row |= {"hypothesis": "superiority", "dimension": "", "segment": ""}
    with warehouse.transaction():
        warehouse.query("select count(*) from steelyard.results")
        meanwhile()
        warehouse.execute("delete from steelyard.results")
        warehouse.insert("results", list(row), [list(row.values())], "steelyard")


@pytest.fixture
def path(empty_tables: Path, tmp_path: Path) -> Path:
    path = tmp_path / "a.duckdb"
    copyfile(empty_tables, path)
    return path


@pytest.mark.long
@pytest.mark.parametrize(("moment", "left"), [("before", (1.0, "ship")), ("after", (2.0, "stop"))])
def test_a_writer_that_is_killed_leaves_the_old_rows_or_the_new_ones(
    profile_of: ProfileOf, path: Path, moment: str, left: tuple[float, str]
) -> None:
    with connect(profile_of(path)) as warehouse:
        publish(warehouse, 1.0, "ship")
    command = [sys.executable, "-c", KILLED, str(path), moment]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "reached\n"
        writer.kill()
    with connect(profile_of(path)) as warehouse:
        assert seen(warehouse) == {left}
        publish(warehouse, 3.0, "ship")
        assert seen(warehouse) == {(3.0, "ship")}
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name]


def test_an_error_halfway_leaves_the_old_rows(profile_of: ProfileOf, path: Path) -> None:
    with connect(profile_of(path)) as warehouse:
        publish(warehouse, 1.0, "ship")
        warehouse.execute("drop table steelyard.decisions")
        warehouse.execute("create table steelyard.decisions as select 'e' as experiment_id")
        with pytest.raises(WarehouseError, match='Referenced column "as_of" not found'):
            publish(warehouse, 2.0, "stop")
        assert {row["effect"] for row in read_rows(warehouse, "steelyard", "results")} == {1.0}


def test_a_reader_in_another_connection_never_sees_half(profile_of: ProfileOf, path: Path) -> None:
    found: set[tuple[float, str]] = set()
    ended = threading.Event()
    with connect(profile_of(path)) as writer, connect(profile_of(path)) as reader:
        publish(writer, 0.0, "ship")

        def read() -> None:
            while not ended.is_set():
                now = seen(reader)
                assert len(now) == 1
                found.update(now)

        thread = threading.Thread(target=read)
        thread.start()
        for number in range(1, 6):
            publish(writer, float(number), "stop" if number % 2 else "ship")
        ended.set()
        thread.join()
        assert seen(reader) == {(5.0, "stop")}
    assert found <= {(float(n), "stop" if n % 2 else "ship") for n in range(6)}
    assert len(found) > 1


@pytest.mark.parametrize("is_first", [True, False])
def test_two_writers_of_one_experiment_do_not_both_write(
    profile_of: ProfileOf, path: Path, is_first: bool
) -> None:
    with connect(profile_of(path)) as one, connect(profile_of(path)) as two:
        if not is_first:
            publish(one, 0.0, "ship")
        with pytest.raises(WarehouseError, match=r"hint: .*run again"):
            publish_late(two, meanwhile=lambda: publish(one, 1.0, "ship"))
        assert seen(two) == {(1.0, "ship")}
        assert len(read_rows(two, "steelyard", "results")) == 500


def test_writers_of_different_experiments_do_not_meet(profile_of: ProfileOf, path: Path) -> None:
    errors: list[Exception] = []

    def write(name: str) -> None:
        with connect(profile_of(path)) as warehouse:
            try:
                for number in range(5):
                    publish(warehouse, float(number), "ship", experiment=name, count=50)
            except WarehouseError as error:
                errors.append(error)

    with connect(profile_of(path)) as warehouse:
        threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        rows = read_rows(warehouse, "steelyard", "results")
    assert [row["effect"] for row in rows] == [4.0] * 100
