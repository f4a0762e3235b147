"""What a scheduler relies on: the file of a run's results, budgets, comments in statements, interrupted runs."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from steelyard.analysis.collect import unused_name
from steelyard.errors import WarehouseError
from steelyard.run import Project, RunOptions
from steelyard.run.artifacts import write_statements
from steelyard.run.budget import require_budget, shown_size
from steelyard.run.provenance import run_label
from steelyard.warehouse.base import Asked, Warehouse
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse

AS_OF = ("--as-of", "2026-04-05")
Shop = Any


def run_results(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shop.root / "target/run_results.json").read_text(encoding="utf-8"))
    return found


def test_a_run_leaves_its_results_as_a_file(shop: Shop) -> None:
    shop.second_experiment(primary="orders_per_user")
    shop.change(
        "experiments/other.yml", "start: 2026-03-16\nend: 2026-04-05", "start: 2026-05-01\nend: 2026-05-09"
    )
    result = shop.steelyard("run", *AS_OF)
    found = run_results(shop)
    first, other = sorted(found["experiments"], key=lambda one: one["status"] == "skipped")
    assert result.exit_code == 0
    assert (found["status"], found["as_of"], found["target"]) == ("success", "2026-04-05", "dev")
    assert found["run_id"] == shop.rows("select run_id from steelyard.runs")[0][0]
    assert first["experiment_id"] == "one-page-checkout"
    assert first["is_healthy"] is True
    assert first["rows_written"]["results"] == shop.rows("select count(*) from steelyard.results")[0][0]
    assert first["decisions"][0]["decision"] == shop.rows("select decision from steelyard.decisions")[0][0]
    assert other == {
        "experiment_id": "other",
        "status": "skipped",
        "reason": "it starts on 2026-05-01, after 2026-04-05",
    }


def written(shop: Shop) -> list[tuple[str, str]]:
    files = sorted((shop.root / "target/run").iterdir())
    assert [file.name.split("_")[0] for file in files] == [f"{n:03}" for n in range(1, len(files) + 1)]
    return [(file.stem.split("_", 1)[1], file.read_text(encoding="utf-8")) for file in files]


def test_every_statement_of_a_run_is_in_a_file(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def listened(real: Any) -> Any:
        def tell(self: Any, *given: Any) -> Any:
            asked.extend(one for one in given if isinstance(one, str) and one.startswith("/* steelyard: "))
            return real(self, *given)

        return tell

    for method in ("query", "create_temporary"):
        monkeypatch.setattr(DuckDBWarehouse, method, listened(getattr(DuckDBWarehouse, method)))
    shop.second_experiment(primary="orders_per_user")
    shop.change("experiments/other.yml", "start:", "salt: other\nstart:")
    shop.metric(
        "select user_id, sum(nothing) as m from orders"
        " where ordered_at >= :start and ordered_at < :end group by user_id"
    )
    for is_again in (False, True):
        asked.clear()
        shop.steelyard("run", *AS_OF)
        found = written(shop)
        assert [text for _, text in found if text.startswith("/* steelyard: ")] == [
            f"{one}\n" for one in asked
        ]
        assert len(asked) > 10
        unlabelled = {name for name, text in found if not text.startswith("/* steelyard: ")}
        assert unlabelled >= {"audited", "recomputed", "audit_counts", "audit_trials"}
        kinds = {name.split("_")[0] for name in unlabelled}
        assert ("create" in kinds) is not is_again


def test_runs_at_once_leave_the_statements_of_one_of_them(shop: Shop) -> None:
    files = Project.load(shop.root).files

    def write(number: int) -> None:
        write_statements(files, [Asked("caps", f"{number} {k}") for k in range(5)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))
    texts = [text.split() for _, text in written(shop)]
    assert [k for _, k in texts] == ["0", "1", "2", "3", "4"]
    assert len({number for number, _ in texts}) == 1
    assert not list((shop.root / "target").glob(".run*"))


def test_a_run_that_could_not_write_its_results_does_not_begin(shop: Shop) -> None:
    (shop.root / "target").write_text("no folder", encoding="utf-8")
    result = shop.steelyard("run", *AS_OF)
    assert result.exit_code == 1
    assert (
        "target: nothing can be written there: File exists\n  hint: a run leaves its results" in result.stderr
    )


def test_statements_take_the_place_of_a_file_of_their_name(shop: Shop) -> None:
    (shop.root / "target").mkdir()
    (shop.root / "target/run").write_text("no folder", encoding="utf-8")
    write_statements(Project.load(shop.root).files, [Asked("caps", "select 1")])
    assert written(shop) == [("caps", "select 1\n")]


def test_statements_with_one_name_are_numbered() -> None:
    said: dict[str, str] = {}
    for text in ("a", "b", "c"):
        said[unused_name("caps", said)] = text
    assert said == {"caps": "a", "caps_2": "b", "caps_3": "c"}


def test_a_failure_is_in_the_file_too(shop: Shop) -> None:
    shop.metric(
        "select user_id, sum(nothing) as m from orders"
        " where ordered_at >= :start and ordered_at < :end group by user_id"
    )
    result = shop.steelyard("run", *AS_OF)
    (one,) = run_results(shop)["experiments"]
    assert result.exit_code == 1
    assert run_results(shop)["status"] == one["status"] == "error"
    assert "nothing" in one["error"]


@pytest.mark.long
def test_a_run_that_cannot_begin_leaves_no_older_results(shop: Shop) -> None:
    shop.steelyard("run", *AS_OF)
    shop.execute("drop table exposures")
    assert shop.steelyard("run").exit_code == 1
    found = run_results(shop)
    assert (found["status"], found["experiments"], found["run_id"]) == ("error", [], None)
    assert "exposures" in found["error"]


def test_a_run_over_its_budget_reads_and_writes_nothing(shop: Shop) -> None:
    before = shop.database.read_bytes()
    result = shop.steelyard("run", *AS_OF, "--max-rows", "100")
    assert result.exit_code == 1
    assert re.search(r"--max-rows: the run would read [\d,]+ rows, more than 100\n", result.stderr)
    assert shop.database.read_bytes() == before
    result = shop.steelyard("run", *AS_OF, "--max-bytes", "1000")
    assert re.search(r"--max-bytes: the run would read [\d.]+ kB, more than 1.0 kB\n", result.stderr)
    assert shop.database.read_bytes() == before


@pytest.mark.long
def test_a_dry_run_says_what_would_be_read_and_keeps_the_budget(shop: Shop) -> None:
    rows = shop.rows("select (select count(*) from exposures) + (select count(*) from orders)")[0][0]
    result = shop.steelyard("run", *AS_OF, "--dry-run")
    assert f"a run reads at most {rows:,} rows" in result.stdout.splitlines()[-1]
    assert shop.steelyard("run", *AS_OF, "--dry-run", "--max-rows", str(rows - 1)).exit_code == 1
    assert shop.steelyard("run", *AS_OF, "--max-rows", str(rows)).exit_code == 0


def test_a_warehouse_that_does_not_tell_refuses_a_budget(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DuckDBWarehouse, "reading", Warehouse.reading)
    project = Project.load(shop.root)
    with (
        project.connect() as warehouse,
        pytest.raises(WarehouseError, match="duckdb does not tell what a query would read"),
    ):
        require_budget(project.plans(), warehouse, RunOptions(max_rows=1))


def test_sizes_are_shown_in_their_unit() -> None:
    assert [shown_size(size) for size in (0, 999, 1000, 2_500_000, 10**18)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "2.5 MB",
        "1000.0 PB",
    ]


@pytest.mark.long
def test_every_statement_that_reads_says_whose_it_is(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    create = DuckDBWarehouse.create_temporary

    def recorded(self: DuckDBWarehouse, name: str, sql: str) -> None:
        seen.append(sql)
        create(self, name, sql)

    monkeypatch.setattr(DuckDBWarehouse, "create_temporary", recorded)
    result = Project.load(shop.root).run()
    label = f"/* steelyard: run {result.run_id}, experiments one-page-checkout, statement "
    assert seen
    assert all(sql.startswith(label) for sql in seen)


def test_a_label_cannot_end_its_comment() -> None:
    assert "*/" not in run_label("1", ["a*/ drop table x"])


@pytest.mark.long
def test_a_run_that_was_killed_is_on_record_as_ended(shop: Shop) -> None:
    shop.steelyard("run", *AS_OF)
    shop.execute("update steelyard.runs set status = 'running', run_id = 'killed'")
    shop.steelyard("run", *AS_OF)
    rows = shop.rows("select run_id = 'killed', status, failures from steelyard.runs order by 1")
    assert [row[:2] for row in rows] == [(False, "success"), (True, "error")]
    assert "the process ended before the run did" in rows[1][2]
    assert not list(Path(shop.root / "target").glob(".run_results*"))
