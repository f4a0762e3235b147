"""Interactions between experiments on the same users, from rows through the warehouse, against those rows."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
import yaml
from scipy.stats import norm
from tests.support.small_project import METRICS, START, Small, moment, run, write

from steelyard.stats.always_valid import critical_value, optimal_tuning, p_value
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse

pytestmark = pytest.mark.long

UNITS, DAYS = 3000, 6
FULL = START + timedelta(days=DAYS + 1)
OPEN = (
    "{{ config(version=1, direction='increase', winsorize={'upper': 5}) }}\n"
    "select user_id, sum(amount) as spend from events where ts >= :start and ts < :end group by user_id\n"
)
P90 = (
    "{{ config(version=1, type='quantile', quantile=0.9, direction='increase',"
    " window={'start': '0d', 'end': '1d', 'mature': true}) }}\n"
    "select user_id, amount from events where ts >= :start and ts < :end\n"
)
Rows = list[tuple[Any, ...]]


def spec(*variants: str, metrics: list[str], **analysis: Any) -> dict[str, Any]:
    """Return an experiment that is over, and is read once."""
    return {
        "status": "stopped",
        "start": START,
        "end": START + timedelta(days=DAYS - 1),
        "variants": list(variants),
        "metrics": {"primary": metrics},
        "analysis": {"test": "fixed", "adjustment": "none", **analysis},
    }


def cells(world: "World", other: int) -> list[npt.NDArray[np.int64]]:
    """Return the users of the four cells, treated in both first, with the sign that each counts with."""
    return [
        np.flatnonzero(world.is_shared & (world.first == a) & (world.second == b))
        for a, b in ((1, other), (1, 0), (0, other), (0, 0))
    ]


class World:
    """Users in two experiments, the second of which meets two thirds of them, with their purchases."""

    def __init__(self, seed: int, *, gain: float = 0.0) -> None:
        random = np.random.default_rng(seed)
        self.first = random.integers(0, 2, UNITS)
        self.second = random.choice([0, 1, 2], UNITS, p=[0.4, 0.4, 0.2])
        self.is_shared = random.random(UNITS) < 2 / 3
        self.day = random.integers(0, DAYS, UNITS)
        later = self.day + random.integers(0, 2, UNITS)
        self.later = np.minimum(later, DAYS - 1)
        count = random.poisson(1.5, UNITS)
        boosted = (self.first == 1) & (self.second == 1) & self.is_shared
        self.before = random.gamma(2.0, 1.0, UNITS)
        scale = 1.0 + gain * boosted + 0.3 * (self.first == 1)
        self.amounts = [
            random.gamma(2.0, 1.0, n) * s + b for n, s, b in zip(count, scale, self.before, strict=True)
        ]
        self.hours = [random.uniform(12.5, 35.0, n) for n in count]

    def tables(self) -> dict[str, Rows]:
        """Return the rows of exposures and events."""
        names = np.array(["control", "blue", "red"])
        exposures: Rows = [
            ("first", f"u{k}", "control" if a == 0 else "treatment", moment(int(d)), "SG")
            for k, (a, d) in enumerate(zip(self.first, self.day, strict=True))
        ]
        exposures += [
            ("second", f"u{k}", str(names[self.second[k]]), moment(int(self.later[k]), 13), "SG")
            for k in np.flatnonzero(self.is_shared)
        ]
        events: Rows = [(f"u{k}", moment(int(d) - 1), float(self.before[k])) for k, d in enumerate(self.day)]
        events += [
            (f"u{k}", moment(int(self.day[k]), hour), amount)
            for k in range(UNITS)
            for hour, amount in zip(self.hours[k], self.amounts[k], strict=True)
        ]
        return {"exposures": exposures, "events": events}

    def spend(self) -> npt.NDArray[np.float64]:
        """Return what each user spends in the day after the first experiment's exposure."""
        return np.array([amounts.sum() for amounts in self.amounts])


def insights(small: Small, experiment: str = "first", metric: str = "spend") -> dict[tuple[str, str], Any]:
    rows = small.rows(
        "insights",
        f"kind = 'experiment_interaction' and experiment_id = '{experiment}' and metric = '{metric}'",
    )
    return {(row["variant"], row["segment"]): row for row in rows}


def regression(world: World, y: npt.NDArray[np.float64], other: int) -> Any:
    """Return statsmodels' fit of the four cells with a variance each (HC2 is the variance of means)."""
    kept = world.is_shared & np.isin(world.second, [0, other])
    a, b = world.first[kept] == 1, world.second[kept] == other
    design = np.column_stack([np.ones(kept.sum()), a, b, a & b]).astype(float)
    return sm.OLS(y[kept], design).fit(cov_type="HC2")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Small]:
    """Two fixed tests that are over, read once."""
    world, folder = World(1, gain=2.0), tmp_path_factory.mktemp("stopped")
    both = ["spend", "price", "open", "p90"]
    experiments = {
        "first": spec("control", "treatment", metrics=both),
        "second": spec("control", "blue", "red", metrics=["spend"]),
    }
    metrics = {**METRICS, "open": OPEN, "p90": P90}
    write(folder, experiments=experiments, tables=world.tables(), metrics=metrics)
    return world, run(folder, FULL)


def test_interaction_of_means_is_the_regression_of_the_rows(stopped: tuple[World, Small]) -> None:
    world, small = stopped
    found = insights(small)
    assert set(found) == {("treatment", "blue"), ("treatment", "red")}
    for other, name in ((1, "blue"), (2, "red")):
        fit = regression(world, world.spend(), other)
        row = found["treatment", name]
        assert row["dimension"] == "second"
        assert row["estimate"] == pytest.approx(fit.params[3], rel=1e-9)
        assert row["std_error"] == pytest.approx(fit.bse[3], rel=1e-9)
        assert row["statistic"] == pytest.approx(fit.tvalues[3], rel=1e-9)


def test_p_values_are_corrected_for_metrics_and_variants_of_others(stopped: tuple[World, Small]) -> None:
    _, small = stopped
    rows = [row for metric in ("spend", "price", "open") for row in insights(small, metric=metric).values()]
    assert len(rows) == 6
    for row in rows:
        alone = 2 * norm.sf(abs(row["statistic"]))
        # Student's t with the Satterthwaite degrees of freedom of hundreds of units is near the normal distribution.
        assert row["p_value"] == pytest.approx(min(1.0, 6 * alone), rel=0.05, abs=1e-6)


def test_interaction_of_ratios_is_the_delta_method_on_the_rows(stopped: tuple[World, Small]) -> None:
    world, small = stopped
    top, bottom = world.spend(), np.array([len(amounts) for amounts in world.amounts], dtype=float)
    estimate = variance = 0.0
    for sign, users in zip((1, -1, -1, 1), cells(world, 1), strict=True):
        ratio = top[users].mean() / bottom[users].mean()
        spread = (top[users] - ratio * bottom[users]) / bottom[users].mean()
        estimate += sign * ratio
        variance += spread.var(ddof=1) / len(users)
    row = insights(small, metric="price")["treatment", "blue"]
    assert row["estimate"] == pytest.approx(estimate, rel=1e-9)
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_interaction_of_a_capped_metric_that_grows_day_by_day_is_that_of_capped_totals(
    stopped: tuple[World, Small],
) -> None:
    world, small = stopped
    end = (DAYS - world.day) * 24.0
    total = [
        amounts[hours < left].sum()
        for amounts, hours, left in zip(world.amounts, world.hours, end, strict=True)
    ]
    fit = regression(world, np.minimum(total, 5.0), 2)
    row = insights(small, metric="open")["treatment", "red"]
    assert row["estimate"] == pytest.approx(fit.params[3], rel=1e-9)
    assert row["std_error"] == pytest.approx(fit.bse[3], rel=1e-9)


def test_quantiles_have_no_interaction_and_say_why(stopped: tuple[World, Small]) -> None:
    _, small = stopped
    rows = insights(small, metric="p90")
    assert {row["reason"] for row in rows.values()} == {"quantiles_do_not_add_up"}
    assert {row["estimate"] for row in rows.values()} == {None}


def test_a_planted_interaction_warns_in_both_experiments_and_stops_no_decision(
    stopped: tuple[World, Small],
) -> None:
    _, small = stopped
    for one, other in (("first", "second"), ("second", "first")):
        (row,) = small.rows("health", f"experiment_id = '{one}' and check_name = 'interaction'")
        assert row["status"] == "warn"
        assert row["p_value"] < row["threshold"] == 0.01
        assert f"depends most on {other}" in row["detail"]
        assert "exclusive in a programme" in row["detail"]
    decided = small.rows("decisions", "experiment_id = 'first'")
    assert {row["decision"] for row in decided} != {"invalid"}


def test_without_an_interaction_the_check_passes(tmp_path: Path) -> None:
    experiments = {
        "first": spec("control", "treatment", metrics=["spend"]),
        "second": spec("control", "blue", "red", metrics=["spend"]),
    }
    write(tmp_path, experiments=experiments, tables=World(2).tables())
    small = run(tmp_path, FULL)
    rows = small.rows("health", "check_name = 'interaction'")
    assert [row["status"] for row in rows] == ["pass", "pass"]


def test_adjusted_interaction_has_a_slope_in_each_cell(tmp_path: Path) -> None:
    """Against numpy: each cell's regression on its users' earlier purchases, at the mean of all four cells."""
    world = World(3, gain=0.3)
    experiments = {
        "first": spec("control", "treatment", metrics=["spend"], adjustment="cuped"),
        "second": spec("control", "blue", metrics=["spend"]),
    }
    world.second[world.second == 2] = 1
    write(tmp_path, experiments=experiments, tables=world.tables())
    row = insights(run(tmp_path, FULL))["treatment", "blue"]
    y, x = world.spend(), world.before
    centre = x[np.concatenate(cells(world, 1))]
    estimate = variance = 0.0
    slopes = 0.0
    for sign, users in zip((1, -1, -1, 1), cells(world, 1), strict=True):
        slope, _ = np.polyfit(x[users], y[users], 1)
        left = y[users] - y[users].mean() - slope * (x[users] - x[users].mean())
        estimate += sign * (y[users].mean() - slope * (x[users].mean() - centre.mean()))
        variance += (left**2).sum() / (len(users) - 2) / len(users)
        slopes += sign * slope
    variance += slopes**2 * centre.var(ddof=1) / len(centre)
    assert row["estimate"] == pytest.approx(estimate, rel=1e-9)
    # Cells of fewer than 200 units would have a term for leverage; these have more.
    assert min(map(len, cells(world, 1))) > 200
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-3)


def test_a_cell_without_units_is_null_with_its_reason_and_the_others_stand(tmp_path: Path) -> None:
    world = World(4)
    world.is_shared &= ~((world.first == 1) & (world.second == 2))
    experiments = {
        "first": spec("control", "treatment", metrics=["spend"]),
        "second": spec("control", "blue", "red", metrics=["spend"]),
    }
    write(tmp_path, experiments=experiments, tables=world.tables())
    rows = insights(run(tmp_path, FULL))
    assert rows["treatment", "red"]["reason"] == "no_data"
    assert rows["treatment", "red"]["estimate"] is None
    fit = regression(world, world.spend(), 1)
    assert rows["treatment", "blue"]["estimate"] == pytest.approx(fit.params[3], rel=1e-9)


def test_a_cell_of_few_units_is_estimated_and_not_tested(tmp_path: Path) -> None:
    world = World(5)
    few = np.flatnonzero(world.is_shared & (world.first == 1) & (world.second == 2))[40:]
    world.is_shared[few] = False
    experiments = {
        "first": spec("control", "treatment", metrics=["spend"]),
        "second": spec("control", "blue", "red", metrics=["spend"]),
    }
    write(tmp_path, experiments=experiments, tables=world.tables())
    small = run(tmp_path, FULL)
    row = insights(small)["treatment", "red"]
    assert row["reason"] == "fewer_than_100_units_in_a_cell"
    assert row["estimate"] is not None
    assert row["p_value"] is None
    (checked,) = small.rows("health", "experiment_id = 'first' and check_name = 'interaction'")
    assert "Not tested: 1 fewer_than_100_units_in_a_cell" in checked["detail"]


def test_a_fixed_test_that_runs_has_no_interaction_and_experiments_one_after_the_other_have_none(
    tmp_path: Path,
) -> None:
    tables = World(6, gain=1.0).tables()
    running = {**spec("control", "treatment", metrics=["spend"]), "status": "running"}
    running["end"] = START + timedelta(days=40)
    after = spec("control", "blue", "red", metrics=["spend"])
    write(tmp_path, experiments={"first": running, "second": after}, tables=tables)
    small = run(tmp_path, FULL)
    assert insights(small) == {}
    assert insights(small, "second") != {}
    apart = tmp_path / "apart"
    early = {**spec("control", "treatment", metrics=["spend"]), "end": START}
    late = {**after, "start": START + timedelta(days=1)}
    write(apart, experiments={"first": early, "second": late}, tables=tables)
    small = run(apart, FULL)
    assert small.rows("insights", "kind = 'experiment_interaction'") == []
    assert small.rows("health", "check_name in ('overlap', 'interaction')") == []


def test_units_of_another_kind_are_not_paired_even_with_the_same_ids(tmp_path: Path) -> None:
    tables = World(7, gain=2.0).tables()
    shops = "{{ config(version=1, unit='shop', direction='increase') }}\nselect user_id as shop_id, sum(amount) as y\n"
    of_users = METRICS["spend"].replace("version=1", "version=1, unit='user'")
    metrics = {
        "spend": of_users,
        "takings": f"{shops}from events where ts >= :start and ts < :end group by user_id\n",
    }
    experiments = {
        "first": spec("control", "treatment", metrics=["spend"]),
        "second": {**spec("control", "blue", "red", metrics=["takings"]), "exposures": "shops"},
    }
    write(tmp_path, experiments=experiments, tables=tables, metrics=metrics)
    settings = yaml.safe_load((tmp_path / "steelyard.yml").read_text(encoding="utf-8"))
    settings["units"]["shop"] = "shop_id"
    log = "select experiment_id, user_id as shop_id, variant, exposed_at from exposures"
    settings["exposures"]["shops"] = {"unit": "shop", "sql": log, "timestamp": "exposed_at"}
    (tmp_path / "steelyard.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    small = run(tmp_path, FULL)
    assert {row["experiment_id"] for row in small.rows("results")} == {"first", "second"}
    assert small.rows("insights", "kind = 'experiment_interaction'") == []
    assert small.rows("health", "check_name in ('overlap', 'interaction')") == []


def rows_of_runs(folder: Path, days: range) -> list[dict[str, Any]]:
    """Return what runs on successive days say of shared units."""
    for day in days:
        small = run(folder, START + timedelta(days=day))
    rows = small.rows("insights", "kind = 'experiment_interaction'")
    rows += small.rows("health", "check_name in ('overlap', 'interaction')")
    return [{name: value for name, value in row.items() if name != "run_id"} for row in rows]


def test_runs_that_continue_from_state_find_the_interactions_of_full_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second experiment begins later, so that its state is another one than the first one's."""
    sequential = {"test": "group_sequential", "adjustment": "cuped"}
    first = {**spec("control", "treatment", metrics=["spend", "price"], **sequential), "status": "running"}
    second = {**spec("control", "blue", "red", metrics=["spend"], **sequential), "status": "running"}
    second["start"] = START + timedelta(days=2)
    tables, found = World(8, gain=3.0).tables(), []
    for name in ("state", "full"):
        folder = tmp_path / name
        write(folder, experiments={"first": first, "second": second}, tables=tables)
        if name == "full":
            monkeypatch.setattr(DuckDBWarehouse, "keeps_state", False)
        found.append(rows_of_runs(folder, range(1, DAYS + 1)))
    state, full = found
    assert len(state) == len(full) > 20
    for ours, theirs in zip(state, full, strict=True):
        for key, value in theirs.items():
            is_number = isinstance(value, float)
            assert ours[key] == (pytest.approx(value, rel=1e-9, abs=1e-12) if is_number else value), key
    last = [row for row in state if row["as_of"] == START + timedelta(days=DAYS) and "kind" in row]
    assert any(row["p_value"] is not None and row["p_value"] < 0.01 for row in last)


@pytest.mark.parametrize("primary", ["spend", "kinds"])
def test_units_that_become_shared_later_than_the_lateness_stop_no_run(tmp_path: Path, primary: str) -> None:
    """What continues from state does not know them, what is computed in full does, and the other way round."""
    kinds = (
        "{{ config(version=1, direction='increase', window={'start': '0d', 'end': '1d', 'mature': true}) }}\n"
        "select user_id, count(distinct amount) as n from events where ts >= :start and ts < :end group by user_id\n"
    )
    both = {"primary": [primary], "secondary": [{"spend": "kinds", "kinds": "spend"}[primary]]}
    spec = {"status": "running", "start": START, "variants": ["control", "treatment"], "metrics": both}
    spec["analysis"] = {"test": "always_valid", "adjustment": "none"}
    apart: Rows = [
        (name, f"{name}{k}", ("control", "treatment")[k % 2], moment(0), "SG")
        for name in ("first", "second")
        for k in range(10)
    ]
    late: Rows = [("second", f"first{k}", "control", moment(0), "SG") for k in range(4)]
    events: Rows = [(f"{name}{k}", moment(0, 13), 1.0 + k) for name in ("first", "second") for k in range(10)]
    for day, rows in ((3, apart), (4, apart), (5, apart + late), (6, apart + late), (7, apart)):
        write(
            tmp_path,
            experiments={"first": spec, "second": spec},
            tables={"exposures": rows, "events": events},
            metrics={"spend": METRICS["spend"], "kinds": kinds},
        )
        small = run(tmp_path, START + timedelta(days=day))
        assert small.result.reused["first"].mode == ("rebuilt" if day == 3 else "incremental")
        today = START + timedelta(days=day)
        mine = f"kind = 'experiment_interaction' and experiment_id = 'first' and as_of = '{today}'"
        found = small.rows("insights", mine)
        assert {row["reason"] for row in found} <= {"no_data"}
        assert bool(found) == (day in (5, 6))


def test_an_interaction_under_a_sequential_test_is_always_valid(tmp_path: Path) -> None:
    sequential = {"test": "always_valid"}
    experiments = {
        "first": {**spec("control", "treatment", metrics=["spend"], **sequential), "status": "running"},
        "second": spec("control", "blue", "red", metrics=["spend"]),
    }
    world = World(9)
    write(tmp_path, experiments=experiments, tables=world.tables())
    rows = insights(run(tmp_path, FULL))
    tuning = float(optimal_tuning(20_000.0))
    for other, name in ((1, "blue"), (2, "red")):
        fit, row = regression(world, world.spend(), other), rows["treatment", name]
        n = 16 / sum(1 / len(users) for users in cells(world, other))
        assert row["p_value"] == pytest.approx(min(1.0, 2 * float(p_value(fit.tvalues[3], n, tuning))))
        half = float(critical_value(n, tuning)) * fit.bse[3]
        assert row["ci_upper"] - row["estimate"] == pytest.approx(half)


def test_rollouts_are_compared_within_their_epochs(tmp_path: Path) -> None:
    """The first one grows from a tenth to a half while its users' purchases rise; the second's effect does, too."""
    world = World(10)
    random = np.random.default_rng(11)
    is_late = world.day >= 3
    world.first = (random.random(UNITS) < np.where(is_late, 0.5, 0.15)).astype(int)
    world.second[world.second == 2] = 0
    rising = np.where(is_late & (world.second == 1) & world.is_shared, 3.0, 1.0)
    world.amounts = [amounts * gain for amounts, gain in zip(world.amounts, rising, strict=True)]
    rollout = spec("control", "treatment", metrics=["spend"])
    rollout["design"] = "rollout"
    rollout["epochs"] = [
        {"start": START, "allocation": ["85%", "15%"]},
        {"start": START + timedelta(days=3), "allocation": ["50%", "50%"]},
    ]
    experiments = {"first": rollout, "second": spec("control", "blue", metrics=["spend"])}
    write(tmp_path, experiments=experiments, tables=world.tables())
    small = run(tmp_path, FULL)
    row = insights(small)["treatment", "blue"]
    estimates, variances = [], []
    for late in (False, True):
        kept = World.__new__(World)
        kept.first, kept.second = world.first, world.second
        kept.is_shared = world.is_shared & (is_late == late)
        fit = regression(kept, world.spend(), 1)
        estimates.append(fit.params[3])
        variances.append(fit.bse[3] ** 2)
    weights = 1 / np.array(variances)
    assert row["estimate"] == pytest.approx(np.average(estimates, weights=weights), rel=1e-9)
    assert row["std_error"] == pytest.approx(weights.sum() ** -0.5, rel=1e-9)
    # Pooled, the effect that changes with time looks like an interaction with the share that does.
    pooled = regression(world, world.spend(), 1)
    assert pooled.params[3] > row["estimate"] + 3 * row["std_error"]
    (overlap,) = small.rows("health", "experiment_id = 'first' and check_name = 'overlap'")
    assert overlap["status"] == "pass"


def settled(folder: Path, **health: Any) -> None:
    """Add thresholds of health checks to a project."""
    path = folder / "steelyard.yml"
    path.write_text(path.read_text(encoding="utf-8") + yaml.safe_dump({"health": health}), encoding="utf-8")


def test_metrics_beside_the_primary_ones_are_compared_when_asked_for(tmp_path: Path) -> None:
    world = World(12)
    first = spec("control", "treatment", metrics=["spend"])
    first["metrics"] = {"primary": "spend", "secondary": ["price"], "guardrails": ["open"]}
    experiments = {"first": first, "second": spec("control", "blue", "red", metrics=["spend"])}
    found = {}
    for which in ("primary", "all"):
        folder = tmp_path / which
        write(folder, experiments=experiments, tables=world.tables(), metrics={**METRICS, "open": OPEN})
        settled(folder, interaction_metrics=which)
        small = run(folder, FULL)
        found[which] = {metric: insights(small, metric=metric) for metric in ("spend", "price", "open")}
    assert {metric for metric, rows in found["primary"].items() if rows} == {"spend"}
    assert {metric for metric, rows in found["all"].items() if rows} == {"spend", "price", "open"}
    ours, theirs = (found[which]["spend"]["treatment", "blue"] for which in ("primary", "all"))
    assert (ours["estimate"], ours["std_error"]) == pytest.approx((theirs["estimate"], theirs["std_error"]))


@pytest.mark.parametrize("keeps_state", [False, True])
def test_too_many_units_are_not_looked_at_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps_state: bool
) -> None:
    monkeypatch.setattr(DuckDBWarehouse, "keeps_state", keeps_state)
    world = World(13)
    units = UNITS + int(world.is_shared.sum())
    sequential = {"test": "always_valid"}
    first = {**spec("control", "treatment", metrics=["spend"], **sequential), "status": "running"}
    experiments = {"first": first, "second": spec("control", "blue", "red", metrics=["spend"])}
    warned = {}
    for limit in (units, units - 1, 0):
        folder = tmp_path / str(limit)
        write(folder, experiments=experiments, tables=world.tables())
        settled(folder, shared_units_limit=limit)
        run(folder, FULL - timedelta(days=1))
        small = run(folder, FULL)
        assert bool(insights(small)) == (limit == units)
        checks = f"experiment_id = 'first' and check_name = 'overlap' and as_of = '{FULL}'"
        warned[limit] = [(row["status"], row["detail"]) for row in small.rows("health", checks)]
    ((status, _),), ((warning, detail),) = warned[units], warned[units - 1]
    assert (status, warning) == ("pass", "warn")
    assert detail.startswith(f"The experiments of the log have {units:,} units together")
    assert "Raise health.shared_units_limit" in detail
    assert warned[0] == []


@pytest.mark.parametrize("is_raised", [True, False])
def test_a_limit_that_changes_between_runs_counts_from_then_on(tmp_path: Path, is_raised: bool) -> None:
    world = World(13)
    units = UNITS + int(world.is_shared.sum())
    first = {
        **spec("control", "treatment", metrics=["spend"], test="always_valid"),
        "status": "running",
    }
    experiments = {"first": first, "second": spec("control", "blue", "red", metrics=["spend"])}
    limits = (units - 1, units) if is_raised else (units, units - 1)
    found = {}
    for name, limit in (("changed", limits[0]), ("always", limits[1])):
        folder = tmp_path / name
        write(folder, experiments=experiments, tables=world.tables())
        settled(folder, shared_units_limit=limit)
        run(folder, FULL - timedelta(days=1))
        path = folder / "steelyard.yml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f"limit: {limit}", f"limit: {limits[1]}"), encoding="utf-8")
        small = run(folder, FULL)
        assert small.result.reused["first"].mode == "incremental"
        day = small.rows("insights", f"kind = 'experiment_interaction' and as_of = '{FULL}'")
        found[name] = [(row["experiment_id"], row["metric"], row["segment"], row["estimate"]) for row in day]
    assert [row[:3] for row in found["changed"]] == [row[:3] for row in found["always"]]
    estimates = [[row[3] for row in found[name]] for name in ("changed", "always")]
    assert estimates[0] == pytest.approx(estimates[1], rel=1e-9)
    assert bool(found["changed"]) is is_raised
