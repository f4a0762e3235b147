"""What publishing replaces, keeps and refuses."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.publish import publish_experiment, publish_run
from steelyard.warehouse.read import read_looks, read_moments, read_rows

START = date(2026, 4, 1)
Publish = Callable[..., dict[str, int]]


def day(number: int) -> date:
    """Return day 1, 2 and so on of the experiment."""
    return START + timedelta(days=number - 1)


def comparison(number: int, run: str = "r1", **values: Any) -> dict[str, Any]:
    given = {
        "run_id": run,
        "as_of": day(number),
        "metric": "revenue",
        "metric_version": 1,
        "variant": "treatment",
    }
    return {**given, "hypothesis": "superiority", "effect": 0.5 * number, "std_error": 0.1, **values}


def look(number: int, **values: Any) -> dict[str, Any]:
    given = {"metric": "revenue", "variant": "treatment", "hypothesis": "superiority", "look": number}
    return {**given, "as_of": day(number), "alpha_spent": 0.001 * number, "crossed": False, **values}


def moments(number: int, run: str = "r1", **values: Any) -> dict[str, Any]:
    given = {
        "run_id": run,
        "as_of": day(number),
        "metric": "revenue",
        "metric_version": 1,
        "variant": "control",
    }
    cells = {"n": 100 * number, "columns": ["y", "x"], "means": [1.5, 0.1], "m2": [[4.0, 0.2], [0.2, 9.0]]}
    return {**given, **cells, **values}


@pytest.fixture
def publish(published: Warehouse) -> Publish:
    def call(
        number: int, *, experiment: str = "checkout", full_refresh: bool = False, **tables: Any
    ) -> dict[str, int]:
        return publish_experiment(
            published,
            "steelyard",
            experiment_id=experiment,
            as_of=day(number),
            tables=tables,
            full_refresh=full_refresh,
        )

    return call


def column(warehouse: Warehouse, table: str, name: str, **where: Any) -> list[Any]:
    return [row[name] for row in read_rows(warehouse, "steelyard", table, where)]


def test_rows_come_back_as_they_were_published(published: Warehouse, publish: Publish) -> None:
    exact = 0.1 + 0.2
    publish(
        1,
        results=[comparison(1, effect=exact, significant=True, n_control=2**40, reason="because of “x”")],
        decisions=[
            {"run_id": "r1", "variant": "treatment", "decision": "ship", "reasons": ["a 'quote'", "é"]}
        ],
        health=[{"check_name": "srm", "status": "pass", "p_value": 0.5}],
        learning=[{"outcome": "win", "learned": True}],
        moments=[moments(1, means=[exact, 1e-300], m2=[[1e300, -exact], [-exact, 5e-324]])],
    )
    (result,) = read_rows(published, "steelyard", "results")
    assert (result["experiment_id"], result["as_of"], result["segment"]) == ("checkout", day(1), "")
    assert (result["effect"], result["significant"], result["n_control"]) == (exact, True, 2**40)
    assert result["reason"] == "because of “x”"
    assert result["p_value"] is None
    (decision,) = read_rows(published, "steelyard", "decisions")
    assert decision["reasons"] == ["a 'quote'", "é"]
    (cell,) = read_moments(published, "steelyard", "checkout")
    assert cell["columns"] == ["y", "x"]
    assert cell["means"] == [exact, 1e-300]
    assert cell["m2"] == [[1e300, -exact], [-exact, 5e-324]]
    (health,) = read_rows(published, "steelyard", "health")
    assert (health["metric"], health["variant"], health["threshold"]) == ("", "", None)


def test_results_of_a_day_are_replaced_and_others_stay(published: Warehouse, publish: Publish) -> None:
    publish(1, results=[comparison(1)])
    publish(2, results=[comparison(2), comparison(2, metric="orders")])
    publish(2, experiment="other", results=[comparison(2)])
    assert publish(2, results=[comparison(2, effect=7.0)]) == {"results": 1}
    assert column(published, "results", "effect", experiment_id="checkout") == [0.5, 7.0]
    assert column(published, "results", "effect", experiment_id="other") == [1.0]
    publish(2, results=[])
    assert column(published, "results", "as_of", experiment_id="checkout") == [day(1)]


def test_a_table_that_is_not_named_stays(published: Warehouse, publish: Publish) -> None:
    publish(1, results=[comparison(1)], decisions=[{"variant": "treatment", "decision": "ship"}])
    publish(1, results=[])
    assert column(published, "decisions", "decision") == ["ship"]


def test_days_after_the_analysis_and_days_that_do_not_come_stay(
    published: Warehouse, publish: Publish
) -> None:
    publish(4, timeseries=[comparison(n) for n in (1, 2, 3, 4)], moments=[moments(n) for n in (1, 2, 3, 4)])
    written = publish(
        3,
        timeseries=[comparison(n, "r2", effect=9.0) for n in (2, 3)],
        moments=[moments(n, "r2", n=7) for n in (2, 3)],
    )
    assert written == {"timeseries": 2, "moments": 2}
    assert column(published, "timeseries", "effect") == [0.5, 9.0, 9.0, 2.0]
    assert column(published, "moments", "n") == [100, 7, 7, 400]
    assert len(read_moments(published, "steelyard", "checkout", until=day(2))) == 2


def test_moments_of_another_version_stay(published: Warehouse, publish: Publish) -> None:
    publish(
        1, moments=[moments(1), moments(1, segment="SG", dimension="country"), moments(1, metric="orders")]
    )
    publish(1, moments=[moments(1, metric_version=2)])
    publish(1, moments=[moments(1, "r2", n=5)])
    rows = read_moments(published, "steelyard", "checkout")
    assert [(row["metric"], row["metric_version"], row["n"]) for row in rows] == [
        ("orders", 1, 100),
        ("revenue", 1, 5),
        ("revenue", 2, 100),
    ]


def test_looks_are_written_once(published: Warehouse, publish: Publish) -> None:
    assert publish(1, looks=[look(1)]) == {"looks": 1}
    assert publish(2, looks=[look(1, alpha_spent=0.04), look(2)]) == {"looks": 1}
    assert publish(2, looks=[]) == {"looks": 0}
    assert [row["alpha_spent"] for row in read_looks(published, "steelyard", "checkout")] == [0.001, 0.002]


def test_a_full_refresh_forgets_looks_and_days_that_do_not_come_again(
    published: Warehouse, publish: Publish
) -> None:
    publish(3, looks=[look(n) for n in (1, 2, 3)], timeseries=[comparison(n) for n in (1, 2, 3)])
    publish(4, timeseries=[comparison(4)])
    publish(3, experiment="other", looks=[look(1)])
    publish(3, looks=[look(1, alpha_spent=0.04)], timeseries=[comparison(3)], full_refresh=True)
    assert [row["alpha_spent"] for row in read_looks(published, "steelyard", "checkout")] == [0.04]
    assert column(published, "timeseries", "as_of") == [day(3), day(4)]
    assert len(read_looks(published, "steelyard", "other")) == 1


def test_the_same_rows_twice_leave_the_same_rows(published: Warehouse, publish: Publish) -> None:
    def tables(run: str, wobble: float) -> dict[str, Any]:
        near_zero = 1e-7 + wobble * 1e-16
        return {
            "results": [
                comparison(
                    1, run, effect=near_zero, statistic=near_zero / 0.1, p_value=0.3 * (1 + wobble * 1e-13)
                )
            ],
            "timeseries": [comparison(1, run, mean_control=1e9 * (1 + wobble * 1e-14))],
            "moments": [moments(1, run, means=[near_zero, 2.0], m2=[[4.0, near_zero], [near_zero, 9.0]])],
            "health": [{"run_id": run, "check_name": "srm", "statistic": near_zero}],
            "decisions": [{"run_id": run, "variant": "treatment", "decision": "ship"}],
            "looks": [look(1, run_id=run, statistic=near_zero)],
        }

    publish(1, **tables("r1", 0.0))
    before = {name: read_rows(published, "steelyard", name) for name in tables("r1", 0.0)}
    for full_refresh in (False, True):
        written = publish(1, full_refresh=full_refresh, **tables("r2", 1.0))
        assert set(written.values()) == {0}
    assert before == {name: read_rows(published, "steelyard", name) for name in before}


@pytest.mark.parametrize(
    "change",
    [
        {"means": [1.5 * (1 + 1e-11), 0.1]},
        {"means": [1.5, 0.1 + 1e-11]},
        {"m2": [[4.0, 0.2 + 1e-10], [0.2, 9.0]]},
        {"m2": [[4.0, None], [None, 9.0]]},
        {"m2": None},
        {"n": 101},
        {"columns": ["y", "z"]},
        {"means": [1.5], "m2": [[4.0]]},
        {"variant": "treatment"},
    ],
    ids=str,
)
def test_moments_that_differ_are_written(
    published: Warehouse, publish: Publish, change: dict[str, Any]
) -> None:
    publish(1, moments=[moments(1)])
    assert publish(1, moments=[moments(1, "r2", **change)]) == {"moments": 1}
    assert column(published, "moments", "run_id") == ["r2"]


@pytest.mark.parametrize(
    "change",
    [{"effect": 0.5 + 1e-11}, {"effect": None}, {"reason": "x"}, {"n_control": 5}, {"significant": True}],
    ids=str,
)
def test_results_that_differ_are_written(publish: Publish, change: dict[str, Any]) -> None:
    publish(1, results=[comparison(1)])
    assert publish(1, results=[comparison(1, **change)]) == {"results": 1}


def test_a_number_of_numpy_is_published(published: Warehouse, publish: Publish) -> None:
    publish(
        1, results=[comparison(1, effect=np.float64(0.25), n_control=np.int64(3), powered=np.bool_(True))]
    )
    (row,) = read_rows(published, "steelyard", "results")
    assert (row["effect"], row["n_control"], row["powered"]) == (0.25, 3, True)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"results": [comparison(1, effect=nan)]},
            "table steelyard.results, column effect: a number is NaN or infinite",
        ),
        ({"results": [comparison(1, effect=-inf)]}, "column effect: a number is NaN or infinite"),
        ({"results": [comparison(1, effect="0.5")]}, "column effect: a str does not fit into a double"),
        (
            {"results": [comparison(1, efect=1.0)]},
            r"table steelyard.results: it has no column 'efect'\n  hint: it has run_id",
        ),
        (
            {"results": [comparison(1, metric_version=None)]},
            r"'metric_version' is null in a row\n  hint: it is part of",
        ),
        (
            {"results": [comparison(1), comparison(1)]},
            r"two rows have the key experiment_id checkout, as_of 2026-04-01",
        ),
        (
            {"results": [comparison(2)]},
            "a row is of the day 2026-04-02, but the analysis is as of 2026-04-01",
        ),
        (
            {"timeseries": [comparison(2)]},
            "a row is of the day 2026-04-02, but the analysis is as of 2026-04-01",
        ),
        ({"looks": [look(1, as_of=None)]}, "a row is of the day None"),
        ({"results": [comparison(1, experiment_id="x")]}, "a row is of 'x', not of 'checkout'"),
        ({"moments": [moments(1, means=[nan])]}, r"'means' holds what JSON cannot: .*\n  hint: write null"),
        ({"moments": [moments(1, means={1j})]}, r"'means' holds what JSON cannot: .*set"),
        ({"runs": []}, r"'runs' is no table of an experiment's rows\n  hint: one of results, timeseries"),
        ({"result": []}, "schema steelyard: 'result' is no table of an experiment's rows"),
    ],
)
def test_publish_refuses_rows_that_do_not_fit_and_changes_nothing(
    published: Warehouse, publish: Publish, tables: dict[str, Any], message: str
) -> None:
    publish(1, decisions=[{"variant": "treatment", "decision": "ship"}])
    with pytest.raises(WarehouseError, match=message):
        publish(1, decisions=[{"variant": "treatment", "decision": "stop"}], **tables)
    assert column(published, "decisions", "decision") == ["ship"]


def test_publish_without_tables_says_which(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"Table with name .*decisions.* does not exist"):
        publish_experiment(warehouse, "steelyard", experiment_id="e", as_of=START, tables={"decisions": []})


def test_a_run_replaces_its_own_row_and_the_catalogues(published: Warehouse) -> None:
    began = datetime(2026, 4, 1, 3, tzinfo=UTC)
    run = {"run_id": "r1", "started": began, "status": "running"}
    metric = {"name": "revenue", "version": 1, "sql": "select 1", "tags": ["money"]}
    experiment = {"experiment_id": "checkout", "status": "running", "variants": [{"name": "control"}]}
    publish_run(published, "steelyard", run=run, metrics=[metric], experiments=[experiment])
    publish_run(published, "steelyard", run={**run, "run_id": "r0"}, metrics=[{**metric, "version": 2}])
    ended = {
        **run,
        "ended": began + timedelta(seconds=5),
        "status": "success",
        "stage_seconds": {"scan": 1.5},
    }
    assert publish_run(published, "steelyard", run=ended, metrics=[metric], experiments=[experiment]) == {
        "runs": 1,
        "metrics": 0,
        "experiments": 0,
    }
    runs = read_rows(published, "steelyard", "runs")
    assert [(row["run_id"], row["status"], row["stage_seconds"]) for row in runs] == [
        ("r0", "running", None),
        ("r1", "success", {"scan": 1.5}),
    ]
    assert runs[1]["ended"] - runs[1]["started"] == timedelta(seconds=5)
    assert column(published, "metrics", "version") == [1, 2]
    assert column(published, "experiments", "variants") == [[{"name": "control"}]]


def test_a_run_refuses_a_moment_without_a_zone(published: Warehouse) -> None:
    run = {"run_id": "r1", "started": datetime(2026, 4, 1)}
    with pytest.raises(
        WarehouseError, match=r"table steelyard.runs, column started: a moment has no time zone"
    ):
        publish_run(published, "steelyard", run=run)


def test_publish_run_with_nothing_does_nothing(published: Warehouse) -> None:
    assert publish_run(published, "steelyard") == {"runs": 0, "metrics": 0, "experiments": 0}
