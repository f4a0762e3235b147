"""The life of a sequential test: looked at day by day, late data, re-runs, and what comes after its plan."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml
from tests.e2e.conftest import copy_demo, load, steelyard

from steelyard.run import Project, RunOptions, RunResult

pytestmark = pytest.mark.long

USERS = 15_000
NAME = "ranking-service-aa"
START, END = date(2026, 4, 1), date(2026, 4, 14)
LAST = END + timedelta(days=7)
DAYS = [START + timedelta(days=number) for number in range((LAST - START).days + 1)]

Row = dict[str, Any]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small storefront whose one experiment lasts two weeks."""
    folder = copy_demo(tmp_path_factory.mktemp("small"))
    for path in (folder / "experiments").iterdir():
        if path.stem != NAME:
            path.unlink()
    rewrite(
        folder,
        design="fixed_split",
        end=END,
        metrics=METRICS,
        duration={"target_sample_size_per_variant": 20_000},
    )
    data = folder / "fixtures" / "data"
    data.mkdir(parents=True)
    for name, table in load("generate").build(users=USERS).items():
        pq.write_table(table, data / f"{name}.parquet")
    seeding = steelyard(folder, "seed")
    assert seeding.exit_code == 0, seeding.output
    return folder


METRICS = {
    "primary": ["conversion"],
    "secondary": [{"metric": "checkout_rate", "mde": "5%"}],
    "guardrails": [{"metric": "orders_per_user", "margin": "10%"}],
}


def rewrite(folder: Path, **changes: Any) -> None:
    """Change keys of the experiment's file."""
    path = folder / "experiments" / f"{NAME}.yml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**spec, **changes}), encoding="utf-8")


@pytest.fixture
def fresh(seeded: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that makes a copy that a test may change."""

    def make(name: str) -> Path:
        return Path(shutil.copytree(seeded, tmp_path / name))

    return make


def run(folder: Path, day: date, *, full_refresh: bool = False) -> RunResult:
    result = Project.load(folder).run(RunOptions(as_of=day, full_refresh=full_refresh))
    assert not result.failures, result.failures
    return result


def table(folder: Path, name: str, where: str = "true") -> list[Row]:
    with duckdb.connect(str(folder / "storefront.duckdb"), read_only=True) as connection:
        found = connection.execute(f"select * from steelyard.{name} where {where} order by all")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def change(folder: Path, *statements: str) -> None:
    with duckdb.connect(str(folder / "storefront.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


KEYS = ("metric", "variant", "hypothesis")


def assert_same(left: list[Row], right: list[Row]) -> None:
    """Compare rows but for the run that wrote them; sums over threads differ in their last digits."""
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            if isinstance(value, float):
                assert other[name] == pytest.approx(value, rel=1e-8, abs=1e-10), name
            elif name != "run_id":
                assert other[name] == value, name


def by_key(rows: list[Row]) -> list[Row]:
    return sorted(
        rows, key=lambda row: tuple(str(row.get(name)) for name in (*KEYS, "dimension", "segment", "look"))
    )


def test_looking_every_other_day_gives_the_looks_and_results_of_one_run_at_the_end(
    fresh: Callable[[str], Path],
) -> None:
    daily, once = fresh("daily"), fresh("once")
    for day in [*DAYS[1:-1:3], DAYS[-1]]:
        run(daily, day)
    run(once, LAST)
    assert_same(by_key(table(daily, "looks")), by_key(table(once, "looks")))
    for day in DAYS[1:-1:3]:
        then = by_key(table(daily, "results", f"as_of = date '{day}'"))
        now = by_key(table(once, "timeseries", f"as_of = date '{day}'"))
        # On the day itself the file's plan is all that is known of the days to come, as it is later.
        assert_same(then, now)


def test_a_past_day_run_late_gives_what_that_day_gave(fresh: Callable[[str], Path]) -> None:
    then, later = fresh("then"), fresh("later")
    day = START + timedelta(days=12)
    run(then, day)
    run(later, LAST)
    run(later, day)
    for name in ("results", "decisions", "health"):
        assert_same(
            by_key(table(then, name, f"as_of = date '{day}'")),
            by_key(table(later, name, f"as_of = date '{day}'")),
        )


def test_the_same_run_twice_adds_nothing(fresh: Callable[[str], Path]) -> None:
    folder = fresh("twice")
    run(folder, DAYS[10])
    tables = ("looks", "results", "timeseries", "moments", "decisions", "health")
    before = {name: table(folder, name) for name in tables}
    again = run(folder, DAYS[10])
    assert {name: table(folder, name) for name in tables} == before
    assert all(count == 0 for name, count in again.published[NAME].items() if name in tables)


def test_looks_stay_when_the_data_change_and_new_ones_continue_from_them(
    fresh: Callable[[str], Path],
) -> None:
    folder = fresh("late")
    run(folder, DAYS[11])
    before = by_key(table(folder, "looks"))
    change(
        folder,
        "insert into orders select order_id + 10000000, user_id, ordered_at + interval 1 minute, revenue, items"
        " from orders where hash(user_id) % 5 = 0",
        "delete from events where event_date = date '2026-04-05' and event_type = 'checkout_completed'",
    )
    run(folder, DAYS[12])
    after = by_key(table(folder, "looks"))
    old = [row for row in after if row["as_of"] <= DAYS[11]]
    assert old == before
    for row in after:
        if row["as_of"] == DAYS[12]:
            last = max(one["look"] for one in before if all(one[key] == row[key] for key in KEYS))
            assert row["look"] == last + 1
            spent = [one["alpha_spent"] for one in before if all(one[key] == row[key] for key in KEYS)]
            assert row["alpha_spent"] >= max(spent)
    run(folder, DAYS[12], full_refresh=True)
    replayed = by_key(table(folder, "looks"))
    assert len(replayed) == len(after)
    assert [row["statistic"] for row in replayed] != [row["statistic"] for row in after]


def test_an_experiment_that_ends_before_its_target_spends_the_rest_when_its_windows_have_closed(
    fresh: Callable[[str], Path],
) -> None:
    folder = fresh("under")
    run(folder, LAST)
    for metric, lag in (("conversion", 7), ("checkout_rate", 6)):
        looks = table(folder, "looks", f"metric = '{metric}' and hypothesis = 'superiority'")
        looks.sort(key=lambda row: row["look"])
        (last,) = [row for row in looks if row["as_of"] == END + timedelta(days=lag)]
        before = looks[last["look"] - 2]
        assert before["fraction"] < 0.6
        assert (last["fraction"], last["alpha_spent"]) == (1.0, pytest.approx(0.025))
        assert last["bound"] < before["bound"]
    (decision,) = table(folder, "decisions")
    assert decision["decision"] != "keep_running"


def test_nothing_is_spent_after_the_target_and_the_decision_stands(fresh: Callable[[str], Path]) -> None:
    folder = fresh("over")
    rewrite(folder, duration={"target_sample_size_per_variant": 400})
    run(folder, LAST)
    for metric in ("conversion", "checkout_rate", "orders_per_user"):
        looks = sorted(
            table(folder, "looks", f"metric = '{metric}' and hypothesis <> 'deterioration'"),
            key=lambda row: row["look"],
        )
        (final,) = [row for row in looks if row["fraction"] == 1.0 and row["bound"] is not None]
        later = [row for row in looks if row["look"] > final["look"]]
        assert later
        assert {row["alpha_spent"] for row in later} == {final["alpha_spent"]}
        assert {row["bound"] for row in later} == {None}
        states = table(
            folder,
            "timeseries",
            f"metric = '{metric}' and hypothesis <> 'deterioration' and dimension = '' and as_of > '{final['as_of']}'",
        )
        assert {row["test_state"] for row in states} == {"final"}
        assert {row["significant"] for row in states} == {any(row["crossed"] for row in looks)}


def test_a_test_that_has_spent_everything_is_over_although_its_end_is_to_come(
    fresh: Callable[[str], Path],
) -> None:
    folder = fresh("spent")
    rewrite(
        folder,
        end=date(2026, 5, 30),
        metrics={"primary": ["conversion"]},
        duration={"target_sample_size_per_variant": 400},
    )
    run(folder, date(2026, 4, 20))
    (decision,) = table(folder, "decisions")
    assert decision["decision"] == "do_not_ship"


def test_a_percentile_cap_is_kept_for_the_experiment(fresh: Callable[[str], Path]) -> None:
    folder = fresh("caps")
    rewrite(folder, metrics={"primary": ["revenue_per_user"]})
    run(folder, DAYS[9])
    caps, early = table(folder, "caps"), table(folder, "looks")
    assert {row["metric"] for row in caps} == {"revenue_per_user"}
    # The caps that decide; others are shown beside them.
    assert len([row for row in caps if "capped_at" not in row["name"]]) == 2
    run(folder, DAYS[14])
    assert table(folder, "caps") == caps
    change(folder, "update orders set revenue = 10 * revenue where ordered_at >= timestamp '2026-04-03'")
    run(folder, DAYS[15])
    assert table(folder, "caps") == caps
    assert [row for row in table(folder, "looks") if row["as_of"] <= DAYS[9]] == early
    run(folder, DAYS[15], full_refresh=True)
    again = table(folder, "caps")
    assert {row["as_of"] for row in again} == {DAYS[15]}
    outcome = [row["value"] for row in again if "value" in row["name"]]
    assert outcome > [row["value"] for row in caps if "value" in row["name"]]


def test_a_run_of_the_latest_day_leaves_earlier_days_alone(fresh: Callable[[str], Path]) -> None:
    """Without the series, an open window's value on an earlier day would hold rows of later ones."""
    folder = fresh("latest")
    rewrite(folder, metrics={"primary": ["orders_per_user"]}, analysis={"test": "fixed"})
    run(folder, END)
    series = {name: by_key(table(folder, name)) for name in ("timeseries", "moments", "results")}
    Project.load(folder).run(RunOptions(as_of=END, is_series=False))
    for name, rows in series.items():
        assert_same(by_key(table(folder, name)), rows)
