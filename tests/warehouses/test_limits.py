"""What refuses or ends work on each warehouse: budgets, timeouts, missing rights, and conflicts with other writers."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import pytest
import yaml
from tests.support import small_project
from tests.support.engines import NAMES, Engines

from steelyard.errors import WarehouseError
from steelyard.run import Project, RunOptions, debug_project, seed_project
from steelyard.spec.outputs import OUTPUTS
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.registry import connect
from steelyard.warehouse.retry import with_retries

EXPERIMENT = {
    "hypothesis": "A larger button sells more.",
    "owner": "o",
    "status": "stopped",
    "start": "2026-04-01",
    "end": "2026-04-02",
    "variants": ["control", "treatment"],
    "metrics": {"primary": "spend"},
}
AS_OF = date(2026, 4, 3)
UNITS = 40
# Rows of the exposures and of the events.
ROWS = 2 * UNITS
UNTOLD = "{} does not tell what a query would read\n  hint: .* statement_timeout_seconds in profiles.yml"
BUDGETS = {
    "duckdb": f"the run would read {ROWS} rows, more than {ROWS - 1}\n  hint: raise the limit.*nothing has been read",
    "postgres": f"the run would read {ROWS} rows, more than {ROWS - 1}\n  hint: raise the limit.*nothing has been read",
    "clickhouse": UNTOLD.format("clickhouse"),
    "spark": UNTOLD.format("spark"),
}
# Each takes minutes where nothing ends it.
ENDLESS = {
    "duckdb": "select count(*) from range(1000000) as a, range(1000000) as b where a.range * b.range % 7 = 3",
    "postgres": "select pg_sleep(600)",
    "clickhouse": "select count() from numbers(100000000000000) where sipHash64(number) % 7 = 3",
    "spark": "select count(*) from range(3000000) as a join range(3000000) as b on a.id * b.id % 7 = 3",
}

# What a role that may only read is refused, whether it has temporary tables, and what becomes of its state.
READERS = {
    "duckdb": ("the database is open for reading only", True, "every run will be a full one: "),
    "postgres": ("permission denied for database", False, "every run will be a full one: "),
    "clickhouse": ("the database is open for reading only", True, "every run will be a full one: "),
}


def profile_of(output: dict[str, Any], **settings: Any) -> Profile:
    model = OUTPUTS[output["type"]].model_validate({**output, **settings})
    return Profile(name="small", target="dev", output=model, target_schema=output["schema"])


def point(root: Path, output: dict[str, Any]) -> Project:
    """Return the project in a folder, led to a warehouse."""
    profiles = {"small": {"target": "dev", "outputs": {"dev": output}}}
    (root / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    return Project.load(root)


def new_project(root: Path, output: dict[str, Any]) -> Project:
    """Return a small project whose tables are filled on a warehouse."""
    tables = {
        "exposures": [
            ("button", f"u{k}", ("control", "treatment")[k % 2], small_project.moment(0), "SG")
            for k in range(UNITS)
        ],
        "events": [(f"u{k}", small_project.moment(0, 13), k % 7 + 0.1) for k in range(UNITS)],
    }
    small_project.write(root, experiments={"button": EXPERIMENT}, tables=tables)
    (root / "fixtures").mkdir()
    with duckdb.connect(str(root / "small.duckdb")) as connection:
        for name in tables:
            connection.execute(f"copy {name} to '{root}/fixtures/{name}.parquet'")
    project = point(root, output)
    seed_project(project)
    return project


@pytest.mark.long
@pytest.mark.parametrize("kind", NAMES)
def test_a_budget_is_kept_or_refused_before_anything_is_spent(
    kind: str, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = engines.new(kind)
    project = new_project(tmp_path, output)
    with project.connect() as warehouse, monkeypatch.context() as patched:
        opened = type(warehouse)
        for spending in ("create_temporary", "replace_rows", "load_file"):
            patched.setattr(opened, spending, lambda *_, **__: pytest.fail("it spends what it may not"))
        warehouse.close()
        with pytest.raises(WarehouseError, match=BUDGETS[kind]) as raised:
            project.run(RunOptions(as_of=AS_OF, max_rows=ROWS - 1))
        assert "--max-rows" in str(raised.value)
        told = r"would read [1-9]\d*\.\d kB, more than 9 B" if "rows" in BUDGETS[kind] else BUDGETS[kind]
        with pytest.raises(WarehouseError, match=told) as raised:
            project.run(RunOptions(as_of=AS_OF, max_bytes=9))
        assert "--max-bytes" in str(raised.value)
    with project.connect() as warehouse:
        assert not warehouse.table_exists("runs", output["schema"])
    if kind in ("duckdb", "postgres"):
        assert project.run(RunOptions(as_of=AS_OF, max_rows=ROWS)).failures == {}


@pytest.mark.long
@pytest.mark.parametrize("kind", NAMES)
def test_a_statement_that_runs_too_long_ends_by_the_same_setting_everywhere(
    kind: str, engines: Engines
) -> None:
    with connect(profile_of(engines.new(kind), statement_timeout_seconds=1)) as warehouse:
        started = perf_counter()
        with pytest.raises(
            WarehouseError,
            match=r"statement_timeout_seconds.*\n  hint: raise statement_timeout_seconds in profiles",
        ) as raised:
            warehouse.query(ENDLESS[kind])
        assert perf_counter() - started < 20
        assert not raised.value.is_transient
        assert warehouse.query("select 5 as n").values == [(5,)]
    with connect(profile_of(engines.new(kind), statement_timeout_seconds=600)) as warehouse:
        assert warehouse.query("select 5 as n").values == [(5,)]


def read_only(output: dict[str, Any]) -> dict[str, Any]:
    """Return the output of a profile that may read the same database and write nothing that stays."""
    if output["type"] == "duckdb":
        return {**output, "read_only": True}
    if output["type"] == "clickhouse":
        return {**output, "custom_settings": {"readonly": "2"}}
    role = f"reader_of_{output['dbname']}"
    with connect(profile_of(output)) as warehouse:
        warehouse.execute(f"create role {role}")
        warehouse.execute(f"revoke temporary on database {output['dbname']} from public")
        warehouse.execute(f"grant select on all tables in schema public to {role}")
    return {**output, "role": role}


@pytest.mark.parametrize("kind", list(READERS))
def test_debug_says_what_a_reader_may_not_do_and_that_it_can_read(
    kind: str, engines: Engines, tmp_path: Path
) -> None:
    told, has_temporaries, state = READERS[kind]
    output = engines.new(kind)
    new_project(tmp_path, output)
    project = point(tmp_path, read_only(output))
    checks = {name: (is_fine, text) for name, is_fine, text in debug_project(project)}
    is_fine, text = checks["privileges"]
    assert not is_fine
    assert told in text
    assert "\n  hint: " in text
    assert checks["temporary tables"][0] is has_temporaries, checks["temporary tables"]
    assert checks["exposures"] == (True, "the last are of 2026-04-01")
    assert re.search(state, checks["state"][1]), checks["state"]
    assert checks["connection"][0]
    assert checks["hashing"][0]
    with pytest.raises(WarehouseError, match=told):
        project.run(RunOptions(as_of=AS_OF))


def conflict(profile: Profile) -> Callable[[Warehouse], None]:
    """Return an action that fails for a reason that passes: the first time, another writer is faster."""
    rivals = iter([True])

    def act(warehouse: Warehouse) -> None:
        is_late = next(rivals, False)
        if warehouse.dialect == "clickhouse":
            # No other session of an embedded database can be in the way, so it says what a busy server says.
            warehouse.execute("set allow_custom_error_code_in_throwif = 1")
            warehouse.query(
                f"select throwIf({int(is_late)} = 1, 'Too many simultaneous queries', toInt16(202))"
            )
            return
        with warehouse.transaction():
            if warehouse.dialect == "postgres":
                warehouse.execute("set transaction isolation level repeatable read")
            warehouse.query("select * from counted")
            if is_late:
                with connect(profile) as rival:
                    rival.execute("update counted set n = n + 1")
            warehouse.execute("update counted set n = n + 1")

    return act


@pytest.mark.parametrize("kind", ["duckdb", "postgres", "clickhouse"])
def test_what_another_writer_was_in_the_way_of_is_tried_again_and_nothing_else_is(
    kind: str, engines: Engines
) -> None:
    profile = profile_of(engines.new(kind))
    told: list[str] = []
    with connect(profile) as warehouse:
        if kind != "clickhouse":
            warehouse.execute("create table counted as select 0 as n")
        act = conflict(profile)
        with_retries(lambda: act(warehouse), pauses=(0.0, 0.0), tell=told.append)
        assert len(told) == 1
        assert told[0].endswith("; trying again in 0 s")
        if kind != "clickhouse":
            # The rival's, and one of this: what was tried in vain has left nothing.
            assert warehouse.query("select n from counted").values == [(2,)]
        for sql in (
            "select * from nope",
            "selec 1",
            "select cast('a' || n as integer) from (select 1 as n) as t",
        ):
            with pytest.raises(WarehouseError):
                with_retries(lambda sql=sql: warehouse.query(sql), pauses=(0.0,), tell=pytest.fail)
