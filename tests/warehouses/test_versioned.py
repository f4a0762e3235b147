"""Where versions and pointers stand in for transactions, readers see the old rows or the new ones."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.engines import Engines

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import ClickHouse
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.registry import connect
from steelyard.warehouse.tables import TABLES
from steelyard.warehouse.versioned import rows_table

# Publications that break at every step.
pytestmark = pytest.mark.long

SCHEMA = "steelyard"
DAY = date(2026, 4, 1)
KILLS = 10
# Publishes numbers from one on until it is killed, and tells each that it has published.
WRITER = """
import itertools, sys
from datetime import date
from steelyard.spec.outputs import ClickHouse
from steelyard.spec.profile import Profile
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.registry import connect

path, first = sys.argv[1], int(sys.argv[2])
output = ClickHouse.model_validate({"type": "clickhouse", "driver": "chdb", "path": path})
profile = Profile(name="p", target="dev", output=output, target_schema="steelyard")
day, row = date(2026, 4, 1), {"metric_version": 1, "variant": "b", "hypothesis": "superiority"}
with connect(profile) as warehouse:
    ensure_tables(warehouse, "steelyard")
    for number in itertools.count(first):
        rows = [{**row, "as_of": day, "metric": f"m{i}", "effect": float(number)} for i in range(50)]
        tables = {"results": rows, "timeseries": rows, "decisions": [{"variant": "b", "decision": str(number)}]}
        publish_experiment(warehouse, "steelyard", experiment_id="e", as_of=day, tables=tables)
        print(number, flush=True)
"""


@pytest.fixture(scope="module")
def profile(engines: Engines) -> Profile:
    output = ClickHouse.model_validate(engines.new("clickhouse"))
    return Profile.model_validate(
        {"name": "storefront", "target": "dev", "output": output, "target_schema": SCHEMA}
    )


@pytest.fixture
def warehouse(profile: Profile) -> Iterator[Warehouse]:
    with connect(profile) as opened:
        ensure_tables(opened, SCHEMA)
        yield opened


def publish(warehouse: Warehouse, effect: float, decision: str, *, experiment: str) -> None:
    row = {"metric": "m", "metric_version": 1, "variant": "b", "hypothesis": "superiority", "as_of": DAY}
    rows: list[dict[str, Any]] = [{**row, "metric": f"m{i}", "effect": effect} for i in range(50)]
    tables = {"results": rows, "timeseries": rows, "decisions": [{"variant": "b", "decision": decision}]}
    publish_experiment(warehouse, SCHEMA, experiment_id=experiment, as_of=DAY, tables=tables)


def seen(warehouse: Warehouse, experiment: str) -> set[tuple[float, float, str]]:
    """Return what one query over three tables sees of an experiment."""
    sql = f"""
        select distinct r.effect, t.effect, d.decision
        from {SCHEMA}.results as r
        full join {SCHEMA}.timeseries as t
          on t.experiment_id = r.experiment_id and t.as_of = r.as_of and t.metric = r.metric
        full join {SCHEMA}.decisions as d on d.experiment_id = r.experiment_id and d.as_of = r.as_of
        where d.experiment_id = ?
    """
    return set(warehouse.query(sql, [experiment]).values)


def stored(warehouse: Warehouse, table: str, experiment: str) -> int:
    """Return how many versions of an experiment's rows there are, whether shown or not."""
    sql = f"select count(distinct row_version) from {SCHEMA}.{rows_table(TABLES[table])} where row_owner = ?"
    return int(warehouse.query(sql, [experiment]).values[0][0])


class Died(BaseException):
    """The writer ends, and says nothing to the engine."""


@pytest.mark.parametrize("ending", [Died, WarehouseError])
@pytest.mark.parametrize("step", ["_append", "_carry", "_point"])
def test_readers_see_the_old_rows_when_a_publication_fails_in_the_middle(
    step: str,
    ending: type[BaseException],
    warehouse: Warehouse,
    profile: Profile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiment = f"{step} {ending.__name__}"
    publish(warehouse, 1.0, "ship", experiment=experiment)
    calls = []
    go_on = getattr(warehouse, step)

    def fail_late(*arguments: Any) -> None:
        calls.append(arguments)
        if step == "_point" or len(calls) == 2:
            assert seen(warehouse, experiment) == {(1.0, 1.0, "ship")}
            raise ending("the writer ended here")
        go_on(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(warehouse, step, fail_late)
        with pytest.raises(ending, match="the writer ended here"):
            publish(warehouse, 2.0, "stop", experiment=experiment)
    with connect(profile) as reader:
        assert seen(reader, experiment) == {(1.0, 1.0, "ship")}
    publish(warehouse, 3.0, "keep_running", experiment=experiment)
    with connect(profile) as reader:
        assert seen(reader, experiment) == {(3.0, 3.0, "keep_running")}


def test_what_a_killed_writer_has_left_is_not_shown_and_goes_with_the_next_publication(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(warehouse, 1.0, "ship", experiment="killed")

    def fail(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(warehouse, "_point", fail)
        patched.setattr(warehouse, "_abandon", lambda _: None)
        with pytest.raises(Died):
            publish(warehouse, 2.0, "stop", experiment="killed")
    assert seen(warehouse, "killed") == {(1.0, 1.0, "ship")}
    assert stored(warehouse, "decisions", "killed") > 1
    publish(warehouse, 3.0, "stop", experiment="killed")
    assert seen(warehouse, "killed") == {(3.0, 3.0, "stop")}
    assert stored(warehouse, "decisions", "killed") == 2  # what is shown, and what a reader may still read


def test_a_publication_that_fails_leaves_what_a_reader_may_still_read(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(warehouse, 1.0, "ship", experiment="failing")
    publish(warehouse, 2.0, "stop", experiment="failing")

    def fail(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(warehouse, "_point", fail)
        with pytest.raises(Died):
            publish(warehouse, 3.0, "ship", experiment="failing")
    assert seen(warehouse, "failing") == {(2.0, 2.0, "stop")}
    # What is shown and the version before it; not what has failed.
    assert [stored(warehouse, table, "failing") for table in ("results", "decisions")] == [2, 2]


def test_rows_are_replaced_only_inside_one_transaction(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="rows of results are replaced outside a transaction") as raised:
        warehouse.replace_rows(TABLES["results"], SCHEMA, owner="e", gone=None, rows=[])
    assert "open one with transaction()" in str(raised.value)
    with (
        warehouse.transaction(),
        pytest.raises(WarehouseError, match=r"a transaction is open already\n.*end it first"),
        warehouse.transaction(),
    ):
        pytest.fail("it opened another one")


def test_an_unknown_column_and_another_driver_are_refused(warehouse: Warehouse, profile: Profile) -> None:
    with pytest.raises(WarehouseError, match="the table results_versions has no column 'nope'"):
        warehouse.insert("results_versions", ["nope"], [("x",)], SCHEMA)
    output = profile.output.model_copy(update={"driver": "native"})
    with pytest.raises(WarehouseError, match="does not execute on ClickHouse through native yet"):
        connect(profile.model_copy(update={"output": output}))


def test_an_error_of_the_embedded_server_is_told_in_the_words_of_the_engine(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"nope.*\n.*check the name"):
        warehouse.query("select * from nope")


@pytest.mark.parametrize(
    "failing",
    [
        "select number, throwIf(number = 200000) from numbers(300000)",
        "select cast(number / 0 as Int32) as n from numbers(3)",
        "select nope from numbers(3)",
    ],
)
def test_nothing_of_an_answer_that_failed_is_in_the_next_one(warehouse: Warehouse, failing: str) -> None:
    with pytest.raises(WarehouseError):
        warehouse.query(failing)
    assert warehouse.query("select 5 as n").dicts() == [{"n": 5}]


@pytest.mark.long
def test_a_writer_that_is_killed_at_any_moment_leaves_one_publication_whole_and_the_next_goes_on(
    profile: Profile, tmp_path: Path
) -> None:
    path, last = str(tmp_path / "killed.clickhouse"), 0
    rng = np.random.default_rng(20261121)
    output = profile.output.model_copy(update={"path": path})
    for _ in range(KILLS):
        command = [sys.executable, "-c", WRITER, path, str(last + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            last = int(writer.stdout.readline())
            time.sleep(float(rng.uniform(0, 0.5)))
            writer.kill()
            last = max([last, *map(int, writer.stdout.read().split("\n")[:-1])])
        with connect(profile.model_copy(update={"output": output})) as reader:
            ((effect, in_series, decision),) = seen(reader, "e")
            rows = reader.query(f"select count(*) from {SCHEMA}.results where experiment_id = 'e'").values
        # What is told is published; the next one may be, whole, before it is told.
        assert effect == in_series == float(decision)
        assert effect in (last, last + 1)
        assert rows == [(50,)]
        last = int(effect)
