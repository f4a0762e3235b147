"""Planned sizes: the chance to stop early costs units, and the estimate itself never counts."""

from typing import Any

import numpy as np
import pytest
from scipy import stats as sp
from tests.support.matrix_world import DAYS, UNITS, experiment, make_rows, moments_of

from steelyard.analysis.planned_n import sequential_drift
from steelyard.analysis.results import TestedMetric, analyse
from steelyard.stats.always_valid import critical_value, optimal_tuning
from steelyard.stats.always_valid import required_n as always_valid_required_n
from steelyard.stats.gst_exit import inflation, inflation_of_drift
from steelyard.stats.power import quantile_sum

ROWS = {"mean": make_rows("mean"), "proportion": make_rows("proportion", 1)}
LAST = DAYS - 1


def result_of(use: dict[str, Any], group: str, hypothesis: str, **analysis: Any) -> TestedMetric:
    result = analyse(moments_of(experiment(use, group, **analysis), ROWS, {}), looks={})
    return next(
        one for one in result.tests if one.test.hypothesis == hypothesis and one.test.label == use["metric"]
    )


@pytest.mark.long
@pytest.mark.parametrize(
    "spending",
    [("power", 2.0), ("obrien_fleming", None), ("pocock", None), ("hwang_shih_decani", -4.0)],
    ids=lambda spending: spending[0],
)
@pytest.mark.parametrize("level", [(0.05, 0.2, 2), (0.0125, 0.095, 2), (0.05, 0.063, 1)])
@pytest.mark.parametrize("looks", [1, 3, 14, 42])
def test_the_drift_is_the_one_that_is_solved_for(
    looks: int, level: tuple[float, float, int], spending: tuple[str, float | None]
) -> None:
    alpha, beta, sides = level
    settings: dict[str, Any] = {"alpha": alpha, "sides": sides}
    settings.update(spending=spending[0], parameter=spending[1])
    found = sequential_drift(looks, beta=beta, **settings)
    times = [(k + 1) / looks for k in range(looks)]
    wanted = inflation(times, power=1 - beta, **settings)
    assert inflation_of_drift(found, alpha=alpha, power=1 - beta, sides=sides) == pytest.approx(
        wanted, rel=1e-5
    )


def test_a_sequential_test_needs_more_units_than_a_fixed_one() -> None:
    use = {"metric": "mean", "mde": "0.5%"}
    fixed = result_of(use, "primary", "superiority", test="fixed")
    pocock = result_of(use, "primary", "superiority", test="group_sequential", spending="pocock")
    at = (0, LAST, 0)
    assert fixed.test.beta is not None
    expected = inflation([0.2, 0.4, 0.6, 0.8, 1.0], power=1 - fixed.test.beta, spending="pocock")
    assert pocock.size.required_n[at] / fixed.size.required_n[at] == pytest.approx(expected, rel=1e-3)


def test_required_units_are_those_of_the_standard_error() -> None:
    one = result_of({"metric": "mean", "mde": "5%"}, "primary", "superiority", test="fixed")
    at = (0, LAST, 0)
    pair, beta = one.means.pairs, one.test.beta
    assert beta is not None
    distance = 0.05 * pair.mean_control[at]
    share = pair.variance[at] * (float(quantile_sum(0.05, 1 - beta)) / distance) ** 2
    assert one.size.required_n[at] == np.ceil(share * min(pair.n_control[at], pair.n_treatment[at]))
    assert bool(one.size.powered[at]) == (share <= 1)


def test_a_relative_margin_is_planned_with_the_variance_that_it_is_tested_with() -> None:
    one = result_of({"metric": "proportion", "margin": "20%"}, "guardrails", "non_inferiority", test="fixed")
    at = (0, LAST, 0)
    pair, beta = one.means.pairs, one.test.beta
    assert beta is not None
    variance = pair.var_treatment[at] + 0.8**2 * pair.var_control[at] - 1.6 * pair.covariance[at]
    share = variance * (float(quantile_sum(0.05, 1 - beta, "greater")) / (0.2 * pair.mean_control[at])) ** 2
    assert one.size.required_n[at] == np.ceil(share * min(pair.n_control[at], pair.n_treatment[at]))


def test_an_absolute_margin_is_the_distance_itself() -> None:
    one = result_of(
        {"metric": "proportion", "margin": {"absolute": 0.1}}, "guardrails", "non_inferiority", test="fixed"
    )
    at = (0, LAST, 0)
    pair, beta = one.means.pairs, one.test.beta
    assert beta is not None
    share = pair.variance[at] * (float(quantile_sum(0.05, 1 - beta, "greater")) / 0.1) ** 2
    assert one.size.required_n[at] == np.ceil(share * min(pair.n_control[at], pair.n_treatment[at]))


def test_without_a_planned_effect_the_planned_units_must_be_complete() -> None:
    moments = moments_of(experiment({"metric": "mean"}, "primary", test="group_sequential"), ROWS, {})
    moments.lags = {measure.name: 0 for _, measure in moments.planned.measures}
    one = analyse(moments, looks={}).tests[0]
    assert one.size.required_n[0, :, 0].tolist() == [UNITS] * DAYS
    assert one.size.powered[0, :, 0].tolist() == [False] * (DAYS - 1) + [True]
    assert np.isnan(one.size.required_n[1:]).all()
    moments.lags = {measure.name: 1 for _, measure in moments.planned.measures}
    assert not analyse(moments, looks={}).tests[0].size.powered.any()


@pytest.mark.parametrize("use", [{"metric": "mean", "mde": "1%"}, {"metric": "mean", "mde": "40%"}])
@pytest.mark.parametrize("alternative", ["two-sided", "increase"])
def test_an_always_valid_test_has_its_power_at_the_units_it_is_said_to_need(
    use: dict[str, Any], alternative: str
) -> None:
    """At the required units, and there alone, the bound of as many units leaves the planned effect its power."""
    one = result_of({**use, "alternative": alternative}, "primary", "superiority", test="always_valid")
    at, sides = (0, LAST, 0), one.test.sides
    pair, beta = one.means.pairs, one.test.beta
    assert beta is not None
    fewest = min(pair.n_control[at], pair.n_treatment[at])
    needed = float(one.size.required_n[at])
    tuning = float(optimal_tuning(2 * UNITS, sides=sides))

    def power(units: float) -> float:
        grown = units / fewest
        total = (pair.n_control[at] + pair.n_treatment[at]) * grown
        drift = (
            float(use["mde"].rstrip("%")) / 100 * pair.mean_control[at] / np.sqrt(pair.variance[at] / grown)
        )
        return float(sp.norm.cdf(drift - critical_value(total, tuning, sides=sides)))

    if needed > 100:
        assert power(needed) >= 1 - beta > power(needed - 2)
    else:
        assert (needed, power(needed) >= 1 - beta) == (100, True)
    enough = pair.n_control[0, :, 0].clip(max=pair.n_treatment[0, :, 0]) >= one.size.required_n[0, :, 0]
    assert one.size.powered[0, :, 0].tolist() == enough.tolist()
    # It hardly depends on when it is asked: the bound of the day would say several times as much on the first.
    assert one.size.required_n[0, 1:, 0].max() < 1.5 * needed


def test_the_units_of_an_always_valid_test_are_those_of_its_planner() -> None:
    one = result_of({"metric": "mean", "mde": "1%"}, "primary", "superiority", test="always_valid")
    pair, beta, at = one.means.pairs, one.test.beta, (0, LAST, 0)
    assert beta is not None
    total = pair.n_control[at] + pair.n_treatment[at]
    planned = always_valid_required_n(
        0.01 * pair.mean_control[at],
        float(np.sqrt(pair.variance[at] * total)),
        power=1 - beta,
        tuning=float(optimal_tuning(2 * UNITS)),
    )
    fewest = min(pair.n_control[at], pair.n_treatment[at])
    assert one.size.required_n[at] == np.ceil(planned * fewest / total)
