import math

import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.group_sequential import bounds
from steelyard.stats.gst_classical import POCOCK, classical_bounds, classical_inflation, naive_alpha
from steelyard.stats.gst_exit import exit_probabilities, inflation, required_drift


def stay(lower, upper, information, effect):
    info = np.asarray(information)
    matrix = np.sqrt(np.minimum.outer(info, info) / np.maximum.outer(info, info))
    return stats.multivariate_normal.cdf(
        upper,
        mean=effect * np.sqrt(info),
        cov=matrix,
        lower_limit=lower,
        abseps=1e-7,
        releps=1e-7,
        maxpts=1_000_000,
        rng=np.random.default_rng(0),
    )


@pytest.mark.parametrize("effect", [-0.4, 0.0, 0.9])
def test_exits_agree_with_multivariate_normal_integration(effect):
    information, upper, lower = [2.0, 3.0, 7.0], [2.5, 2.4, 2.1], [-1.0, -0.2, -3.0]
    above, below = exit_probabilities(upper, information, lower=lower, effect=effect)
    inside = [1.0, *(stay(lower[:k], upper[:k], information[:k], effect) for k in (1, 2, 3))]
    for k in range(3):
        assert above[0, k] + below[0, k] == pytest.approx(inside[k] - inside[k + 1], abs=1e-6)
    crossing = stay([*lower[:2], upper[2]], [*upper[:2], np.inf], information, effect)
    assert above[0, 2] == pytest.approx(crossing, abs=1e-6)


def test_looks_without_bounds_let_everything_pass():
    above, below = exit_probabilities([np.inf, 1.5], [1.0, 2.0])
    assert above[0, 0] == 0.0
    assert above[0, 1] == pytest.approx(stats.norm.sf(1.5), rel=1e-12)
    assert below.tolist() == [[0.0, 0.0]]


def test_designs_of_different_lengths_are_treated_together():
    info = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, np.nan], [1.0, np.nan, np.nan]])
    above, _ = exit_probabilities([2.0, 2.1, 2.2], info, effect=[0.5, 0.5, 0.5])
    np.testing.assert_allclose(above[1, :2], above[0, :2], rtol=1e-10)
    assert above[1, 2] == above[2, 1] == above[2, 2] == 0.0


def test_everything_leaves_under_a_huge_effect():
    above, _ = exit_probabilities([2.0, 2.0, 2.0], [1.0, 2.0, 3.0], effect=50.0)
    assert above.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("spending", ["power", "obrien_fleming"])
@pytest.mark.parametrize("alpha", [0.05, 1e-6])
def test_bounds_and_exits_agree_for_a_year_of_daily_looks(alpha, spending):
    shares = [k / 365 for k in range(1, 366)]
    tested = [
        look for look in bounds(shares, shares, alpha=alpha, spending=spending) if look.bound is not None
    ]
    upper = np.array([look.bound for look in tested])
    above, below = exit_probabilities(upper, [look.information for look in tested], lower=-upper)
    assert above.sum() == pytest.approx(alpha / 2, rel=1e-6)
    np.testing.assert_allclose(above, below, rtol=1e-9, atol=1e-30)


def test_information_that_does_not_increase_is_refused():
    with pytest.raises(StatisticsError, match="does not increase"):
        exit_probabilities([2.0, 2.0], [1.0, 1.0])


def test_bounds_in_the_wrong_order_are_refused():
    with pytest.raises(StatisticsError, match="above the upper bound"):
        exit_probabilities([1.0, 2.0], [1.0, 2.0], lower=[1.5, 0.0])


def test_one_look_needs_no_inflation():
    assert inflation([1.0], alpha=0.01, power=0.9) == pytest.approx(1.0, rel=1e-6)


def test_drift_reaches_its_power():
    upper, info = np.array([2.8, 2.4, 2.0]), np.array([1.0, 2.0, 3.0])
    needed = required_drift(upper.tolist(), info.tolist(), power=0.9)
    above, _ = exit_probabilities(upper, info, lower=-upper, effect=needed / math.sqrt(3.0))
    assert above.sum() == pytest.approx(0.9, abs=1e-10)


@pytest.mark.parametrize("power", [0.01, 1.0])
def test_power_that_no_effect_gives_is_refused(power):
    with pytest.raises(StatisticsError, match="not above the level and below 1"):
        required_drift([1.96], [1.0], power=power)


def test_plan_that_does_not_end_is_refused():
    with pytest.raises(StatisticsError, match="last planned look is not at fraction 1"):
        inflation([0.5, 0.9])


def test_classical_bounds_spend_alpha():
    pocock = classical_bounds(4, exponent=POCOCK, alpha=0.1, sides=1)
    above, _ = exit_probabilities(pocock, [1.0, 2.0, 3.0, 4.0])
    assert above.sum() == pytest.approx(0.1, rel=1e-10)
    assert np.ptp(pocock) == 0.0


def test_one_classical_look_is_the_fixed_test():
    assert classical_bounds(1)[0] == pytest.approx(stats.norm.isf(0.025), rel=1e-14)
    assert classical_inflation(1) == pytest.approx(1.0, rel=1e-6)
    assert naive_alpha(1, alpha=0.05) == pytest.approx(0.05, rel=1e-12)


def test_impossible_classical_design_is_refused():
    with pytest.raises(StatisticsError, match="no design has 0 looks"):
        classical_bounds(0)


def test_impossible_peeking_is_refused():
    with pytest.raises(StatisticsError, match="no peeking with 0 looks"):
        naive_alpha(0)
