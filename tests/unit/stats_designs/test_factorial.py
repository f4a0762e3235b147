"""Factorial effects and interactions of experiments against regression on rows."""

import numpy as np
import pytest
import statsmodels.api as sm

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.contrast import interaction_weights, main_effect_weights
from steelyard.stats.factorial import crossed_weights, factorial_effects, factorial_weights, level_weights
from steelyard.stats.interaction import interaction_effects, overlap_check
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.srm import log_e_value


def rows(factors, seed=6):
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 2, size=(2000, factors))
    y = rng.normal(size=2000) + levels @ np.arange(1, factors + 1) + levels[:, 0] * levels[:, -1]
    cell = levels @ (2 ** np.arange(factors)[::-1])
    return y, levels, Moments.stack([Moments.from_rows(y[cell == k][:, None]) for k in range(2**factors)])


@pytest.mark.parametrize("factors", [2, 3])
def test_factorial_effects_are_those_of_a_saturated_regression(factors):
    y, levels, moments = rows(factors)
    effects = factorial_effects(unadjusted(moments), factors)
    assert len(effects) == 2**factors - 1
    for effect in effects:
        # With levels coded -1/2 and 1/2, a coefficient is the effect averaged over the other factors.
        products = [np.prod(levels[:, other.factors] - 0.5, axis=1) for other in effects]
        coded = [np.ones(len(y)), *products]
        fit = sm.OLS(y, np.column_stack(coded)).fit(cov_type="HC2")
        k = 1 + [other.factors for other in effects].index(effect.factors)
        assert effect.contrast.estimate == pytest.approx(fit.params[k], rel=1e-9)
        assert effect.contrast.std_error == pytest.approx(fit.bse[k], rel=1e-9)
    flags = {effect.factors: bool(effect.flagged) for effect in effects}
    assert flags[(0, factors - 1)]
    assert not flags[(0,)]


def test_factorial_weights_agree_with_main_effects_and_the_highest_interaction():
    assert factorial_weights(3, [1]).tolist() == main_effect_weights(3, 1).tolist()
    assert factorial_weights(3, [0, 1, 2]).tolist() == interaction_weights(3).tolist()


def test_level_weights_average_over_the_others_by_their_shares():
    weights = level_weights([2, 3], 0, 1, shares=[[1, 1], [0.2, 0.3, 0.5]])
    assert weights.tolist() == [-0.2, -0.3, -0.5, 0.2, 0.3, 0.5]
    assert level_weights([2, 3], 1, 2, base=1).tolist() == [0, -0.5, 0.5, 0, -0.5, 0.5]


def test_interaction_of_experiments_has_the_digits_computed_by_hand():
    cells = VariantMeans.independent(
        n=[100] * 4, mean=[1.0, 1.1, 1.2, 1.5], variance=[0.01, 0.012, 0.011, 0.013], df=[99] * 4
    )
    result = interaction_effects(cells, (2, 2))
    assert [result.estimate[0], result.std_error[0], result.df[0]] == pytest.approx(
        [0.2, 0.21447610589527216, 392.29213483146066], rel=1e-10
    )


def test_interaction_of_three_with_two_variants_compares_each_treatment_with_its_control():
    cells = VariantMeans.independent(n=[100] * 6, mean=[1, 2, 4, 8, 16, 32], variance=0.01)
    assert interaction_effects(cells, (3, 2)).estimate.tolist() == [8 - 4 - 2 + 1, 32 - 16 - 2 + 1]
    assert interaction_effects(cells, (3, 2), controls=(1, 1)).estimate.tolist() == [
        1 - 4 - 2 + 8,
        16 - 32 - 4 + 8,
    ]


def test_overlap_is_the_e_value_of_the_table_against_the_product_of_shares():
    counts = np.array([[480, 120], [330, 70]])
    check = overlap_check(counts, [0.6, 0.4], [0.8, 0.2])
    assert check.log_e_value == pytest.approx(log_e_value(counts.ravel(), [0.48, 0.12, 0.32, 0.08]))
    assert check.excess == pytest.approx(counts / 1000 - np.array([[0.48, 0.12], [0.32, 0.08]]))
    assert check.p_value == 1.0


def test_overlap_of_the_same_salt_is_found():
    assert overlap_check([[5000, 0], [0, 5000]], [1, 1], [1, 1]).p_value < 1e-100


def test_overlap_of_independent_assignments_keeps_the_level_at_every_look():
    rng = np.random.default_rng(7)
    daily = rng.multinomial(400, [0.25] * 4, size=(2000, 14)).cumsum(axis=1).reshape(2000, 14, 2, 2)
    ever = (overlap_check(daily, [0.5, 0.5], [0.5, 0.5]).p_value <= 0.05).any(axis=1).mean()
    assert ever <= 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: factorial_effects(VariantMeans.independent(n=[1], mean=[1], variance=[1]), 2),
            "1 cells do not",
        ),
        (lambda: factorial_weights(2, [2]), "are not factors"),
        (lambda: crossed_weights([2, 2], {}), "no levels"),
        (lambda: crossed_weights([2, 2], {0: 2}), "no levels"),
        (lambda: crossed_weights([2, 2], {2: 1}), "no levels"),
        (lambda: crossed_weights([2, 2], {0: 1}, shares=[[1, 1]]), "shares do not fit"),
        (lambda: factorial_weights(2, [0, 0]), "are not factors"),
        (lambda: level_weights([2, 2], 0, 2), "no level 2"),
        (lambda: level_weights([2, 2], 0, 1, shares=[[1, 1], [1]]), "shares do not fit"),
        (lambda: overlap_check([[1, 2]], [1, 1], [1, 1]), "do not fit 2 and 2 variants"),
        (
            lambda: interaction_effects(VariantMeans.independent(n=[1] * 3, mean=1, variance=1), (2, 2)),
            "3 cells do not fit 2 x 2",
        ),
    ],
)
def test_factorial_helpers_refuse_what_does_not_fit(call, message):
    with pytest.raises(StatisticsError, match=message):
        call()


def test_crossed_weights_are_those_of_two_levels_and_of_one_factor() -> None:
    assert crossed_weights([2, 2, 2], {0: 1, 2: 1}).tolist() == factorial_weights(3, [0, 2]).tolist()
    shares = [[1, 1], [0.2, 0.3, 0.5]]
    assert crossed_weights([2, 3], {0: 1}, shares=shares) == pytest.approx(
        level_weights([2, 3], 0, 1, shares=shares)
    )
