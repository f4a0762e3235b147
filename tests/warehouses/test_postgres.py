"""What is PostgreSQL's own, on a real server."""

import json
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import pytest
import yaml
from tests.support.engines import Engines

from steelyard.errors import WarehouseError
from steelyard.run import Project, RunOptions, debug_project, scaffold, seed_project
from steelyard.spec.outputs import Postgres
from steelyard.spec.profile import Profile
from steelyard.warehouse.registry import connect

# A server is started.
pytestmark = pytest.mark.long

# Names of 72 characters that PostgreSQL would cut to the same 63.
LONG = tuple(
    f"revenue_of_a_user_in_the_shop_before_any_discount_and_after_taxes_{word}"
    for word in ("single", "double")
)
# Holds the lock of a schema until its standard input ends.
WRITER = """
import json, sys
from steelyard.spec.outputs import Postgres
from steelyard.spec.profile import Profile
from steelyard.warehouse.registry import connect

output = Postgres.model_validate(json.loads(sys.stdin.readline()))
profile = Profile(name="shop", target="prod", output=output, target_schema="steelyard")
with connect(profile) as warehouse, warehouse.only_writer("steelyard", wait_seconds=0):
    print(warehouse.query("select pg_backend_pid()").values[0][0], flush=True)
    sys.stdin.read()
"""


# The same, in the middle of a statement.
SLEEPER = WRITER.replace("sys.stdin.read()", "warehouse.query('select pg_sleep(600)')")


def profile_of(output: dict[str, Any], **settings: Any) -> Profile:
    postgres = Postgres.model_validate({**output, **settings})
    return Profile(name="shop", target="prod", output=postgres, target_schema="steelyard")


def test_a_statement_that_runs_too_long_is_cancelled_and_the_next_is_not(engines: Engines) -> None:
    started = perf_counter()
    with connect(profile_of(engines.new("postgres"), statement_timeout_seconds=1)) as warehouse:
        with pytest.raises(
            WarehouseError,
            match=r"ran longer than statement_timeout_seconds\n  hint: raise statement_timeout_seconds",
        ):
            warehouse.query("select pg_sleep(60)")
        assert warehouse.query("select 1").values == [(1,)]
    assert perf_counter() - started < 30


def test_a_schema_that_is_there_needs_no_right_to_create_one(engines: Engines) -> None:
    output = engines.new("postgres")
    role = f"owner_in_{output['dbname']}"
    with connect(profile_of(output)) as warehouse:
        warehouse.execute(f"create role {role}")
        warehouse.execute(f"create schema steelyard authorization {role}")
    with connect(profile_of(output, role=role)) as warehouse:
        warehouse.execute(warehouse.schema_statement("steelyard"))
        with pytest.raises(WarehouseError, match="permission denied for database"):
            warehouse.execute(warehouse.schema_statement("other"))


def test_a_second_writer_of_a_schema_is_told_who_the_first_is_and_follows_when_it_is_killed(
    engines: Engines,
) -> None:
    output = engines.new("postgres")
    command = [sys.executable, "-c", WRITER]
    with (
        connect(profile_of(output)) as warehouse,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer,
    ):
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write(json.dumps(output) + "\n")
        writer.stdin.flush()
        pid = int(writer.stdout.readline())
        told = rf"another process writes to the schema steelyard: steelyard of steelyard, pid {pid}, from 127.0.0.1,"
        with (
            pytest.raises(WarehouseError, match=told + r" since 2[^\n]* UTC\n  hint: wait for it to end"),
            warehouse.only_writer("steelyard", wait_seconds=0.3),
        ):
            pytest.fail("two write at once")
        assert not warehouse.is_exclusive
        with warehouse.only_writer("another", wait_seconds=0):
            assert warehouse.is_exclusive
        writer.kill()
        with warehouse.only_writer("steelyard", wait_seconds=10):
            assert warehouse.is_exclusive
    assert not warehouse.is_exclusive


def test_a_writer_that_is_killed_in_a_statement_does_not_hold_its_lock_until_that_ends(
    engines: Engines,
) -> None:
    output = engines.new("postgres")
    command = [sys.executable, "-c", SLEEPER]
    with (
        connect(profile_of(output)) as warehouse,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer,
    ):
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write(json.dumps(output) + "\n")
        writer.stdin.flush()
        pid = int(writer.stdout.readline())
        while not warehouse.query(
            "select 1 from pg_stat_activity where pid = ? and query like '%pg_sleep%' and state = 'active'",
            [pid],
        ).values:
            sleep(0.05)
        writer.kill()
        with warehouse.only_writer("steelyard", wait_seconds=10):
            assert warehouse.is_exclusive


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_a_run_that_is_interrupted_stops_its_statement_and_says_so(
    engine: str, sent: signal.Signals, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = engines.new(engine)
    project = new_project(tmp_path, output, monkeypatch)
    project.run(RunOptions(as_of=date(2026, 3, 31)))
    with project.connect() as warehouse:
        warehouse.execute("alter table orders rename to paid_orders")
        warehouse.execute(
            "create view orders as select paid_orders.* from paid_orders,"
            " generate_series(1, 1000000) as numbers(n) where n % 7 > 0"
        )
    command = [sys.executable, "-c", "from steelyard.cli.main import main; main()", "run"]
    with subprocess.Popen(
        [*command, "--as-of", "2026-04-01"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        told = running.stderr.readline()
        sleep(1)
        running.send_signal(sent)
        told += running.stderr.read()
    assert running.returncode == 1
    assert told.endswith("\nAborted!\n")
    assert "Traceback" not in told
    written = json.loads((tmp_path / "target/run_results.json").read_text(encoding="utf-8"))
    assert (written["status"], written["error"].partition("\n")[0]) == ("error", "the run was interrupted")
    with project.connect() as warehouse, warehouse.only_writer("steelyard", wait_seconds=5):
        warehouse.execute("drop view orders")
        warehouse.execute("alter table paid_orders rename to orders")
        if engine == "postgres":
            assert warehouse.query("select 1 from pg_class where relname = 'recent_orders'").values == []
    assert not project.run(RunOptions(as_of=date(2026, 4, 1))).failures


def new_project(root: Path, output: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a small project, seeded, on a warehouse."""
    monkeypatch.setattr(scaffold, "USERS", 300)
    list(scaffold.write_project(root))
    profiles = {"shop": {"target": "prod", "outputs": {"prod": output}}}
    (root / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    list(seed_project(Project.load(root)))
    return Project.load(root)


@pytest.mark.long
def test_a_run_records_that_an_earlier_one_was_interrupted_and_debug_finds_nothing_wrong(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project(tmp_path, engines.new("postgres"), monkeypatch)
    checks = list(debug_project(project))
    assert [name for name, _, _ in checks] == [
        "profile",
        "connection",
        "privileges",
        "temporary tables",
        "state",
        "exposures",
        "metrics",
        "hashing",
    ]
    assert all(is_fine for _, is_fine, _ in checks), checks
    with project.connect() as warehouse:
        warehouse.insert("runs", ["run_id", "status"], [("dead", "running")], "steelyard")
    assert project.run(RunOptions(as_of=date(2026, 3, 29))).status == "success"
    with project.connect() as warehouse:
        runs = dict(warehouse.query("select run_id, status from steelyard.runs").values)
    assert runs.pop("dead") == "error"
    assert list(runs.values()) == ["success"]


@pytest.mark.long
def test_metrics_with_long_names_that_begin_alike_stay_apart(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for engine in ("duckdb", "postgres"):
        root = tmp_path / engine
        new_project(root, engines.new(engine), monkeypatch)
        for factor, name in enumerate(LONG, start=1):
            assert len(name) == 72
            (root / f"metrics/{name}.sql").write_text(
                "{{ config(version=1, direction='increase', winsorize={'upper': '95%'}, description='Capped') }}\n"
                f"select user_id, sum(revenue) * {factor} as {name}\nfrom orders\n"
                "where ordered_at >= :start and ordered_at < :end\ngroup by user_id\n",
                encoding="utf-8",
            )
        path = root / "experiments/one-page-checkout.yml"
        spec = path.read_text(encoding="utf-8")
        guardrail = "    - revenue_per_user\n"
        assert guardrail in spec
        spec = spec.replace(guardrail, guardrail + "".join(f"    - {name}\n" for name in LONG))
        path.write_text(spec, encoding="utf-8")
        # Each experiment has caps of its own, so that they are columns with the metrics' names.
        second = spec.replace("name: one-page-checkout", "name: second")
        (root / "experiments/second.yml").write_text(second, encoding="utf-8")
        with Project.load(root).connect() as warehouse:
            warehouse.execute(
                "insert into exposures select 'second', user_id, variant, exposed_at, platform from exposures"
            )
        project = Project.load(root)
        told: list[str] = []
        result = project.run(RunOptions(as_of=date(2026, 4, 5)), progress=told.append)
        assert result.failures == {}
        # Where names collide the plan of both fails, and each experiment then runs alone.
        assert [line for line in told if "failed" in line] == []
        with project.connect() as warehouse:
            rows = warehouse.query(
                "select metric, mean_control, mean_variant, std_error from steelyard.results where dimension = ''"
                " and experiment_id = 'second'"
            )
            found[engine] = {row[0]: row[1:] for row in rows}
            caps = dict(
                warehouse.query(
                    "select metric, value from steelyard.caps where experiment_id = 'second'"
                ).values
            )
        single, double = (found[engine][name] for name in LONG)
        # The second metric is twice the first, and so is its cap.
        assert double[:2] == pytest.approx([2 * value for value in single[:2]], rel=1e-12)
        assert caps[LONG[1]] == pytest.approx(2 * caps[LONG[0]], rel=1e-12)
    for name in LONG:
        assert found["postgres"][name] == pytest.approx(found["duckdb"][name], rel=1e-9)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select ln(0)", "a logarithm of a number that has none"),
        ("select sqrt(-1)", "a root or a power of a number that has none"),
    ],
)
def test_a_number_that_has_no_logarithm_or_root_is_told(engines: Engines, sql: str, told: str) -> None:
    with (
        connect(profile_of(engines.new("postgres"))) as warehouse,
        pytest.raises(WarehouseError, match=told + r"\n  hint: write case when"),
    ):
        warehouse.query(sql)


def test_a_connection_that_the_server_has_ended_says_so_from_then_on(engines: Engines) -> None:
    output = engines.new("postgres")
    with connect(profile_of(output)) as warehouse, connect(profile_of(output)) as other:
        ((pid,),) = warehouse.query("select pg_backend_pid()").values
        assert other.query("select pg_terminate_backend(?)", [pid]).values == [(True,)]
        told = []
        for _ in range(2):
            with pytest.raises(
                WarehouseError, match=r"\n  hint: the connection is gone: run again once"
            ) as raised:
                warehouse.query("select 1")
            told.append(str(raised.value))
            assert not raised.value.is_transient
        assert told[0] == told[1]
        assert other.query("select 1").values == [(1,)]
