"""Rollouts by epoch, holdbacks, and what becomes of an effect over time."""

import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.always_valid import p_value
from steelyard.stats.comparison import non_inferiority, superiority
from steelyard.stats.decision import TestResult
from steelyard.stats.holdback import attrition_test, compare_with_shipped
from steelyard.stats.moments import Moments
from steelyard.stats.novelty import half_weights, pattern, slope_weights, time_contrast
from steelyard.stats.rollout import add_scores, combine_epochs, even_units, judge_rollout


def epochs():
    """Return 10 % and then 50 % treated, with a trend over time and an effect of 0.1."""
    return Moments.from_variances(
        n=[[900, 100], [500, 500]], mean=[[1.0, 1.1], [2.0, 2.1]], variance=[[1, 2], [3, 4]]
    )


@pytest.mark.parametrize("weighting", ["units", "information"])
def test_epochs_are_combined_by_their_own_differences(weighting):
    pair = unadjusted(epochs()).pairs()
    effect, variance = pair.effect[:, 0], pair.variance[:, 0]
    weights = np.array([0.5, 0.5]) if weighting == "units" else variance**-1 / (variance**-1).sum()
    combined = combine_epochs(pair, weighting=weighting)
    assert combined.effect[0] == pytest.approx((weights * effect).sum())
    assert combined.variance[0] == pytest.approx((weights**2 * variance).sum())
    assert combined.n_control.tolist() == [1400]
    assert superiority(combined).relative_effect[0] == pytest.approx(
        (weights * pair.mean_treatment[:, 0]).sum() / (weights * pair.mean_control[:, 0]).sum() - 1
    )
    assert 0 < non_inferiority(combined, margin=0.05).p_value[0] < 1


def test_pooling_epochs_would_show_an_effect_that_is_not_there():
    moments = Moments.from_variances(n=[[900, 100], [500, 500]], mean=[[1.0, 1.0], [2.0, 2.0]], variance=1.0)
    assert combine_epochs(unadjusted(moments).pairs()).effect[0] == pytest.approx(0.0, abs=1e-12)
    assert superiority(unadjusted(moments.pool(0)).pairs()).p_value[0] < 1e-10


def test_epochs_with_unknown_errors_do_not_count():
    moments = Moments.from_variances(
        n=[[900, 1], [500, 500], [0, 0]], mean=[[1.0, 9.0], [2.0, 2.1], [0.0, 0.0]], variance=1.0
    )
    combined = combine_epochs(unadjusted(moments).pairs())
    assert combined.effect[0] == pytest.approx(0.1)
    assert combined.df[0] == pytest.approx(998)
    assert combine_epochs(unadjusted(moments[[0, 2]]).pairs()).reason.tolist() == ["no_data"]


def test_adjusted_epochs_keep_their_covariance():
    rng = np.random.default_rng(8)
    cells = []
    for size in ((900, 100), (500, 500)):
        x = [rng.normal(size=n) for n in size]
        cells.append(
            Moments.stack([Moments.from_rows(np.column_stack([a + rng.normal(size=len(a)), a])) for a in x])
        )
    pair = full(Moments.stack(cells, axis=0)).pairs()
    combined = combine_epochs(pair)
    assert combined.covariance[0] == pytest.approx((pair.covariance[:, 0] / 4).sum())
    assert combined.variance[0] == pytest.approx((pair.variance[:, 0] / 4).sum())


def test_scores_add_up_to_the_information_weighted_effect():
    pair = unadjusted(epochs()).pairs()
    scores = add_scores(pair.effect[:, 0], pair.std_error[:, 0])
    combined = combine_epochs(pair, weighting="information")
    assert scores.statistic[-1] == pytest.approx(combined.effect[0] / combined.std_error[0])
    assert scores.score[-1] / scores.information[-1] == pytest.approx(combined.effect[0])


def test_scores_pass_over_epochs_without_an_effect():
    scores = add_scores([np.nan, 0.2], [np.nan, 0.1])
    assert np.isnan(scores.statistic[0])
    assert scores.information.tolist() == pytest.approx([0.0, 100.0])


def result(metric, role, significant, powered=False):
    return TestResult(metric=metric, role=role, significant=significant, powered=powered)


@pytest.mark.parametrize(
    ("results", "state", "reason"),
    [
        ([result("errors", "deterioration", True), result("a", "guardrail", True)], "abort", "errors became"),
        ([result("srm", "quality", True), result("a", "guardrail", True)], "abort", "srm failed"),
        ([result("a", "guardrail", True), result("a", "deterioration", False)], "continue", "a is not worse"),
        ([result("a", "guardrail", False)], "unknown", "a has not been shown"),
        ([result("a", "guardrail", None)], "unknown", "a has no result"),
        ([result("b", "deterioration", False)], "unknown", "b has not been shown"),
        ([result("b", "deterioration", False, powered=True)], "continue", "b is not worse"),
        ([result("srm", "quality", None), result("a", "guardrail", True)], "unknown", "srm could not"),
        ([result("c", "success", True)], "unknown", "nothing can speak"),
        ([result("c", "success", None), result("a", "guardrail", True)], "continue", "a is not worse"),
    ],
)
def test_rollout_continues_aborts_or_does_not_know(results, state, reason):
    decision = judge_rollout(results)
    assert decision.state == state
    assert reason in str(decision.reasons[0])


def test_holdback_is_compared_with_the_sum_of_its_parts():
    gap = compare_with_shipped(0.02, 0.01, shipped=[0.03, 0.04], shipped_errors=[0.01, 0.02], shares=[1, 0.5])
    error = np.sqrt(0.01**2 + 0.01**2 + 0.25 * 0.02**2)
    assert gap.std_error == pytest.approx(error)
    assert gap.p_value == pytest.approx(2 * stats.norm.sf(0.03 / error))
    assert gap.ci_lower == pytest.approx(-0.03 - 1.959963984540054 * error)


def test_attrition_is_a_chi_square_of_homogeneity():
    exposed, left = np.array([1000, 9000, 400]), np.array([900, 8000, 300])
    table = np.stack([left, exposed - left])
    expected = stats.chi2_contingency(table, correction=False)
    test = attrition_test(exposed, left)
    assert test.statistic == pytest.approx(expected.statistic)
    assert test.p_value == pytest.approx(expected.pvalue)
    assert attrition_test([10, 10], [10, 10]).reason == "no_data"
    assert attrition_test([10, 0], [5, 0]).reason == "insufficient_variants"


def test_time_contrast_is_the_moments_of_each_units_contrast():
    rng = np.random.default_rng(9)
    rows = rng.normal(size=(300, 1)) + rng.normal(size=(300, 6))
    weights = half_weights(5)
    expected = Moments.from_rows(np.column_stack([rows[:, :5] @ weights, rows[:, 5]]))
    found = time_contrast(Moments.from_rows(rows), weights)
    assert found.mean == pytest.approx(expected.mean, abs=1e-12)
    assert found.m2 == pytest.approx(expected.m2, rel=1e-10)


def test_fading_effect_is_named_by_the_effect_on_the_contrast():
    rng = np.random.default_rng(10)
    fade = np.linspace(1.0, 0.0, 6)
    cells = [
        Moments.from_rows(rng.normal(size=(2000, 1)) + rng.normal(size=(2000, 6)) + k * fade) for k in (0, 1)
    ]
    change = superiority(unadjusted(time_contrast(Moments.stack(cells), slope_weights(6))).pairs())
    assert change.effect[0] == pytest.approx(-0.2, abs=4 * change.std_error[0])
    assert pattern(0.5, change.effect, change.p_value).tolist() == ["fading"]


def test_slope_weights_are_those_of_least_squares():
    y = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    assert slope_weights(5) @ y == pytest.approx(np.polyfit(np.arange(5), y, 1)[0])


def test_pattern_of_a_missing_number_is_empty():
    assert pattern([np.nan, 0.1], [0.1, 0.1], [0.001, np.nan]).tolist() == ["", ""]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: combine_epochs(unadjusted(epochs()).pairs(), weighting="days"), "unknown weighting"),
        (
            lambda: compare_with_shipped(1, 1, shipped=[1], shipped_errors=[1], shares=[2]),
            "shares must lie between",
        ),
        (lambda: attrition_test([10, 10], [11, 10]), "no more units can survive"),
        (lambda: half_weights(1), "1 days have no change"),
        (lambda: time_contrast(Moments.from_rows(np.eye(3)), [0.5, 0.4, 0.1]), "do not make a contrast"),
        (lambda: time_contrast(Moments.from_rows(np.eye(3)), half_weights(4)), "do not make a contrast"),
    ],
)
def test_rollout_helpers_refuse_what_does_not_fit(call, message):
    with pytest.raises(StatisticsError, match=message):
        call()


def test_even_units_are_those_of_an_even_split_with_the_same_information():
    pair = unadjusted(Moments.from_variances(n=[[900, 100], [500, 500]], mean=1.0, variance=2.5)).pairs()
    information = (1 / pair.variance[:, 0]).sum()
    half = even_units([900, 500], [100, 500]) / 2
    assert 1 / (2.5 / half + 2.5 / half) == pytest.approx(information)
    assert even_units([[900, 0]], [[100, 0]]).tolist() == [360.0]


@pytest.mark.long
def test_always_valid_looks_at_a_rollout_keep_their_level_by_even_units_and_not_by_plain_ones():
    """The treatment's share grows tenfold from stage to stage, and each look is at all the scores so far."""
    rng, total, tuning = np.random.default_rng(7), 4_000, 5_000.0
    share = np.repeat([0.0001, 0.001, 0.01, 0.1, 0.5], [80, 160, 320, 640, 1280])
    control, treated = 250 * (1 - share), 250 * share
    gained = control * treated / (control + treated)
    score = np.cumsum(rng.normal(size=(total, len(share))) * np.sqrt(gained), axis=1)
    statistic = score / np.sqrt(np.cumsum(gained))
    rates = {}
    for name, units in (("even", 4 * np.cumsum(gained)), ("plain", np.cumsum(control + treated))):
        rates[name] = (p_value(statistic, units, tuning) <= 0.05).any(axis=1).mean()
    assert rates["even"] <= 0.05
    # Four Monte-Carlo standard errors above the level: the negative control.
    assert rates["plain"] > 0.05 + 4 * np.sqrt(0.05 * 0.95 / total)
