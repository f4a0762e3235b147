import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.group_sequential import Look, bounds
from steelyard.stats.stagewise import stagewise, stagewise_tail


def look(information, bound):
    return Look(information=information, fraction=0.5, alpha_spent=0.01, bound=bound)


def test_stop_at_the_first_look_is_a_fixed_test():
    result = stagewise([look(25.0, 2.8)], 3.0, alpha=0.1)
    assert result.p_value == pytest.approx(2 * stats.norm.sf(3.0), rel=1e-10)
    assert result.estimate == pytest.approx(3.0 / 5.0, rel=1e-9)
    half = stats.norm.isf(0.05) / 5.0
    assert (result.ci_lower, result.ci_upper) == pytest.approx((0.6 - half, 0.6 + half), rel=1e-8)


@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_tail_at_the_second_look_agrees_with_the_bivariate_normal(effect):
    rho = np.sqrt(0.4)
    found = stagewise_tail([[2.6, 2.1]], [[4.0, 10.0]], [1.7], stopped=[1], effect=effect)
    mean = effect * np.sqrt([4.0, 10.0])
    second = stats.multivariate_normal.cdf(
        [2.6, np.inf], mean=mean, cov=[[1.0, rho], [rho, 1.0]], lower_limit=[-2.6, 1.7]
    )
    assert found[0] == pytest.approx(stats.norm.sf(2.6 - mean[0]) + second, abs=1e-9)


def test_looks_after_the_stop_do_not_matter():
    upper, information = [2.6, 2.3, 2.1], [4.0, 7.0, 10.0]
    together = stagewise_tail(upper, information, [2.8, 2.4, 1.0], stopped=[0, 1, 2], effect=0.2)
    for k, z in enumerate([2.8, 2.4, 1.0]):
        alone = stagewise_tail(upper[: k + 1], information[: k + 1], [z], stopped=[k], effect=0.2)
        assert together[k] == pytest.approx(alone[0], rel=1e-10)


def test_result_is_symmetric():
    looks = bounds([0.3, 0.6, 1.0], [3.0, 6.0, 10.0])
    up, down = stagewise(looks, 2.6), stagewise(looks, -2.6)
    assert up.p_value == pytest.approx(down.p_value, rel=1e-7)
    assert up.estimate == pytest.approx(-down.estimate, rel=1e-7)
    assert up.ci_lower == pytest.approx(-down.ci_upper, rel=1e-7)


def test_estimate_after_an_early_stop_is_below_the_naive_one():
    looks = bounds([0.3, 0.6, 1.0], [3.0, 6.0, 10.0])
    result = stagewise(looks[:2], 2.9)
    assert result.ci_lower < result.estimate < 2.9 / np.sqrt(6.0) < result.ci_upper


def test_interval_leaves_out_zero_exactly_where_the_p_value_is_below_alpha():
    looks = bounds([0.5, 1.0], [5.0, 10.0])
    for statistic in (1.9, 2.0, 2.1, 2.3):
        result = stagewise(looks, statistic)
        assert (result.p_value < 0.05) == (result.ci_lower > 0.0)


def test_test_that_stops_above_only_has_a_one_sided_p_value():
    result = stagewise([look(25.0, 2.8)], 3.0, sides=1)
    assert result.p_value == pytest.approx(stats.norm.sf(3.0), rel=1e-10)


def test_looks_without_a_bound_do_not_count():
    looks = bounds([1e-4, 0.3, 1.0], [1e-3, 3.0, 10.0], spending="obrien_fleming")
    assert looks[0].bound is None
    assert stagewise(looks, 2.2) == stagewise(looks[1:], 2.2)


def test_extreme_statistic_still_has_an_interval():
    result = stagewise([look(1.0, 3.0), look(2.0, 2.5)], 40.0)
    # The order is by stage: reaching the second look at all bounds the effect from above.
    assert np.isfinite([result.ci_lower, result.estimate, result.ci_upper]).all()
    assert result.ci_lower < result.estimate < result.ci_upper


def test_last_look_without_a_bound_is_refused():
    looks = bounds([0.5, 1.0, 1.1], [5.0, 10.0, 11.0])
    with pytest.raises(StatisticsError, match="could not stop the test"):
        stagewise(looks, 2.5)


@pytest.mark.parametrize(("statistic", "alpha", "sides"), [(np.nan, 0.05, 2), (2.0, 0.0, 2), (2.0, 0.05, 3)])
def test_impossible_inputs_are_refused(statistic, alpha, sides):
    with pytest.raises(StatisticsError, match="no stopped test has"):
        stagewise([look(1.0, 2.0)], statistic, alpha=alpha, sides=sides)


def test_look_outside_the_design_is_refused():
    with pytest.raises(StatisticsError, match="not one of the design's looks"):
        stagewise_tail([[2.0]], [[1.0]], [2.0], stopped=[1])
