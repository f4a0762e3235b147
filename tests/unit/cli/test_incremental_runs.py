"""Runs that continue from state: what they read, what makes them begin anew, and what they say of it."""

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import Shop

from steelyard.analysis.increment import merged
from steelyard.compile.group import MomentQuery
from steelyard.errors import StatisticsError, WarehouseError
from steelyard.run import Project, RunOptions, near_shifts
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse
from steelyard.warehouse.state import read_states, save_state

# Each test runs a project on several days; `quick` is the sample of `make check`.
pytestmark = pytest.mark.long

NAME = "one-page-checkout"


def runs(shop: Shop, day: str, *arguments: str) -> dict[str, Any]:
    """Run as of a day, and return what ``run_results.json`` says of the experiment's state."""
    result = shop.steelyard("run", "--as-of", day, *arguments)
    assert result.exit_code in (0, 3), result.stderr
    written = json.loads((shop.root / "target" / "run_results.json").read_text(encoding="utf-8"))
    (experiment,) = written["experiments"]
    assert f"{NAME}: {experiment['state']['mode']}" in result.stderr
    return dict(experiment["state"])


@pytest.fixture
def changes_together(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the warehouse changes tables of state in place, in one transaction, or writes copies of them."""
    together = bool(getattr(request, "param", True))
    monkeypatch.setattr(DuckDBWarehouse, "changes_tables_together", together)
    return together


EITHER_WAY = pytest.mark.parametrize(
    "changes_together", [True, False], ids=["in place", "in copies"], indirect=True
)


@pytest.fixture
def kept(shop: Shop, changes_together: bool) -> Shop:
    """A shop with state: closed through 30 March, the cap on record."""
    assert runs(shop, "2026-03-31")["mode"] == "rebuilt"
    state = runs(shop, "2026-04-01")
    assert (state["mode"], state["reason"]) == ("rebuilt", f"metric revenue_per_user@1 (7d) of {NAME} is new")
    return shop


def closed_through(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.rows("select closed_through from steelyard.state")


def results(shop: Shop) -> list[tuple[Any, ...]]:
    """Return what is published of the last day, but for data that came late."""
    found = []
    for table in ("results", "timeseries", "health", "moments"):
        where = "where check_name <> 'data_late'" if table == "health" else ""
        found += shop.rows(f"select * exclude (run_id) from steelyard.{table} {where} order by all")
    return found


def assert_alike(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> None:
    """Compare rows; sums of several threads differ in their last digits, in numbers and where texts show them."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        for value, expected in zip(one, other, strict=True):
            if isinstance(expected, str):
                assert_texts_alike(value, expected)
            else:
                is_number = isinstance(expected, float)
                assert value == (pytest.approx(expected, rel=1e-9, abs=1e-12) if is_number else expected)


def assert_texts_alike(ours: str, theirs: str) -> None:
    """Compare texts; numbers in them may differ by one in the last digit that is shown."""
    parts = re.split(r"(\d+\.\d+)", ours), re.split(r"(\d+\.\d+)", theirs)
    assert len(parts[0]) == len(parts[1]), (ours, theirs)
    for number, (one, other) in enumerate(zip(*parts, strict=True)):
        if number % 2 == 0:
            assert one == other, (ours, theirs)
        else:
            last = 1.01 * 10.0 ** -len(other.partition(".")[2])
            assert float(one) == pytest.approx(float(other), rel=1e-9, abs=last), (ours, theirs)


def in_full(shop: Shop, folder: Path, day: str) -> list[tuple[Any, ...]]:
    """Return what stands after a run that uses no state, on a copy; rows that are the same stay as they are."""
    copy = Shop(Path(shutil.copytree(shop.root, folder)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBWarehouse, "keeps_state", False)
        assert runs(copy, day)["reason"] == "no state is kept on duckdb"
    return results(copy)


@pytest.mark.quick
def test_a_run_reads_open_days_only_and_the_time_before_the_exposure_of_new_units(
    kept: Shop, tmp_path: Path
) -> None:
    copy = Shop(Path(shutil.copytree(kept.root, tmp_path / "copy")))
    kept.execute(
        # Units that enter after 30 March are looked at from 17 March on, all others from 31 March on.
        "delete from orders where ordered_at < '2026-03-17'",
        "delete from orders where ordered_at < '2026-03-31' and user_id in "
        "(select user_id from exposures where exposed_at < '2026-03-31')",
        "delete from exposures where exposed_at < '2026-03-31'",
    )
    state = runs(kept, "2026-04-02")
    assert state == {
        "mode": "incremental",
        "reason": None,
        "closed_through": "2026-03-31",
        "read_from": "2026-04-02",
        "computed_in_full": {},
    }
    runs(copy, "2026-04-02")
    assert_alike(results(kept), results(copy))


def test_an_incremental_run_publishes_what_a_full_run_does(kept: Shop, tmp_path: Path) -> None:
    runs(kept, "2026-04-02")
    runs(kept, "2026-04-05")
    assert_alike(results(kept), in_full(kept, tmp_path / "copy", "2026-04-05"))


def test_units_seen_in_a_second_variant_leave_the_days_that_are_closed(kept: Shop, tmp_path: Path) -> None:
    kept.execute(
        "insert into exposures select experiment_id, user_id, "
        "case variant when 'control' then 'treatment' else 'control' end, '2026-04-02 12:00', platform "
        "from exposures where exposed_at < '2026-03-29' and hash(user_id) % 9 = 0"
    )
    assert runs(kept, "2026-04-02")["mode"] == "incremental"
    assert_alike(results(kept), in_full(kept, tmp_path / "open", "2026-04-02"))
    assert runs(kept, "2026-04-05")["closed_through"] == "2026-04-03"
    assert_alike(results(kept), in_full(kept, tmp_path / "closed", "2026-04-05"))


def test_the_same_run_again_reads_no_day_again_and_changes_nothing(kept: Shop) -> None:
    expected = results(kept)
    assert runs(kept, "2026-04-01")["read_from"] == "2026-04-02"
    assert results(kept) == expected


def reads_of_orders(shop: Shop) -> str:
    """Return the statement that has read the facts of the open days."""
    first, *_ = sorted((shop.root / "target" / "run").glob("*_recent_orders.sql"))
    return first.read_text(encoding="utf-8")


def test_open_days_that_are_as_they_were_are_not_read_again(kept: Shop, tmp_path: Path) -> None:
    assert runs(kept, "2026-04-02")["read_from"] == "2026-04-02"
    assert "'2026-04-02 00:00:00'" in reads_of_orders(kept)
    assert runs(kept, "2026-04-03")["read_from"] == "2026-04-03"
    assert_alike(results(kept), in_full(kept, tmp_path / "copy", "2026-04-03"))


CHANGES = {
    "a value": "update orders set revenue = revenue + 1 where ordered_at::date = '{day}'",
    "a unit": "update orders set user_id = (select min(user_id) from exposures) where ordered_at::date = '{day}'",
    "a day": "update orders set ordered_at = ordered_at - interval 1 day where ordered_at::date = '{day}'",
    "a row more": "insert into orders select * from orders where ordered_at::date = '{day}' limit 1",
    "no row": "delete from orders where ordered_at::date = '{day}'",
}


@EITHER_WAY
@pytest.mark.parametrize("change", CHANGES)
def test_an_open_day_is_read_again_with_those_after_it_where_anything_in_it_has_changed(
    change: str, kept: Shop, tmp_path: Path
) -> None:
    runs(kept, "2026-04-02")
    kept.execute(CHANGES[change].format(day="2026-04-02"))
    read_from = "2026-04-01" if change == "a day" else "2026-04-02"
    assert runs(kept, "2026-04-03")["read_from"] == read_from
    assert_alike(results(kept), in_full(kept, tmp_path / "next", "2026-04-03"))
    assert runs(kept, "2026-04-06")["closed_through"] == "2026-04-04"
    assert_alike(results(kept), in_full(kept, tmp_path / "later", "2026-04-06"))


@EITHER_WAY
def test_units_that_leave_take_what_they_did_on_open_days_with_them(kept: Shop, tmp_path: Path) -> None:
    # Rows that are no numbers are counted of everyone who is analysed.
    kept.execute(
        "update orders set revenue = 'NaN' where ordered_at::date = '2026-04-02' and hash(user_id) % 7 = 0"
    )
    runs(kept, "2026-04-02")
    kept.execute(
        "insert into exposures select experiment_id, user_id, "
        "case variant when 'control' then 'treatment' else 'control' end, '2026-04-03 12:00', platform "
        "from exposures where exposed_at < '2026-04-01' and hash(user_id) % 7 = 0"
    )
    assert runs(kept, "2026-04-03")["read_from"] == "2026-04-03"
    assert_alike(results(kept), in_full(kept, tmp_path / "open", "2026-04-03"))
    runs(kept, "2026-04-04")
    assert_alike(results(kept), in_full(kept, tmp_path / "next", "2026-04-04"))
    runs(kept, "2026-04-06")
    assert_alike(results(kept), in_full(kept, tmp_path / "closed", "2026-04-06"))


def test_a_run_as_of_an_open_day_leaves_out_the_days_after_it_that_another_has_read(
    kept: Shop, tmp_path: Path
) -> None:
    runs(kept, "2026-04-03")
    assert runs(kept, "2026-04-02")["read_from"] == "2026-04-03"
    again = in_full(kept, tmp_path / "copy", "2026-04-02")
    assert_alike(results(kept), again)
    runs(kept, "2026-04-04")
    assert_alike(results(kept), in_full(kept, tmp_path / "later", "2026-04-04"))


def test_rows_within_the_lateness_count_and_later_ones_are_told_until_a_full_refresh(kept: Shop) -> None:
    again = "insert into orders select user_id, ordered_at, revenue from orders where ordered_at::date = "
    kept.execute(f"{again} '2026-03-31'")
    (late,) = kept.rows("select count(*) from orders where ordered_at::date = '2026-03-30'")[0]
    kept.execute(f"{again} '2026-03-30'")
    runs(kept, "2026-04-02")
    status, detail = kept.health("data_late")
    assert status == "warn"
    assert f"facts orders: {late} rows came, of 2026-03-30 to 2026-03-30" in detail
    before = results(kept)
    assert runs(kept, "2026-04-02", "--full-refresh")["reason"] == "a full refresh was asked for"
    assert results(kept) != before
    assert not kept.rows("select * from steelyard.health where check_name = 'data_late'")


def test_rows_that_go_away_are_told_as_well(kept: Shop) -> None:
    kept.execute("delete from exposures where exposed_at::date = '2026-03-29'")
    runs(kept, "2026-04-02")
    assert "rows went, of 2026-03-29 to 2026-03-29" in kept.health("data_late")[1]


def test_a_metric_that_is_added_has_its_history(kept: Shop, tmp_path: Path) -> None:
    kept.metric("select user_id, max(revenue) as best from orders where ordered_at >= :start and "
                "ordered_at < :end group by user_id", name="best")  # fmt: skip
    state = runs(kept, "2026-04-02")
    assert state["mode"] == "rebuilt"
    assert state["reason"] == (
        f"metric orders_per_user@1 (7d) of {NAME} is gone, metric best@1 (7d) of {NAME} is new"
    )
    assert kept.rows("select count(distinct as_of) > 10 from steelyard.moments where metric = 'best'") == [
        (True,)
    ]
    assert_alike(results(kept), in_full(kept, tmp_path / "copy", "2026-04-02"))


def test_a_new_version_of_a_metric_is_rebuilt_and_the_old_ones_rows_stay(kept: Shop) -> None:
    count = "select count(*) from steelyard.results where metric = 'orders_per_user' and metric_version = "
    before = kept.rows(f"{count} 1")
    old = (kept.root / "metrics/orders_per_user.sql").read_text(encoding="utf-8")
    kept.write(
        "metrics/orders_per_user@2.sql",
        old.replace("version=1", "version=2").replace("count(*)", "2 * count(*)"),
    )
    state = runs(kept, "2026-04-02")
    assert (state["mode"], "metric orders_per_user@2 (7d)" in state["reason"]) == ("rebuilt", True)
    assert kept.rows(f"{count} 1") == before
    assert kept.rows(f"{count} 2") > [(0,)]


def test_a_changed_experiment_is_rebuilt(kept: Shop) -> None:
    kept.change(kept.experiment, "end: 2026-04-05", "end: 2026-04-06")
    assert runs(kept, "2026-04-02")["reason"] == f"experiment {NAME} has changed"
    kept.change(kept.experiment, "owner: you", "owner: them")
    assert runs(kept, "2026-04-03")["mode"] == "incremental"


def test_a_past_day_is_computed_in_full_and_leaves_the_state_alone(kept: Shop) -> None:
    before = closed_through(kept)
    state = runs(kept, "2026-03-25")
    assert (state["mode"], state["reason"]) == (
        "full",
        "2026-03-25 is before 2026-03-30, the last closed day",
    )
    assert closed_through(kept) == before == [(date(2026, 3, 30),)]
    assert runs(kept, "2026-04-02")["mode"] == "incremental"


def test_a_day_before_another_experiment_has_begun_leaves_the_state_of_both_alone(kept: Shop) -> None:
    kept.second_experiment("later")
    kept.change("experiments/later.yml", "start: 2026-03-16", "start: 2026-03-27")
    kept.steelyard("run", "--as-of", "2026-04-01", "--full-refresh")
    before = kept.rows("select experiments, closed_through from steelyard.state")
    assert len(before) == 1
    kept.steelyard("run", "--as-of", "2026-03-25")
    written = json.loads((kept.root / "target" / "run_results.json").read_text(encoding="utf-8"))
    state = next(one["state"] for one in written["experiments"] if one["experiment_id"] == NAME)
    assert state["reason"] == "2026-03-25 is before 2026-03-30, the last closed day"
    assert kept.rows("select experiments, closed_through from steelyard.state") == before


@pytest.mark.parametrize("ahead", [0, 400])
def test_days_that_have_not_ended_are_not_closed(kept: Shop, ahead: int) -> None:
    """What happens on them is still to come, whatever day a run is asked for."""
    today = datetime.now(UTC).date()
    runs(kept, (today + timedelta(days=ahead)).isoformat())
    ((closed,),) = closed_through(kept)
    assert timedelta(days=3) <= today - closed <= timedelta(days=4)
    assert runs(kept, (today + timedelta(days=1)).isoformat())["mode"] == "incremental"


def test_state_of_another_version_of_the_engine_is_not_used(kept: Shop) -> None:
    kept.execute("update steelyard.state set parts = replace(parts, 'state ', 'state -')")
    assert runs(kept, "2026-04-02")["reason"] == "the engine has changed"


def test_state_with_a_missing_table_is_not_used(kept: Shop) -> None:
    ((block,),) = kept.rows("select block from steelyard.state")
    kept.execute(f'drop table steelyard."state_{block}_totals_1"')
    assert runs(kept, "2026-04-02")["reason"] == f"the table state_{block}_totals_1 is missing"
    assert runs(kept, "2026-04-03")["mode"] == "incremental"


def test_latest_uses_no_state_and_says_so(kept: Shop) -> None:
    assert runs(kept, "2026-04-02", "--latest")["reason"] == "--latest computes one day"


def test_what_cannot_be_continued_is_computed_in_full_and_explained(kept: Shop) -> None:
    kept.metric("select user_id, count(distinct revenue) as n from orders where ordered_at >= :start and "
                "ordered_at < :end group by user_id", name="distinct_orders")  # fmt: skip
    state = runs(kept, "2026-04-02")
    assert state["computed_in_full"] == {
        "distinct_orders@1 (7d)": "COUNT(DISTINCT revenue) does not merge over days"
    }
    assert (
        "not incremental, in full by every run: COUNT(DISTINCT revenue)"
        in kept.steelyard("compile", "--explain").stdout
    )


def test_a_constant_far_from_the_mean_makes_the_state_useless_and_is_told(
    kept: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_shifts, "FARTHEST_SHIFT", 0.0)
    monkeypatch.setattr(near_shifts, "FRESH_ERRORS", -1e9)
    state = runs(kept, "2026-04-02")
    assert state["mode"] == "full"
    assert "have moved far away from the constant" in state["reason"]


def test_metrics_that_change_places_in_the_file_continue_with_their_own_numbers(
    kept: Shop, tmp_path: Path
) -> None:
    """A column of the state is that of a metric, wherever the experiment names it."""
    runs(kept, "2026-04-02")
    kept.change(
        kept.experiment,
        "primary: {metric: orders_per_user, mde: 10%}\n  guardrails:\n    - {metric: average_order_value, margin: 10%}",
        "primary: {metric: average_order_value, mde: 10%}\n  guardrails:\n    - {metric: orders_per_user, margin: 10%}",
    )
    assert runs(kept, "2026-04-03")["mode"] == "incremental"
    assert_alike(results(kept), in_full(kept, tmp_path / "copy", "2026-04-03"))


def test_an_outlier_in_one_variant_does_not_make_the_state_useless(kept: Shop) -> None:
    """The other variant's mean is far from the constant for its spread, and would be as far from a new one."""
    kept.metric("select user_id, sum(revenue) as n from orders where ordered_at >= :start and "
                "ordered_at < :end group by user_id", name="revenue_with_outlier")  # fmt: skip
    kept.execute(
        "update orders set revenue = 4e6 where user_id = (select min(orders.user_id) from orders "
        "join exposures using (user_id) where variant = 'treatment' and exposed_at < '2026-03-24' "
        "and ordered_at between exposed_at and exposed_at + interval 5 day) and ordered_at >= '2026-03-16'"
    )
    assert f"metric revenue_with_outlier@1 (7d) of {NAME} is new" in runs(kept, "2026-04-02")["reason"]
    state = runs(kept, "2026-04-03")
    assert (state["mode"], state["reason"]) == ("incremental", None)


def test_state_that_another_run_has_changed_is_not_written(kept: Shop) -> None:
    with Project.load(kept.root).connect() as warehouse:
        (state,) = read_states(warehouse, "steelyard", "app")
        with pytest.raises(WarehouseError, match="another run has changed the state"):
            save_state(warehouse, "steelyard", state, [], before=None)


def test_state_with_other_sums_is_refused(kept: Shop) -> None:
    kept.execute("""update steelyard.state set content = replace(content, '"m1", ', '"m1", "m0", ')""")
    assert "the state has other sums than" in runs(kept, "2026-04-02")["reason"]


def test_rows_of_another_length_are_refused() -> None:
    query = MomentQuery(
        name="q",
        moments=None,
        terms=["m1"],
        layouts=[],
        by_day=True,
        shifts=None,
        shift_names={},  # type: ignore[arg-type]
    )
    with pytest.raises(StatisticsError, match="the state has other sums than q"):
        merged(query, 1, [(1, 2.0, 3.0)])


@pytest.mark.parametrize("status", ["stopped", "decided"])
def test_an_experiment_that_has_ended_begins_no_state_but_continues_what_it_has(
    shop: Shop, status: str
) -> None:
    shop.change(Shop.experiment, "status: running", f"status: {status}")
    assert runs(shop, "2026-04-01") == {
        "mode": "full",
        "reason": "it has ended, so no state is begun",
        "closed_through": None,
        "read_from": None,
        "computed_in_full": {},
    }
    shop.change(Shop.experiment, f"status: {status}", "status: running")
    runs(shop, "2026-04-01")
    runs(shop, "2026-04-02")
    shop.change(Shop.experiment, "status: running", f"status: {status}")
    assert runs(shop, "2026-04-03")["mode"] == "incremental"


def test_states_that_advance_in_one_run_leave_the_statements_of_each(kept: Shop) -> None:
    written = kept.root / "experiments" / f"{NAME}.yml"
    other = written.with_name("another-checkout.yml")
    other.write_text(written.read_text(encoding="utf-8").replace(NAME, "another-checkout"), encoding="utf-8")
    kept.execute(
        "insert into exposures select * replace ('another-checkout' as experiment_id) from exposures "
        f"where experiment_id = '{NAME}'"
    )
    result = Project.load(kept.root).run(RunOptions(as_of=date(2026, 4, 2)))
    assert {name: reuse.mode for name, reuse in result.reused.items()} == {
        NAME: "incremental",
        "another-checkout": "rebuilt",
    }
    (said,) = result.statements.values()
    assert "2026-04-02 00:00:00" in said["close_recent_orders"]
    assert said["close_recent_orders_2"] != said["close_recent_orders"]


def test_an_output_can_do_without_state(shop: Shop) -> None:
    path = shop.root / "profiles.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("path: shop.duckdb", "path: shop.duckdb\n      incremental: false"), encoding="utf-8"
    )
    state = runs(shop, "2026-03-31")
    assert (state["mode"], state["reason"]) == ("full", "the output in profiles.yml has incremental: false")
    assert closed_through(shop) == []
    told = shop.steelyard("debug")
    assert "state: the output has incremental: false, so that every run is a full one" in told.stdout


def test_a_warehouse_without_state_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DuckDBWarehouse, "keeps_state", False)
    assert runs(shop, "2026-03-31")["reason"] == "no state is kept on duckdb"
    told = shop.steelyard("debug")
    assert "state: none is kept on duckdb, so that every run is a full one" in told.stdout
