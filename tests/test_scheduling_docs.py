"""docs/scheduling.md: each way to run daily is run, on a project as `init` writes it."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from steelyard.run import Project, scaffold, seed_project, write_project

PAGE = Path(__file__).parents[1] / "docs" / "scheduling.md"
BLOCK = re.compile(r"<!-- (\w+) -->\n```\w+\n(.*?)```\n", re.DOTALL)
BLOCKS = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scheduled") / "shop"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaffold, "USERS", 400)
        list(write_project(root))
    list(seed_project(Project.load(root)))
    return root


@pytest.fixture
def shop(seeded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(seeded, tmp_path / "shop"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which `steelyard` is the one under test."""
    command = tmp_path / "bin" / "steelyard"
    command.parent.mkdir()
    command.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from steelyard.cli.main import main; main()' \"$@\"\n",
        encoding="utf-8",
    )
    command.chmod(0o755)
    return {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}


def shell(text: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", text], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def days(shop: Path) -> list[str]:
    """Return the days that have results."""
    with Project.load(shop).connect() as warehouse:
        rows = warehouse.query("select distinct as_of from steelyard.results order by 1").values
    return [day.isoformat() for (day,) in rows]


def test_every_block_is_run_here() -> None:
    assert set(BLOCKS) == {"run", "results", "cron", "actions", "airflow", "dagster", "backfill"}
    assert PAGE.read_text(encoding="utf-8").count("```") == 2 * len(BLOCKS)


def test_a_run_leaves_the_file_that_the_page_shows(shop: Path, environment: dict[str, str]) -> None:
    ended = shell(BLOCKS["run"], shop, environment)
    assert ended.returncode == 0, ended.stderr
    found = json.loads((shop / "target/run_results.json").read_text(encoding="utf-8"))
    shown = json.loads(BLOCKS["results"])
    assert shown.keys() <= found.keys()
    (experiment,) = found["experiments"]
    (expected,) = shown["experiments"]
    assert expected.keys() <= experiment.keys()
    assert {**expected, "decisions": None} == {
        **{key: experiment[key] for key in expected},
        "decisions": None,
    }
    assert expected["decisions"][0].keys() <= experiment["decisions"][0].keys()


def test_cron_is_silent_unless_the_run_fails(shop: Path, environment: dict[str, str]) -> None:
    (line,) = [line for line in BLOCKS["cron"].splitlines() if "steelyard" in line]
    command = re.sub(r"^(\S+ +){5}", "", line).replace("/srv/shop", str(shop))
    fine = shell(command, shop, environment)
    assert (fine.stdout, fine.stderr) == ("", "")
    assert days(shop)
    (shop / "metrics/orders_per_user.sql").write_text("select 1", encoding="utf-8")
    failed = shell(command, shop, environment)
    assert failed.stdout == "steelyard ended with 1: see run.log and target/run_results.json\n"
    assert "orders_per_user.sql" in (shop / "run.log").read_text(encoding="utf-8")


def test_the_steps_of_the_workflow_run(shop: Path, environment: dict[str, str]) -> None:
    workflow: dict[str, Any] = yaml.safe_load(BLOCKS["actions"])
    steps = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    commands = [step for step in steps if step.startswith("steelyard")]
    assert commands == ["steelyard check", "steelyard compile", "steelyard run"]
    for command in commands:
        ended = shell(command, shop, environment)
        assert ended.returncode == 0, ended.stderr
    paths = [
        step["with"]["path"] for step in workflow["jobs"]["run"]["steps"] if "path" in step.get("with", {})
    ]
    assert [(shop / path).is_file() for path in paths] == [True]


def test_the_command_of_the_airflow_task_runs(shop: Path, environment: dict[str, str]) -> None:
    calls = [node for node in ast.walk(ast.parse(BLOCKS["airflow"])) if isinstance(node, ast.Call)]
    (task,) = (call for call in calls if getattr(call.func, "id", "") == "BashOperator")
    arguments = {word.arg: word.value for word in task.keywords}
    command = jinja2.Template(ast.literal_eval(arguments["bash_command"])).render(ds="2026-04-02")
    ended = shell(command.replace("/srv/shop", str(shop)), shop, environment)
    assert ended.returncode == 0, ended.stderr
    assert days(shop) == ["2026-04-02"]
    assert ast.literal_eval(arguments["skip_on_exit_code"]) == 3


def test_airflow_reads_the_dag() -> None:
    pytest.importorskip("airflow", reason="Airflow is not installed")
    exec(compile(BLOCKS["airflow"], "dag", "exec"), {})


def test_dagster_materialises_a_day(
    shop: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dagster = pytest.importorskip("dagster", reason="Dagster is not installed")
    space: dict[str, Any] = {"__name__": "assets"}
    exec(compile(BLOCKS["dagster"].replace("/srv/shop", str(shop)), "assets", "exec"), space)
    monkeypatch.setenv("PATH", environment["PATH"])
    result = dagster.materialize([space["experiments"]], partition_key="2026-04-02")
    assert result.success
    assert days(shop) == ["2026-04-02"]


def test_a_range_of_days_of_the_past_is_a_loop(shop: Path, environment: dict[str, str]) -> None:
    ended = shell(BLOCKS["backfill"], shop, environment)
    assert ended.returncode == 0, ended.stderr
    assert days(shop) == ["2026-03-29", "2026-03-30", "2026-03-31"]
