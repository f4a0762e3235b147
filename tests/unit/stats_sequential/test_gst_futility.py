import math

import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.group_sequential import bounds
from steelyard.stats.gst_exit import exit_probabilities
from steelyard.stats.gst_futility import futility_design
from steelyard.stats.spending import spend

FRACTIONS = [0.3, 0.5, 0.8, 1.0]


def test_efficacy_bounds_are_those_without_futility():
    plan = futility_design(FRACTIONS, alpha=0.025)
    alone = bounds(FRACTIONS, FRACTIONS, alpha=0.025, sides=1)
    assert plan.upper == tuple(look.bound for look in alone)
    assert plan.lower[-1] == plan.upper[-1]


def test_power_is_reached_when_futility_bounds_are_obeyed():
    plan = futility_design(FRACTIONS, power=0.9, spending="pocock", futility_spending="power")
    above, below = exit_probabilities(plan.upper, FRACTIONS, lower=plan.lower, effect=plan.drift)
    assert above.sum() == pytest.approx(0.9, abs=1e-8)
    released = np.diff(spend(FRACTIONS, 0.1, "power"), prepend=0.0)
    np.testing.assert_allclose(below[0], released, rtol=1e-6)


def test_two_looks_agree_with_bivariate_normal_probabilities():
    plan = futility_design([0.5, 1.0], spending="obrien_fleming", power=0.9, futility_parameter=-2.0)
    first = stats.norm.cdf(plan.lower[0] - plan.drift * math.sqrt(0.5))
    assert first == pytest.approx(float(spend(0.5, 0.1, "hwang_shih_decani", -2.0)), rel=1e-9)
    rho = math.sqrt(0.5)
    both = stats.multivariate_normal.cdf(
        [plan.upper[0], plan.upper[1]],
        mean=[plan.drift * rho, plan.drift],
        cov=[[1.0, rho], [rho, 1.0]],
        lower_limit=[plan.lower[0], -np.inf],
    )
    assert first + both == pytest.approx(0.1, abs=1e-7)


def test_futility_costs_sample():
    assert futility_design(FRACTIONS, power=0.8).inflation > 1.02
    assert futility_design([1.0], power=0.8).inflation == pytest.approx(1.0, rel=1e-8)


def test_early_look_without_efficacy_bound_still_has_futility():
    plan = futility_design([0.0005, 0.5, 1.0], spending="obrien_fleming")
    assert plan.upper[0] is None
    assert plan.lower[0] < -2.0


def test_early_look_with_nothing_to_spend_has_no_futility_bound():
    plan = futility_design([0.0005, 0.5, 1.0], futility_spending="obrien_fleming")
    assert plan.lower[0] is None


def test_futility_that_leaves_no_later_look_is_refused():
    with pytest.raises(StatisticsError, match="no later look would be taken"):
        futility_design([0.9, 0.95, 1.0], spending="power", futility_spending="pocock")


def test_planned_looks_that_do_not_increase_are_refused():
    with pytest.raises(StatisticsError, match="do not increase to fraction 1"):
        futility_design([0.5, 0.4, 1.0])


def test_power_below_the_level_is_refused():
    with pytest.raises(StatisticsError, match=r"power 0\.01 is not above the level"):
        futility_design([0.5, 1.0], power=0.01)
