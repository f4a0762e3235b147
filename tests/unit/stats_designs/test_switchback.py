"""Switchback tests against enumeration, regression by statsmodels and the definition of each estimator."""

from itertools import combinations, product

import numpy as np
import pytest
import statsmodels.api as sm

from steelyard.errors import StatisticsError
from steelyard.stats.comparison import superiority
from steelyard.stats.switchback import block_pairs, block_values, carry_over_test, randomisation_test
from steelyard.stats.switchback_designs import coin_assignments, complete_assignments, difference_weights
from steelyard.stats.switchback_series import default_lag, hac_effect, horvitz_thompson, newey_west

VALUES = np.array([5.1, 1.2, 6.3, 2.4, 7.0, 1.9, 6.6, 3.2, 4.4, 2.2])
TREATED = np.array([1, 0, 1, 0, 1, 0, 1, 0, 0, 1])
SINE = np.arange(1, 601)
SINE_Y = (
    3
    + 0.7 * (5 + 2 * np.sin(SINE) + 0.5 * np.cos(2.3 * SINE))
    + 0.4 * np.sin(0.7 * SINE) ** 2
    + (SINE % 3 == 0) * (0.5 + 0.3 * (2 * np.sin(SINE) + 0.5 * np.cos(2.3 * SINE)))
    + np.cos(3 * SINE)
    + 0.5 * np.sin(5.1 * SINE)
)


def difference(values, treated):
    return values[treated == 1].mean() - values[treated == 0].mean()


def tails_by_hand(values, treated, null):
    """Return both tails over all assignments with as many treated blocks, one by one."""
    adjusted = values - null * treated
    observed = difference(adjusted, treated)
    found = []
    for chosen in combinations(range(len(values)), int(treated.sum())):
        mark = np.zeros(len(values))
        mark[list(chosen)] = 1
        found.append(difference(adjusted, mark))
    found = np.array(found)
    return np.mean(found >= observed - 1e-9), np.mean(found <= observed + 1e-9)


@pytest.mark.parametrize("null", [0.0, 1.0, 3.0, 6.0])
def test_randomisation_p_values_are_those_of_all_assignments_listed(null):
    design = complete_assignments(10, 5)
    greater, less = tails_by_hand(VALUES, TREATED, null)
    for alternative, expected in (
        ("greater", greater),
        ("less", less),
        ("two-sided", min(1, 2 * min(greater, less))),
    ):
        test = randomisation_test(VALUES, TREATED, design, null=null, alternative=alternative)
        assert test.p_value == pytest.approx(expected, abs=1e-12)
    assert test.assignments == 252


def test_randomisation_interval_holds_the_effects_that_are_not_rejected():
    design = complete_assignments(10, 5)
    test = randomisation_test(VALUES, TREATED, design, alpha=0.1)
    width = test.ci_upper - test.ci_lower
    for inside in (test.ci_lower + 1e-6 * width, test.ci_upper - 1e-6 * width):
        assert randomisation_test(VALUES, TREATED, design, null=inside).p_value > 0.1
    for outside in (test.ci_lower - 1e-6 * width, test.ci_upper + 1e-6 * width):
        assert randomisation_test(VALUES, TREATED, design, null=outside).p_value <= 0.1


def test_randomisation_interval_is_unknown_where_no_effect_can_be_rejected():
    test = randomisation_test([3.0, 1.0, 4.0, 2.0], [1, 0, 1, 0], complete_assignments(4, 2))
    assert np.isnan(test.ci_lower)
    assert np.isnan(test.ci_upper)


def test_randomisation_with_drawn_assignments_counts_the_one_that_happened():
    rng = np.random.default_rng(0)
    values, treated = rng.normal(size=40) + 9, np.tile([0, 1], 20)
    design = complete_assignments(40, 20, draws=2000)
    assert design.shape == (2000, 40)
    assert np.all(design.sum(axis=1) == 20)
    values[treated == 1] += 50.0
    test = randomisation_test(values, treated, design)
    assert test.assignments == 2001
    assert test.p_value == pytest.approx(2 / 2001)
    assert test.ci_lower < 50 < test.ci_upper


def test_randomisation_test_of_many_series_at_once_equals_one_at_a_time():
    rng = np.random.default_rng(1)
    design = complete_assignments(8, 4)
    values, treated = rng.normal(size=(5, 8)), design[rng.integers(0, 70, 5)]
    together = randomisation_test(values, treated, design)
    for row in range(5):
        alone = randomisation_test(values[row], treated[row], design)
        assert together.p_value[row] == pytest.approx(alone.p_value)
        assert together.ci_upper[row] == pytest.approx(alone.ci_upper, nan_ok=True)


def test_strata_keep_a_difference_between_regions_out_of_the_effect():
    strata = ["north"] * 4 + ["south"] * 4
    values = np.array([1.0, 2, 1, 2, 101, 102, 101, 102])
    treated = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    design = complete_assignments(8, [2, 2], strata=strata)
    assert len(design) == 36
    test = randomisation_test(values, treated, design, strata=strata)
    assert test.effect == pytest.approx(1.0)
    assert test.p_value == pytest.approx(2 / 36)
    assert randomisation_test(values, treated, complete_assignments(8, 4)).p_value > 0.5


def test_difference_weights_average_strata_by_their_blocks():
    strata, treated = [0, 0, 0, 0, 0, 0, 1, 1], np.array([1, 0, 0, 1, 0, 1, 0, 1])
    values = np.arange(8.0) ** 2
    by_hand = 6 / 8 * difference(values[:6], treated[:6]) + 2 / 8 * difference(values[6:], treated[6:])
    assert (difference_weights(treated == 1, strata) * values).sum() == pytest.approx(by_hand)


def test_difference_weights_of_unequal_numbers_are_those_of_two_means():
    treated = np.array([1, 0, 0, 0, 1, 0, 0])
    values = np.arange(7.0) ** 2
    assert (difference_weights(treated == 1, None) * values).sum() == pytest.approx(
        difference(values, treated)
    )


def test_strata_with_one_kind_of_block_are_left_out():
    weights = difference_weights(np.array([True, True, False, True]), ["a", "a", "b", "b"])
    assert weights.tolist() == [0, 0, -1, 1]


def test_coins_follow_the_switch_points():
    design = coin_assignments(30, share=0.3, switch_points=[k % 3 == 0 for k in range(30)])
    assert design.shape == (2000, 30)
    assert np.all(design[:, ::3] == design[:, 1::3])
    assert design.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 20_000))


def test_first_block_has_a_coin_whatever_its_switch_point_says():
    design = coin_assignments(3, switch_points=[False, False, True])
    assert design.astype(int).tolist() == [[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]]


def test_block_values_are_ratios_and_say_where_there_is_none():
    values, reason = block_values([4.0, 3.0, -1.0], [2, 0, 4])
    assert values[[0, 2]].tolist() == [2.0, -0.25]
    assert np.isnan(values[1])
    assert reason.tolist() == ["", "zero_denominator", ""]


def test_block_comparison_is_a_welch_test():
    result = superiority(block_pairs(VALUES, TREATED))
    t, p, _ = sm.stats.ttest_ind(VALUES[TREATED == 1], VALUES[TREATED == 0], usevar="unequal")
    assert result.statistic[0] == pytest.approx(t)
    assert result.p_value[0] == pytest.approx(p)


def test_block_comparison_within_strata_is_weighted_by_them():
    strata = ["day"] * 6 + ["night"] * 4
    pair = block_pairs(VALUES, TREATED, strata=strata)
    by_hand = 0.6 * difference(VALUES[:6], TREATED[:6]) + 0.4 * difference(VALUES[6:], TREATED[6:])
    assert pair.effect[0] == pytest.approx(by_hand)


def test_carry_over_is_the_interaction_with_a_switch():
    rng = np.random.default_rng(2)
    treated = np.repeat(rng.integers(0, 2, 60), 2)
    values = rng.normal(size=120) + treated
    result = carry_over_test(values, treated)
    w, s = treated[1:], (treated[1:] != treated[:-1]).astype(int)
    ols = sm.OLS(values[1:], np.column_stack([np.ones(119), w, s, w * s])).fit()
    assert result.estimate == pytest.approx(ols.params[3])
    # Saturated in four cells, HC2 is each cell's own variance over its size.
    assert result.std_error == pytest.approx(ols.get_robustcov_results("HC2").bse[3])


def test_carry_over_test_finds_a_block_that_still_feels_the_last_one():
    rng = np.random.default_rng(3)
    treated = rng.integers(0, 2, 400)
    before = np.concatenate([[0], treated[:-1]])
    values = rng.normal(size=400) + 2.0 * treated + 1.0 * before
    assert carry_over_test(values, treated).p_value < 1e-4
    assert carry_over_test(rng.normal(size=400) + 2.0 * treated, treated).p_value > 0.01


@pytest.mark.parametrize(("lag", "expected"), [(3, 0.0459420733283375), (10, 0.0223296333746163)])
def test_newey_west_is_that_of_r_sandwich(lag, expected):
    assert newey_west(SINE_Y, lag=lag) == pytest.approx(expected, rel=1e-9)


def test_hac_effect_is_that_of_a_regression():
    treated = (SINE % 2).astype(int)
    result = hac_effect(SINE_Y, treated)
    fit = sm.OLS(SINE_Y, sm.add_constant(treated)).fit(cov_type="HAC", cov_kwds={"maxlags": default_lag(600)})
    assert result.effect == pytest.approx(fit.params[1], rel=1e-9)
    assert result.std_error == pytest.approx(fit.bse[1], rel=1e-9)


def probability(path, carry_over, switch_points):
    """Return P(the window up to each block is all treated) by listing every outcome of the coins."""
    coins = np.cumsum([k > 0 and s for k, s in enumerate(switch_points)])
    paths = np.array(list(product((0, 1), repeat=coins[-1] + 1)))[:, coins]
    return paths, np.array(
        [paths[:, t - carry_over : t + 1].all(axis=1).mean() for t in range(carry_over, len(path))]
    )


@pytest.mark.long
@pytest.mark.parametrize("carry_over", [0, 1, 2])
@pytest.mark.parametrize("every", [1, 2, 3])
def test_horvitz_thompson_is_unbiased_and_its_variance_conservative(carry_over, every):
    blocks = 12
    switch = [k % every == 0 for k in range(blocks)]
    paths, chance = probability(np.zeros(blocks), carry_over, switch)
    rng = np.random.default_rng(4)
    base, gain = rng.normal(size=blocks), rng.normal(size=(carry_over + 1)) + 1

    def outcome(path):
        padded = np.concatenate([np.full(carry_over, path[0]), path])
        windows = np.lib.stride_tricks.sliding_window_view(padded, carry_over + 1)
        return base + windows @ gain[::-1]

    def estimate(path):
        try:
            found = horvitz_thompson(outcome(path), path, carry_over=carry_over, switch_points=switch)
        except StatisticsError:  # no window of one variant: every term is 0
            return 0.0, 0.0
        return found.effect, found.std_error

    estimates, errors = np.array([estimate(path) for path in paths]).T
    assert estimates.mean() == pytest.approx(gain.sum(), rel=1e-9)
    assert np.mean(errors**2) >= estimates.var() * (1 - 1e-9)
    term = chance[0] ** -1
    assert term == 2 ** len(set(np.cumsum([k > 0 and s for k, s in enumerate(switch)])[: carry_over + 1]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: randomisation_test([1, np.nan], [0, 1], [[0, 1]]), "a block has no value"),
        (lambda: randomisation_test([1, 2], [1, 1], [[0, 1]]), "blocks of both kinds"),
        (lambda: randomisation_test([1, 2], [0, 2], [[0, 1]]), "marked 1"),
        (lambda: randomisation_test([1, 2], [0, 1], [[0, 1], [1, 0]], alpha=1.5), "alpha must lie"),
        (lambda: complete_assignments(40, 20, draws=500), "500 draws are too few"),
        (lambda: complete_assignments(4, 5), "do not fit"),
        (lambda: complete_assignments(4, 2, strata=["a"]), "1 strata do not fit 4 blocks"),
        (lambda: coin_assignments(4, share=1.0), "share of the treatment"),
        (lambda: coin_assignments(4, switch_points=[True]), "1 switch points do not fit"),
        (lambda: hac_effect(np.ones(199), np.zeros(199)), "199 blocks are too few"),
        (lambda: hac_effect(np.ones(200), np.zeros(200)), "same variant"),
        (lambda: newey_west([1, 2], lag=2), "a lag of 2"),
        (lambda: horvitz_thompson([1, 2], [0, 1], carry_over=2), "carry-over of 2"),
        (lambda: horvitz_thompson([1, 2], [0, 1], share=0), "share of the treatment"),
        (lambda: horvitz_thompson([1, 2, 3], [0, 1]), "not two series"),
        (lambda: horvitz_thompson([1, np.inf], [0, 1]), "a block has no value"),
        (lambda: horvitz_thompson([2, 2], [0, 1], centre=2.0), "do not vary"),
    ],
)
def test_switchback_refuses_what_it_cannot_answer(call, message):
    with pytest.raises(StatisticsError, match=message):
        call()
