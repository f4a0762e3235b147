"""A rollout whose shares change while the metric drifts: epochs are compared each within itself, never pooled."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.small_project import START, Small, moment, run, write

from steelyard.stats.bandit_inference import batched_effect
from steelyard.stats.moments import Moments

pytestmark = pytest.mark.long

DAYS, PER_DAY, GROWN = 8, 500, 4
SPEC: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "design": "rollout",
    "variants": ["control", "treatment"],
    "epochs": [
        {"start": START, "allocation": ["90%", "10%"]},
        {"start": START + timedelta(days=GROWN), "allocation": {"treatment": 0.5, "control": 0.5}},
    ],
    "metrics": {"primary": ["spend"], "secondary": ["price"]},
}
LAST = START + timedelta(days=DAYS + 1)


class World:
    """Units with a drift of 3 between the epochs, and no effect."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        self.day = np.repeat(np.arange(DAYS), PER_DAY)
        self.variant = (random.random(len(self.day)) < np.where(self.day < GROWN, 0.1, 0.5)).astype(int)
        # The drift is there before the exposure, too.
        before = random.gamma(2.0, size=len(self.day)) + 1.5 * (self.day >= GROWN)
        self.value = before + random.gamma(2.0, size=len(self.day)) + 1.5 * (self.day >= GROWN)
        names = np.array(["control", "treatment"])[self.variant]
        self.exposures = [
            (name, f"u{k}", str(names[k]), moment(int(self.day[k])), "SG")
            for name in ("fixed", "sequential", "always", "adjusted", "bandit", "plain")
            for k in range(len(self.day))
        ]
        self.events = [(f"u{k}", moment(int(self.day[k]), 14), float(v)) for k, v in enumerate(self.value)]
        self.events += [(f"u{k}", moment(int(self.day[k]) - 1, 14), float(v)) for k, v in enumerate(before)]

    def epochs(self) -> list[tuple[float, float, int]]:
        """Return effect, variance and units of each epoch, from the rows."""
        found = []
        for is_late in (False, True):
            here = (self.day >= GROWN) == is_late
            one, two = (self.value[here & (self.variant == v)] for v in (0, 1))
            spread = one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two)
            found.append((float(two.mean() - one.mean()), float(spread), int(here.sum())))
        return found


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def rolled(world: World, tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("rollout")
    plain = {name: value for name, value in SPEC.items() if name not in ("design", "epochs")}
    experiments = {
        "fixed": {**SPEC, "analysis": {"test": "fixed", "adjustment": "none"}},
        "sequential": {**SPEC, "analysis": {"test": "group_sequential", "adjustment": "none"}},
        "always": {
            **SPEC,
            "analysis": {"test": "always_valid", "adjustment": "none", "dimensions": ["country"]},
        },
        "adjusted": {**SPEC, "analysis": {"test": "group_sequential", "adjustment": "cuped"}},
        "bandit": {**SPEC, "design": "bandit", "analysis": {"test": "fixed", "adjustment": "none"}},
        "plain": {**plain, "analysis": {"test": "fixed", "adjustment": "none"}},
    }
    write(folder, experiments=experiments, tables={"exposures": world.exposures, "events": world.events})
    return run(folder, LAST)


def result(
    rolled: Small, experiment: str, where: str = "dimension = ''", metric: str = "spend"
) -> dict[str, Any]:
    (row,) = rolled.rows(
        "results",
        f"experiment_id = '{experiment}' and metric = '{metric}' and hypothesis = 'superiority' and {where}",
    )
    return row


def by_units(parts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return parts[:, 2] / parts[:, 2].sum()


def by_information(parts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return (1 / parts[:, 1]) / (1 / parts[:, 1]).sum()


@pytest.mark.parametrize(("experiment", "weigh"), [("fixed", by_units), ("sequential", by_information)])
def test_epochs_are_compared_within_themselves_and_then_weighed(
    rolled: Small, world: World, experiment: str, weigh: Callable[..., Any]
) -> None:
    parts = np.array(world.epochs())
    weight = weigh(parts)
    row = result(rolled, experiment)
    assert row["effect"] == pytest.approx(weight @ parts[:, 0])
    assert row["std_error"] == pytest.approx(np.sqrt(weight**2 @ parts[:, 1]))
    assert row["mean_control_raw"] is None
    assert (row["n_control"], row["n_variant"]) == tuple(np.bincount(world.variant))
    assert abs(row["effect"]) < 3 * row["std_error"]


def test_an_always_valid_bound_counts_units_by_what_they_tell(rolled: Small, world: World) -> None:
    """Of an epoch of a tenth to nine, units count for as many of an even split as have its information."""
    even = 0.0
    for late in (False, True):
        n = np.bincount(world.variant[(world.day >= GROWN) == late])
        even += 4 / (1 / n[0] + 1 / n[1])
    row = result(rolled, "always")
    alpha = 0.05 / 2
    tuning = 20_000 / (-2 * np.log(alpha) + np.log1p(-2 * np.log(alpha)))
    expected = np.sqrt((even + tuning) / even * np.log((even + tuning) / (tuning * alpha**2)))
    assert row["bound"] == pytest.approx(expected, rel=1e-9)
    # All units are of one country, which has everyone's interval.
    same = result(rolled, "always", "dimension = 'country'")
    for one in (row, same):
        half = (one["effect_ci_upper"] - one["effect_ci_lower"]) / 2
        assert half / one["std_error"] == pytest.approx(expected, rel=1e-9)
    assert same["p_value"] == pytest.approx(row["p_value"], rel=1e-9)
    assert even < 0.8 * len(world.day)


def test_a_bandits_batches_add_up_their_statistics(rolled: Small, world: World) -> None:
    cells = [
        [
            Moments.from_rows(world.value[((world.day >= GROWN) == late) & (world.variant == v), None])
            for v in (0, 1)
        ]
        for late in (False, True)
    ]
    expected = batched_effect(Moments.stack([Moments.stack(batch) for batch in cells], axis=0))
    row = result(rolled, "bandit")
    assert row["effect"] == pytest.approx(float(expected.effect[0]))
    assert row["statistic"] == pytest.approx(float(expected.statistic[0]))
    z = sum(effect / np.sqrt(variance) for effect, variance, _ in world.epochs()) / np.sqrt(2)
    assert row["statistic"] == pytest.approx(z)


def test_pooling_the_epochs_would_find_an_effect_that_is_none(rolled: Small) -> None:
    """The negative control: the same rows, read as one split."""
    row = result(rolled, "plain")
    assert row["effect"] > 10 * row["std_error"]


def test_each_epoch_is_shown_by_its_first_day(rolled: Small, world: World) -> None:
    for day, (effect, variance, units) in zip((0, GROWN), world.epochs(), strict=True):
        label = START + timedelta(days=day)
        row = result(rolled, "fixed", f"dimension = 'allocation_epoch' and segment = '{label}'")
        assert row["effect"] == pytest.approx(effect)
        assert row["std_error"] == pytest.approx(np.sqrt(variance))
        assert row["n_control"] + row["n_variant"] == units


def test_adjustment_and_ratios_work_within_epochs(rolled: Small) -> None:
    plain, adjusted = result(rolled, "sequential"), result(rolled, "adjusted")
    assert adjusted["std_error"] < 0.85 * plain["std_error"]
    assert adjusted["variance_reduction"] > 0.3
    ratio = result(rolled, "adjusted", metric="price")
    assert abs(ratio["effect"]) < 3.5 * ratio["std_error"]


def test_the_split_is_held_against_each_days_own_shares(rolled: Small) -> None:
    for experiment in ("fixed", "sequential"):
        checks = rolled.rows("health", f"experiment_id = '{experiment}'")
        found = {row["check_name"]: row["status"] for row in checks if row["dimension"] == ""}
        assert (found["srm"], found["srm_by_day"]) == ("pass", "pass")
        assert {row["dimension"] for row in checks} == {""}
    (naive,) = rolled.rows("health", "experiment_id = 'plain' and check_name = 'srm' and dimension = ''")
    assert naive["status"] == "fail"


def test_experiments_beside_a_rollout_have_no_epochs(rolled: Small) -> None:
    assert rolled.rows("results", "experiment_id = 'plain' and dimension <> ''") == []
    assert rolled.rows("moments", "experiment_id = 'plain' and dimension <> ''") == []


def test_covariates_are_compared_within_epochs_too(rolled: Small) -> None:
    (row,) = rolled.rows("health", "experiment_id = 'adjusted' and check_name = 'pre_exposure'")
    assert row["status"] == "pass"
