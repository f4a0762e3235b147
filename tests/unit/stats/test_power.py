import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.comparison import non_inferiority, superiority
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.power import (
    achieved_power,
    is_powered,
    minimum_detectable_effect,
    quantile_sum,
    required_n,
    required_n_relative,
    std_error_at,
)
from steelyard.stats.power_design import design_effect, optimal_ratio
from steelyard.stats.power_exact import power_t, required_n_t
from steelyard.stats.power_proportions import detectable_proportion, required_n_proportions


@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_required_n_reaches_exactly_its_power(alternative: str) -> None:
    effect = 0.3 if alternative == "greater" else -0.3
    options = {"sd_control": 2.0, "sd_treatment": 3.0, "r_squared": 0.4, "design_effect": 1.5}
    size = required_n(effect, **options, power=0.9, alpha=0.01, alternative=alternative, ratio=0.5)
    assert size.treatment == pytest.approx(0.5 * size.control)
    error = std_error_at(n_control=size.control, n_treatment=size.treatment, **options)
    assert achieved_power(effect, error, alpha=0.01, alternative=alternative) == pytest.approx(0.9, rel=1e-12)
    assert minimum_detectable_effect(error, alpha=0.01, power=0.9, alternative=alternative) == pytest.approx(
        0.3
    )


def test_two_sided_power_counts_both_tails() -> None:
    size = required_n(0.3, sd_control=2.0)
    error = std_error_at(n_control=size.control, n_treatment=size.treatment, sd_control=2.0)
    far_tail = stats.norm.sf(stats.norm.isf(0.025) + 0.3 / error)
    assert achieved_power(0.3, error) == pytest.approx(0.8 + far_tail, rel=1e-12)
    assert achieved_power(0.0, error) == pytest.approx(0.05, rel=1e-12)


def test_group_sequential_inflation_multiplies_n() -> None:
    plain, inflated = required_n(0.1, sd_control=1.0), required_n(0.1, sd_control=1.0, inflation=1.0247)
    assert inflated.control == pytest.approx(1.0247 * plain.control)
    error = std_error_at(n_control=inflated.control, n_treatment=inflated.treatment, sd_control=1.0)
    assert minimum_detectable_effect(error, inflation=1.0247) == pytest.approx(0.1)


@pytest.mark.parametrize("direction", [1, -1])
def test_relative_non_inferiority_is_planned_with_the_variance_that_the_test_uses(direction: int) -> None:
    margin, mean, sd = 0.05, 10.0, 4.0
    alternative = "greater" if direction == 1 else "less"
    size = required_n_relative(
        0.0,
        relative_null=-direction * margin,
        mean_control=mean,
        sd_control=sd,
        alternative=alternative,
        power=0.85,
        ratio=2.0,
    )
    pair = VariantMeans.independent(
        n=[size.control, size.treatment],
        mean=[mean, mean],
        variance=[sd**2 / size.control, sd**2 / size.treatment],
    ).pairs()
    drift = non_inferiority(pair, margin=margin, direction=direction).evidence
    assert drift.item() == pytest.approx(quantile_sum(0.05, 0.85, "greater"), rel=1e-12)


def test_relative_superiority_is_planned_with_the_variance_of_the_difference() -> None:
    relative = required_n_relative(0.02, mean_control=10, sd_control=12, sd_treatment=13)
    absolute = required_n(0.2, sd_control=12, sd_treatment=13)
    assert relative.control == pytest.approx(absolute.control)


def test_n_at_planned_size_has_its_power_in_simulated_analyses() -> None:
    rng = np.random.default_rng(10)
    size = required_n(0.5, sd_control=1.0, sd_treatment=1.5, ratio=0.5).rounded()
    control = rng.normal(0, 1.0, (4000, int(size.control), 1))
    treatment = rng.normal(0.5, 1.5, (4000, int(size.treatment), 1))
    moments = Moments.stack([Moments.from_rows(control), Moments.from_rows(treatment)])
    rate = superiority(unadjusted(moments).pairs()).significant.mean()
    # 4,000 repetitions: three standard errors are .019; t costs a little beside the normal.
    assert rate == pytest.approx(0.8, abs=0.024)


def test_powered_looks_at_the_standard_error_only() -> None:
    assert is_powered([0.01, 0.011, np.nan], 0.0281).tolist() == [True, False, False]
    assert is_powered(0.01, -0.0281).item()


def test_arrays_give_arrays() -> None:
    size = required_n(np.array([[0.1], [0.2]]), sd_control=np.array([1.0, 2.0, 3.0]))
    assert size.control.shape == (2, 3)
    assert size.total(treatments=2) == pytest.approx(3 * size.control)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: required_n(0.0, sd_control=1), "no number of units can find this effect"),
        (lambda: required_n(-0.1, sd_control=1, alternative="greater"), "on its wrong side"),
        (lambda: required_n(0.1, null=0.2, sd_control=1, alternative="greater"), "on its wrong side"),
        (lambda: required_n(0.1, sd_control=1, power=1.0), "power must lie between 0 and 1"),
        (lambda: required_n(0.1, sd_control=1, power=0.01), "power must exceed alpha"),
        (lambda: required_n_relative(0.1, mean_control=0, sd_control=1), "positive control mean"),
        (lambda: required_n_proportions(0.0, 0.1), "a proportion must lie between 0 and 1"),
        (lambda: required_n_proportions(0.1, 1.1), "a proportion must lie between 0 and 1"),
        (lambda: power_t(1.0, n_control=1, n_treatment=5, sd_control=1), "at least two units"),
    ],
)
def test_impossible_plans_are_refused(call, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        call()


def test_circulating_sample_size_for_60_to_62_percent_is_half_of_the_right_one() -> None:
    pooled = required_n_proportions(0.60, 0.62, pooled=True).rounded()
    assert pooled.control == 9336
    assert required_n_proportions(0.60, 0.62).rounded().control < pooled.control


@pytest.mark.parametrize("direction", [1, -1])
def test_detectable_proportion_inverts_required_n(direction: int) -> None:
    target = 0.3 + direction * 0.04
    size = required_n_proportions(0.3, target, ratio=2.0, inflation=1.1)
    found = detectable_proportion(
        0.3, n_control=size.control, n_treatment=size.treatment, direction=direction, inflation=1.1
    )
    assert found == pytest.approx(target, rel=1e-12)


def test_proportion_that_no_effect_can_reach_is_null() -> None:
    assert np.isnan(detectable_proportion(0.9, n_control=10, n_treatment=10))


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("sd_treatment", [None, 2.0])
def test_exact_power_is_what_simulation_shows(alternative: str, sd_treatment: float | None) -> None:
    rng = np.random.default_rng(12)
    control = rng.normal(0, 1, (40_000, 12))
    treatment = rng.normal(0.8, sd_treatment or 1.0, (40_000, 20))
    p = stats.ttest_ind(
        treatment, control, axis=1, equal_var=sd_treatment is None, alternative=alternative
    ).pvalue
    exact = power_t(
        0.8,
        n_control=12,
        n_treatment=20,
        sd_control=1.0,
        sd_treatment=sd_treatment,
        alternative=alternative,
    )
    assert exact == pytest.approx((p <= 0.05).mean(), abs=0.0075)


@pytest.mark.parametrize("ratio", [0.25, 1.0, 3.0])
def test_exact_n_reaches_its_power_and_exceeds_the_normal_one(ratio: float) -> None:
    n = required_n_t(1.0, sd_control=1.0, sd_treatment=1.2, ratio=ratio, alpha=0.01)
    reached = power_t(1.0, n_control=n, n_treatment=n * ratio, sd_control=1.0, sd_treatment=1.2, alpha=0.01)
    assert reached == pytest.approx(0.8, abs=1e-9)
    assert n > required_n(1.0, sd_control=1.0, sd_treatment=1.2, ratio=ratio, alpha=0.01).control


def test_exact_n_is_at_least_two_units() -> None:
    assert required_n_t(1000.0, sd_control=1.0) == 2.0
    assert required_n_t(1000.0, sd_control=1.0, ratio=0.5) == 4.0


def test_optimal_ratio_needs_the_fewest_units() -> None:
    best = optimal_ratio(sd_control=1.0, sd_treatment=2.0, treatments=3)
    sizes = [
        required_n(0.1, sd_control=1.0, sd_treatment=2.0, ratio=best * factor).total(3)
        for factor in (0.9, 1.0, 1.1)
    ]
    assert sizes[1] == min(sizes)


def test_single_units_have_no_design_effect() -> None:
    assert design_effect(cluster_size=1, icc=0.3) == 1.0
