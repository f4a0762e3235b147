"""Every command: exit codes, the answer on stdout and the rest on stderr, formats, selections, days."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from steelyard import __version__
from steelyard.cli.commands import COMMANDS
from steelyard.cli.main import cli

AS_OF = ("--as-of", "2026-04-05")
WINDOW = "where ordered_at >= :start and ordered_at < :end"
Shop = Any


def process(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from steelyard.cli.main import main; main()", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def assert_agree(rows: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> None:
    """Assert that rows are the same, numbers to 1e-9: sums of rows that lie in another order differ by rounding."""
    assert len(rows) == len(others) > 0
    for row, other in zip(rows, others, strict=True):
        for value, expected in zip(row, other, strict=True):
            if isinstance(value, float) and isinstance(expected, float):
                assert value == pytest.approx(expected, rel=1e-9, abs=1e-12), row
            else:
                assert value == expected, row


@pytest.mark.long
def test_a_new_project_runs_in_an_empty_folder(tmp_path: Path) -> None:
    steps = {
        name: process(name, cwd=tmp_path) for name in ("init", "seed", "run", "report", "check", "debug")
    }
    assert {name: step.returncode for name, step in steps.items()} == dict.fromkeys(steps, 0)
    assert "steelyard.yml" in steps["init"].stdout.splitlines()
    assert steps["init"].stderr == "next: steelyard seed && steelyard run && steelyard report\n"
    assert "exposures  6,000 rows" in steps["seed"].stdout
    assert steps["run"].stdout.startswith("one-page-checkout  ship ")
    assert "SHIP" in steps["report"].stdout
    assert steps["report"].stderr == ""
    assert all("Traceback" not in step.stderr for step in steps.values())


def test_a_second_init_writes_nothing(shop: Shop) -> None:
    before = sorted(path for path in shop.root.rglob("*"))
    result = CliRunner().invoke(cli, ["init", str(shop.root)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "steelyard.yml is there already\n  hint: name an empty or a new folder" in result.stderr
    assert sorted(path for path in shop.root.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [("nothing",), ("run", "--as-of", "yesterday"), ("run", "--format", "xml"), ("report", "a", "b")],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, list(arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: ")


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(cli, ["--version"]).stdout == f"steelyard, version {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "Example: steelyard" in result.stdout


def test_the_answer_of_run_is_on_stdout_and_the_rest_on_stderr(shop: Shop) -> None:
    result = shop.steelyard("run", *AS_OF)
    (line,) = result.stdout.splitlines()
    assert line.startswith("one-page-checkout  keep_running  Keep treatment running.")
    assert result.stderr.splitlines()[-1] == "as of 2026-04-05: 1 experiments published, 0 failed"


@pytest.mark.long
def test_json_and_csv_of_run_say_the_same(shop: Shop) -> None:
    found = json.loads(shop.steelyard("run", *AS_OF, "--format", "json").stdout)
    assert found == list(csv.DictReader(io.StringIO(shop.steelyard("run", *AS_OF, "--format", "csv").stdout)))
    assert [row["experiment_id"] for row in found] == ["one-page-checkout"]
    assert set(found[0]) == {"experiment_id", "variant", "decision", "recommendation"}


@pytest.mark.long
def test_json_and_csv_of_report_say_the_same(shop: Shop) -> None:
    shop.steelyard("run", *AS_OF)
    (report,) = json.loads(shop.steelyard("report", "--format", "json").stdout)
    rows = list(csv.DictReader(io.StringIO(shop.steelyard("report", "--format", "csv").stdout)))
    assert [row["metric"] for row in report["results"]] == [row["metric"] for row in rows]
    first, printed = report["results"][0], rows[0]
    assert float(printed["effect"]) == first["effect"]
    assert set(report) == {"experiment", "as_of", "decisions", "results", "health"}


@pytest.mark.long
def test_a_report_of_nothing_says_what_to_do(shop: Shop) -> None:
    result = shop.steelyard("report")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no table steelyard.experiments yet\n  hint: `steelyard run` creates it" in result.stderr
    shop.steelyard("run", *AS_OF)
    result = shop.steelyard("report", "one-page-checkot")
    assert result.exit_code == 1
    assert (
        "nothing is published of 'one-page-checkot'\n  hint: did you mean 'one-page-checkout'?"
        in result.stderr
    )
    result = shop.steelyard("report", "one-page-checkout", "--as-of", "2026-03-30")
    assert result.exit_code == 1
    assert "as of 2026-03-30\n  hint: run steelyard run --as-of 2026-03-30" in result.stderr


@pytest.mark.long
@pytest.mark.parametrize("word", ["other", "owner:others", "metric:orders_per_user"])
def test_a_selection_runs_what_it_names(shop: Shop, word: str) -> None:
    shop.second_experiment()
    shop.change(shop.experiment, "primary: {metric: orders_per_user, mde: 10%}", "primary: revenue_per_user")
    shop.change(shop.experiment, "    - revenue_per_user\n", "")
    rows = json.loads(shop.steelyard("run", *AS_OF, "--select", word, "--format", "json").stdout)
    assert [row["experiment_id"] for row in rows] == ["other"]
    assert shop.rows("select distinct experiment_id from steelyard.results") == [("other",)]


def test_a_selection_of_nothing_is_an_error(shop: Shop) -> None:
    for command in ("run", "compile"):
        result = shop.steelyard(command, "--select", "one-page-chekout")
        assert (result.exit_code, result.stdout) == (1, "")
        assert (
            "--select: no experiment is selected by 'one-page-chekout'\n  hint: did you mean" in result.stderr
        )


@pytest.mark.long
def test_a_past_day_knows_nothing_of_what_came_later(shop: Shop) -> None:
    shop.steelyard("run", "--as-of", "2026-03-30")
    early = shop.dump()["results"]
    shop.execute("delete from orders where ordered_at >= timestamp '2026-03-31'")
    shop.execute("delete from exposures where exposed_at >= timestamp '2026-03-31'")
    shop.execute("drop schema steelyard cascade")
    shop.steelyard("run", "--as-of", "2026-03-30")
    assert_agree(shop.dump()["results"], early)


def test_a_day_before_the_start_skips_the_experiment(shop: Shop) -> None:
    result = shop.steelyard("run", "--as-of", "2026-03-10")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "skipped one-page-checkout: it starts on 2026-03-16, after 2026-03-10" in result.stderr


@pytest.mark.long
def test_the_same_run_twice_leaves_the_same_rows(shop: Shop) -> None:
    shop.steelyard("run", *AS_OF)
    once = shop.dump()
    assert all(
        once[name] for name in ("results", "timeseries", "health", "decisions", "looks", "moments", "runs")
    )
    shop.steelyard("run", *AS_OF)
    assert shop.dump() == once
    shop.steelyard("run", *AS_OF, "--full-refresh")
    assert shop.dump() == once


@pytest.mark.long
def test_days_one_after_the_other_end_like_the_last_day_alone(shop: Shop) -> None:
    # A percentile cap is kept from the first run on, so that it alone may differ.
    shop.change("metrics/revenue_per_user.sql", "{'upper': '99%'}", "{'upper': 200}")
    shop.steelyard("run", *AS_OF)
    alone = shop.dump()
    shop.execute("drop schema steelyard cascade")
    for day in ("2026-03-25", "2026-03-31", "2026-04-05"):
        assert shop.steelyard("run", "--as-of", day).exit_code == 0
    steps = shop.dump()
    last = {
        name: [row[1:] for row in rows if row[2].isoformat() == "2026-04-05"]
        for name, rows in steps.items()
        if name in ("results", "decisions", "health")
    }
    for name, rows in last.items():
        assert_agree(rows, [row[1:] for row in alone[name]])
    assert steps["looks"] != []
    assert_agree([row[:13] for row in steps["looks"]], [row[:13] for row in alone["looks"]])


FAILING = {
    "a column that is not there": ("sum(pric)", "metrics/m.sql: Referenced column", "pric"),
    "a cast that fails on a row": (
        "sum(cast(user_id as integer))",
        "metrics/m.sql: a value of user_id cannot",
        "INT32",
    ),
}


@pytest.mark.long
@pytest.mark.parametrize(("value", "message", "word"), FAILING.values(), ids=FAILING)
def test_a_failing_experiment_takes_no_other_down(shop: Shop, value: str, message: str, word: str) -> None:
    shop.second_experiment(primary="broken")
    shop.write(
        "metrics/broken.sql",
        "{{ config(version=1, direction='increase') }}\n"
        f"select user_id, {value} as n from orders {WINDOW} group by user_id\n",
    )
    result = shop.steelyard("run", *AS_OF)
    assert result.exit_code == 1
    assert result.stdout.startswith("one-page-checkout  keep_running")
    assert "failed other: " in result.stderr
    assert message.replace("m.sql", "broken.sql") in result.stderr
    assert shop.rows("select distinct experiment_id from steelyard.decisions") == [("one-page-checkout",)]
    ((status, failures),) = shop.rows("select status, failures from steelyard.runs")
    assert status == "partial"
    assert list(json.loads(failures)) == ["other"]
    assert word in json.loads(failures)["other"]
    with_failure = shop.dump()["results"]
    (shop.root / "metrics/broken.sql").unlink()
    (shop.root / "experiments/other.yml").unlink()
    shop.steelyard("run", *AS_OF)
    assert shop.dump()["results"] == with_failure


def test_a_failed_health_check_exits_with_3(shop: Shop) -> None:
    shop.execute("delete from exposures where variant = 'treatment' and hash(user_id) % 8 <> 0")
    result = shop.steelyard("run", *AS_OF)
    assert result.exit_code == 3
    assert result.stdout.startswith("one-page-checkout  invalid ")
    assert "health one-page-checkout: srm failed. Units " in result.stderr


def test_a_dry_run_writes_nothing(shop: Shop) -> None:
    before = shop.database.read_bytes()
    result = shop.steelyard("run", *AS_OF, "--dry-run")
    assert result.exit_code == 0
    assert "the warehouse's plan of the facts of orders:" in result.stdout
    assert shop.database.read_bytes() == before
    assert shop.rows("select count(*) from duckdb_tables() where schema_name = 'steelyard'") == [(0,)]


def test_compile_needs_no_profile_and_no_database(shop: Shop) -> None:
    (shop.root / "profiles.yml").unlink()
    shop.database.unlink()
    result = shop.steelyard("compile")
    assert result.exit_code == 0
    paths = result.stdout.splitlines()
    assert len(paths) == len(list((shop.root / "target/compiled").rglob("*.sql"))) > 5
    assert all(
        (shop.root / path).read_text(encoding="utf-8").lstrip().startswith(("/*", "SELECT", "WITH"))
        for path in paths
    )
    manifest = json.loads((shop.root / "target/manifest.json").read_text(encoding="utf-8"))
    assert manifest["engine_version"] == __version__
    assert [metric["name"] for metric in manifest["metrics"]] == [
        "average_order_value",
        "orders_per_user",
        "revenue_per_user",
    ]
    assert not shop.database.exists()


def test_compile_reads_no_secret(shop: Shop) -> None:
    shop.change("profiles.yml", "path: shop.duckdb", "path: \"{{ env_var('NOT_SET_ANYWHERE') }}\"")
    assert shop.steelyard("compile").exit_code == 0
    result = shop.steelyard("run", *AS_OF)
    assert result.exit_code == 1
    assert "NOT_SET_ANYWHERE" in result.stderr


def test_explain_says_which_metrics_share_a_scan_and_why_one_does_not(shop: Shop) -> None:
    shop.metric(
        "select user_id, max(place) as n from (select user_id, ordered_at, row_number() over (partition by user_id "
        f"order by ordered_at) as place from orders {WINDOW}) as ranked group by user_id",
        name="last_place",
    )
    lines = shop.steelyard("compile", "--explain").stdout
    assert "metric average_order_value@1 (7d): shares the scan with revenue_per_user@1 (7d)" in lines
    assert "runs as written: it uses a window function" in lines
    assert "orders is scanned again by orders__2: " in lines


def test_explain_of_the_demo_fuses_and_says_what_it_could_not(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).parents[3]
    result = CliRunner().invoke(cli, ["compile", "--explain", "--project-dir", str(root)])
    assert result.exit_code == 0
    assert "exposures app: 10 experiments, one scan" in result.stdout
    assert "shares the scan with" in result.stdout
    assert "events is scanned again by events__2: " in result.stdout


def test_check_locks_what_is_new_and_refuses_what_has_changed(shop: Shop) -> None:
    result = shop.steelyard("check", "--locked")
    assert result.exit_code == 1
    assert "metrics.lock lacks average_order_value@1, orders_per_user@1, revenue_per_user@1" in result.stderr
    assert not (shop.root / "metrics.lock").exists()
    assert "metrics.lock: added average_order_value@1" in shop.steelyard("check").stdout
    assert shop.steelyard("check", "--locked").exit_code == 0
    locked = (shop.root / "metrics.lock").read_bytes()
    shop.change(
        "metrics/revenue_per_user.sql", "sum(revenue) as revenue", "SUM( revenue ) AS revenue -- same"
    )
    assert shop.steelyard("check").exit_code == 0
    shop.change("metrics/revenue_per_user.sql", "SUM( revenue )", "sum(revenue * 2)")
    result = shop.steelyard("check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "revenue_per_user@1 means something else than its version says" in result.stderr
    assert "-  SUM(revenue) AS revenue" in result.stderr
    assert "+  SUM(revenue * 2) AS revenue" in result.stderr
    assert "hint: raise version in the metric's config" in result.stderr
    shop.change("metrics/revenue_per_user.sql", "version=1", "version=2")
    result = shop.steelyard("check")
    assert "metrics.lock: added revenue_per_user@2" in result.stdout
    assert locked[:-3] in (shop.root / "metrics.lock").read_bytes() or b"revenue_per_user@1" in locked


@pytest.mark.long
def test_a_database_held_by_another_process_is_waited_for_then_named(shop: Shop) -> None:
    program = (
        "import duckdb, sys; c = duckdb.connect('shop.duckdb'); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=shop.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        result = process("run", *AS_OF, cwd=shop.root)
        assert holder.stdin is not None
        holder.stdin.close()
    assert (result.returncode, result.stdout) == (1, "")
    assert f"shop.duckdb is in use by process {holder.pid} (" in result.stderr
    assert "hint: wait for it to end or close it" in result.stderr
    assert "Traceback" not in result.stderr
    assert process("run", *AS_OF, cwd=shop.root).returncode == 0


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process's files are POSIX")
def test_a_disk_that_fills_up_keeps_what_was_published(shop: Shop) -> None:
    shop.steelyard("run", "--as-of", "2026-03-30")
    expected = shop.dump()
    program = (
        "import resource; from steelyard.cli.main import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000)); main(['run', '--as-of', '2026-04-05'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=shop.root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1, result.stderr
    assert "no space is left for the database or its temporary files" in result.stderr
    assert "hint: free some disk space" in result.stderr
    assert "Traceback" not in result.stderr
    left = shop.dump()
    for table in ("results", "timeseries", "decisions", "health"):
        assert left[table] == expected[table]
    assert shop.steelyard("run", *AS_OF).exit_code == 0
    assert shop.rows("select count(*) from steelyard.decisions where as_of = '2026-04-05'") == [(1,)]
