import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.comparison import deterioration, non_inferiority, superiority
from steelyard.stats.means import MeanPair, VariantMeans, satterthwaite
from steelyard.stats.moments import Moments

rng = np.random.default_rng(3)
CONTROL, TREATMENT = rng.gamma(2.0, 3.0, 80), rng.gamma(2.2, 3.0, 140)


def gamma_pair() -> MeanPair:
    cells = [Moments.from_rows(rows[:, None]) for rows in (CONTROL, TREATMENT)]
    return unadjusted(Moments.stack(cells)).pairs()


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_superiority_agrees_with_scipys_welch_test(alternative: str) -> None:
    expected = stats.ttest_ind(TREATMENT, CONTROL, equal_var=False, alternative=alternative)
    result = superiority(gamma_pair(), alternative=alternative, alpha=0.1)
    assert result.statistic.item() == pytest.approx(expected.statistic, rel=1e-12)
    assert result.df.item() == pytest.approx(expected.df, rel=1e-12)
    assert result.p_value.item() == pytest.approx(expected.pvalue, rel=1e-10)
    interval = expected.confidence_interval(0.9)
    finite = [(end, own) for end, own in zip(interval, (result.ci_lower, result.ci_upper), strict=True)]
    for end, own in finite:
        assert np.isinf(end) or own.item() == pytest.approx(end, rel=1e-10)


def test_shifted_null_hypothesis_is_tested() -> None:
    expected = stats.ttest_ind(TREATMENT - 0.5, CONTROL, equal_var=False)
    assert superiority(gamma_pair(), null=0.5).p_value.item() == pytest.approx(expected.pvalue, rel=1e-10)


def test_deterioration_is_the_one_sided_test_against_the_preferred_direction() -> None:
    up, down = deterioration(gamma_pair(), direction=1), deterioration(gamma_pair(), direction=-1)
    assert up.p_value.item() == superiority(gamma_pair(), alternative="less").p_value.item()
    assert down.p_value.item() == superiority(gamma_pair(), alternative="greater").p_value.item()
    assert up.evidence.item() == -up.statistic.item()


@pytest.mark.parametrize("direction", [1, -1])
def test_absolute_margin_shifts_the_null_hypothesis_by_the_margin(direction: int) -> None:
    result = non_inferiority(gamma_pair(), margin=0.4, direction=direction, relative=False)
    alternative = "greater" if direction == 1 else "less"
    shifted = superiority(gamma_pair(), null=-direction * 0.4, alternative=alternative)
    assert result.p_value.item() == shifted.p_value.item()
    assert result.effect.item() == shifted.effect.item()


def test_relative_margin_counts_the_controls_uncertainty() -> None:
    means = VariantMeans.independent(n=[100, 100], mean=[10.0, 10.3], variance=[0.05, 0.04])
    result = non_inferiority(means.pairs(), margin=0.02)
    assert result.statistic.item() == pytest.approx((10.3 - 9.8) / np.sqrt(0.04 + 0.98**2 * 0.05))
    worse = non_inferiority(means.pairs(), margin=0.02, direction=-1)
    assert worse.statistic.item() == pytest.approx((10.3 - 10.2) / np.sqrt(0.04 + 1.02**2 * 0.05))
    assert worse.evidence.item() == -worse.statistic.item()
    assert not worse.significant.item()


@pytest.mark.parametrize("margin", [0.0, -0.1, np.nan])
def test_margin_that_is_not_positive_is_refused(margin: float) -> None:
    with pytest.raises(StatisticsError, match="margin must be positive"):
        non_inferiority(gamma_pair(), margin=margin)


def test_direction_other_than_up_or_down_is_refused() -> None:
    with pytest.raises(StatisticsError, match="preferred direction must be 1 or -1"):
        deterioration(gamma_pair(), direction=0)


def test_sequential_bound_sets_intervals_and_significance() -> None:
    pair = gamma_pair()
    wide = superiority(pair, critical=4.0)
    assert wide.ci_upper.item() == pytest.approx(pair.effect.item() + 4 * pair.std_error.item())
    assert wide.significant.tolist() == [abs(wide.statistic.item()) >= 4]
    narrow = superiority(pair, critical=0.01)
    assert narrow.significant.tolist() == [True]
    assert wide.relative_ci_lower < narrow.relative_ci_lower < narrow.relative_ci_upper


def correlated_pair() -> MeanPair:
    x, noise = rng.normal(3, 1, (2, 2, 150))
    y = np.array([[10.0], [10.3]]) + x + noise
    return full(Moments.from_rows(np.stack([y, x], axis=-1))).pairs()


def test_interval_at_the_observed_evidence_ends_at_the_null_hypothesis() -> None:
    """Sharp where the variances and the covariance of adjusted means all enter as they should."""
    pair = correlated_pair()
    assert pair.covariance.item() > 0.1 * pair.var_control.item()
    result = superiority(pair, critical=superiority(pair).evidence)
    ends = (result.ci_lower, result.ci_upper, result.relative_ci_lower, result.relative_ci_upper)
    assert min(abs(end.item()) for end in ends[:2]) == pytest.approx(0.0, abs=1e-12)
    assert min(abs(end.item()) for end in ends[2:]) == pytest.approx(0.0, abs=1e-12)
    for direction in (1, -1):
        evidence = non_inferiority(pair, margin=0.05, direction=direction).evidence
        at_margin = non_inferiority(pair, margin=0.05, direction=direction, critical=abs(evidence))
        limits = np.array([at_margin.relative_ci_lower, at_margin.relative_ci_upper])
        assert np.abs(limits + direction * 0.05).min() == pytest.approx(0.0, abs=1e-12)


def test_evidence_at_the_bound_is_significant_and_just_below_is_not() -> None:
    pair = gamma_pair()
    evidence = superiority(pair).evidence.item()
    assert superiority(pair, critical=evidence).significant.item()
    assert not superiority(pair, critical=evidence * (1 + 1e-12)).significant.item()


def test_levels_bounds_margins_and_directions_can_differ_by_cell() -> None:
    cells = [Moments.from_rows(rows[:, None]) for rows in (CONTROL, TREATMENT)]
    batch = unadjusted(Moments.stack([Moments.stack(cells)] * 3, axis=0)).pairs()
    alpha, margin, direction = [[0.1], [0.05], [0.01]], [[0.1], [0.2], [0.3]], [[1], [-1], [1]]
    result = non_inferiority(batch, margin=margin, direction=direction, alpha=alpha)
    for cell in range(3):
        alone = non_inferiority(
            gamma_pair(), margin=margin[cell][0], direction=direction[cell][0], alpha=alpha[cell][0]
        )
        assert result.p_value[cell] == pytest.approx(alone.p_value, rel=1e-13)
        assert result.ci_lower[cell] == pytest.approx(alone.ci_lower, rel=1e-13)


def test_satterthwaite_lies_between_the_smaller_and_the_sum_of_degrees_of_freedom() -> None:
    pieces, df = rng.uniform(0, 1, (100, 2)), rng.uniform(1, 50, (100, 2))
    total = satterthwaite(pieces, df)
    assert (total >= df.min(axis=-1) - 1e-9).all()
    assert (total <= df.sum(axis=-1) + 1e-9).all()
    assert satterthwaite(np.ones(2), np.array([np.inf, np.inf])) == np.inf
    assert satterthwaite(np.array([1.0, 1.0]), np.array([10.0, np.inf])) == 40.0
    assert np.isnan(satterthwaite(np.zeros(2), np.ones(2)))


def test_circulating_example_gives_z_of_4_3_and_not_p_of_0_003() -> None:
    shares = Moments.from_counts(n=[12_841, 12_807], successes=[0.612 * 12_841, 0.638 * 12_807])
    result = superiority(unadjusted(shares).pairs())
    assert result.statistic.item() == pytest.approx(4.3, abs=0.05)
    assert result.p_value.item() < 2e-5


def test_independent_means_need_a_reason_for_what_is_missing() -> None:
    reason = np.array(["", "no_data"], dtype=object)
    means = VariantMeans.independent(n=[10, 0], mean=[1, np.nan], variance=[0.1, np.nan], reason=reason)
    result = superiority(means.pairs())
    assert result.reason.tolist() == ["no_data"]
    assert np.isnan(result.effect).all()
