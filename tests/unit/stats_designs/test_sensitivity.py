"""Dilution, caps, balance, score intervals and the learning of a programme."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.always_valid import p_value
from steelyard.stats.balance import sequential_balance
from steelyard.stats.caps import cap_sensitivity
from steelyard.stats.comparison import superiority
from steelyard.stats.dilution import diluted, diluted_means
from steelyard.stats.ewl import classify, learning_summary, shrink_rates
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.proportion_intervals import newcombe_interval, wilson_interval
from steelyard.stats.ratio import linearise


def triggered_rows(seed=11, n=4000):
    rng = np.random.default_rng(seed)
    hit, variant = rng.random(n) < 0.2, rng.integers(0, 2, n)
    d = 1.0 + rng.poisson(2, n)
    y = d * 0.3 + rng.normal(size=n) + 0.5 * hit * variant
    return np.column_stack([y, d]), hit, variant


@pytest.mark.parametrize("ratio", [False, True])
def test_diluted_means_are_near_those_of_all_units_and_far_more_precise(ratio):
    rows, hit, variant = triggered_rows(n=40_000)
    triggered = Moments.stack([Moments.from_rows(rows[hit & (variant == k)]) for k in (0, 1)])
    pair = diluted_means(triggered, Moments.from_rows(rows[~hit]), ratio=ratio).pairs()
    means = rows.mean(axis=0)
    expected = 0.2 * 0.5 / (means[1] if ratio else 1.0)
    assert pair.effect[0] == pytest.approx(expected, abs=4 * pair.std_error[0])
    everyone = np.array([rows[variant == k].std(axis=0)[0] for k in (0, 1)])
    naive = np.sqrt((everyone**2).sum() / 20_000) / (means[1] if ratio else 1.0)
    assert pair.std_error[0] < 0.6 * naive


def test_diluted_mean_is_the_triggered_effect_times_its_share():
    rows, hit, variant = triggered_rows()
    triggered = Moments.stack([Moments.from_rows(rows[hit & (variant == k)]) for k in (0, 1)])
    alone = unadjusted(triggered).pairs()
    pair = diluted_means(triggered, Moments.from_rows(rows[~hit])).pairs()
    effect, error = diluted(alone.effect, alone.std_error, hit.mean())
    assert pair.effect == pytest.approx(effect)
    assert pair.std_error == pytest.approx(error)


@pytest.mark.long
def test_diluted_ratio_has_the_variance_of_repeated_experiments():
    rng = np.random.default_rng(12)
    effects, variances = [], []
    for _ in range(1500):
        d = 1.0 + rng.poisson(2, 600)
        y = 0.3 * d + rng.normal(size=600)
        rows = np.column_stack([y, d])
        triggered = Moments.stack([Moments.from_rows(rows[:100]), Moments.from_rows(rows[100:200])])
        pair = diluted_means(triggered, Moments.from_rows(rows[200:]), ratio=True).pairs()
        effects.append(pair.effect[0])
        variances.append(pair.variance[0])
    # The standard error of an empirical variance is sqrt(2 / 1500) = 3.7 %.
    assert np.mean(variances) == pytest.approx(np.var(effects), rel=0.11)


def test_diluted_means_share_the_variance_of_the_other_units():
    triggered = Moments.from_variances(n=[200, 200], mean=[1.0, 1.5], variance=[1.0, 2.0])
    pair = diluted_means(triggered, Moments.from_variances(n=600, mean=0.2, variance=3.0)).pairs()
    assert pair.covariance == pytest.approx([0.6**2 * 3.0 / 600])
    assert pair.var_control == pytest.approx([0.4**2 * 1.0 / 200 + 0.6**2 * 3.0 / 600])
    assert pair.mean_treatment == pytest.approx([0.4 * 1.5 + 0.6 * 0.2])


def test_dilution_without_other_units_changes_nothing():
    rows, hit, variant = triggered_rows()
    triggered = Moments.stack([Moments.from_rows(rows[hit & (variant == k)]) for k in (0, 1)])
    nobody = Moments(n=0.0, mean=[0.0, 0.0], m2=np.zeros((2, 2)))
    assert diluted_means(triggered, nobody).pairs().std_error == pytest.approx(
        unadjusted(triggered).pairs().std_error
    )


def test_diluted_ratio_without_a_denominator_has_a_reason():
    empty = Moments(n=[10, 10], mean=[[1.0, 0.0]] * 2, m2=np.tile(np.eye(2), (2, 1, 1)))
    rest = Moments(n=10, mean=[1.0, 0.0], m2=np.eye(2))
    assert diluted_means(empty, rest, ratio=True).reason.tolist() == ["zero_denominator"] * 2


def test_dilution_of_adjusted_ratios_is_that_of_the_adjusted_parts():
    """Where all units met the trigger, the ratio is the adjusted one; where some did not, they add what they have."""
    rng = np.random.default_rng(31)
    x = rng.gamma(2.0, size=(2, 400))
    rows = [np.column_stack([x[k] * (1 + 0.2 * k) + rng.normal(size=400), x[k] + 1, x[k]]) for k in (0, 1)]
    hit = Moments.stack([Moments.from_rows(one) for one in rows])
    nobody = Moments(n=0.0, mean=np.zeros(2), m2=np.zeros((2, 2)))
    alone = diluted_means(hit, nobody, ratio=True, adjusted=True).pairs()
    linear, reason = linearise(hit)
    expected = full(linear, reason=reason).pairs()
    assert alone.effect == pytest.approx(expected.effect, rel=1e-12)
    assert alone.std_error == pytest.approx(expected.std_error, rel=1e-12)
    others = Moments.from_rows(rng.gamma(2.0, size=(1000, 2)))
    plain, adjusted = (diluted_means(hit, others, ratio=True, adjusted=one).pairs() for one in (False, True))
    assert adjusted.std_error[0] < plain.std_error[0]


def test_dilution_by_a_given_share_needs_the_others_unless_there_are_none():
    hit = Moments.from_variances(n=[200, 200], mean=[1.0, 1.5], variance=1.0)
    nobody = Moments.from_variances(n=0, mean=0.0, variance=0.0)
    assert diluted_means(hit, nobody, share=0.5).pairs().reason.tolist() == ["no_data"]
    assert diluted_means(hit, nobody, share=1.0).pairs().effect.tolist() == [0.5]
    others = Moments.from_variances(n=100, mean=0.2, variance=1.0)
    pair = diluted_means(hit, others, share=0.2).pairs()
    assert pair.effect == pytest.approx([0.1])
    assert pair.mean_control == pytest.approx([0.36])


def test_caps_side_by_side_say_whether_the_conclusion_hangs_on_them():
    rng = np.random.default_rng(13)
    rows = [np.exp(1.5 * rng.normal(size=5000)) * (1 + 0.1 * k) for k in (0, 1)]
    pairs = [
        unadjusted(Moments.stack([Moments.from_rows(np.minimum(r, cap)[:, None]) for r in rows])).pairs()
        for cap in (10, 50, np.inf)
    ]
    result = cap_sensitivity(pairs, [10, 50, np.nan])
    assert [c.effect[0] for c in result.comparisons] == [superiority(pair).effect[0] for pair in pairs]
    significant = {bool(c.significant[0]) for c in result.comparisons}
    assert bool(result.is_stable[0]) == (len(significant) == 1)
    assert result.precision[:, 0] == pytest.approx([p.variance[0] / pairs[2].variance[0] for p in pairs])


@pytest.mark.parametrize(
    ("means", "spread", "stable"),
    [((2.0, 2.1), 0.1, True), ((2.0, 0.0), 0.1, False), ((1.1, 0.9), 0.1, False), ((1.1, 1.2), 0.1, True)],
    ids=["both significant", "opposite and significant", "opposite and not", "neither"],
)
def test_caps_agree_in_sign_and_significance(means, spread, stable):
    pairs = [VariantMeans.independent(n=[9, 9], mean=[1.0, m], variance=[spread] * 2).pairs() for m in means]
    assert cap_sensitivity(pairs, [5, np.nan]).is_stable.tolist() == [stable]


def test_cap_without_a_result_is_not_stable():
    known = VariantMeans.independent(n=[9, 9], mean=[1.0, 1.1], variance=[0.1, 0.1]).pairs()
    unknown = unadjusted(Moments.from_variances(n=[1, 9], mean=[1.0, 2.0], variance=1.0)).pairs()
    assert cap_sensitivity([known, unknown], [5, np.nan]).is_stable.tolist() == [False]


def test_balance_is_the_running_always_valid_p_value():
    n = np.array([[300, 300], [600, 600], [900, 900]])
    moments = Moments.from_variances(n=n, mean=[[1, 1.0], [1, 1.4], [1, 1.05]], variance=1.0)
    found = sequential_balance(moments)
    z = np.array([0.0, 0.4, 0.05]) / np.sqrt(2 / n[:, 0])
    expected = np.minimum.accumulate(p_value(z, n.sum(axis=1), 5000.0))
    assert found.statistic[:, 0] == pytest.approx(z)
    assert found.p_value[:, 0] == pytest.approx(expected)


def test_balance_waits_for_the_burn_in():
    looks = Moments.from_variances(n=[[99, 5000]], mean=[[1.0, 9.0]], variance=1.0)
    assert sequential_balance(looks).p_value.tolist() == [[1.0]]


def test_balance_without_variance_has_a_reason_and_no_alarm():
    found = sequential_balance(Moments.from_variances(n=[[500, 500]], mean=[[1.0, 1.0]], variance=0.0))
    assert found.reason.tolist() == [["zero_variance"]]
    assert found.p_value.tolist() == [[1.0]]


@pytest.mark.parametrize(("x", "n"), [(0, 10), (1, 10), (10, 10), (37, 200)])
def test_wilson_interval_is_that_of_statsmodels(x, n):
    interval = wilson_interval(x, n)
    assert (interval.ci_lower, interval.ci_upper) == pytest.approx(
        proportion_confint(x, n, method="wilson"), abs=1e-12
    )


@pytest.mark.parametrize(("counts"), [(56, 70, 48, 80), (9, 10, 3, 10), (0, 10, 0, 20), (5, 56, 0, 29)])
def test_newcombe_interval_is_that_of_statsmodels(counts):
    x1, n1, x0, n0 = counts
    found = newcombe_interval(successes_treatment=x1, n_treatment=n1, successes_control=x0, n_control=n0)
    expected = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff")
    assert (found.ci_lower, found.ci_upper) == pytest.approx(expected, abs=1e-12)


def test_interval_without_units_is_missing():
    assert np.isnan(wilson_interval(0, 0).ci_lower)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((False, True, True, True, True), "invalid"),
        ((True, True, False, True, False), "win"),
        ((True, False, True, True, True), "regression"),
        ((True, False, False, False, True), "neutral_powered"),
        ((True, False, False, False, False), "inconclusive"),
        ((True, False, False, True, True), "inconclusive"),
    ],
)
def test_experiments_are_classified_by_what_was_learnt(facts, expected):
    names = ("valid", "shipped", "regressed", "significant", "powered")
    assert classify(**dict(zip(names, facts, strict=True))).tolist() == expected


def test_rates_are_over_all_experiments_started():
    summary = learning_summary(["win", "invalid", "neutral_powered", "inconclusive"])
    assert (summary.started, summary.learning_rate, summary.win_rate) == (4, 0.5, 0.25)
    assert (summary.win_ci_lower, summary.win_ci_upper) == pytest.approx(
        proportion_confint(1, 4, method="wilson")
    )


def test_programme_without_experiments_has_no_rates():
    summary = learning_summary([])
    assert summary.learning_rate is None
    assert summary.win_ci_upper is None


def test_shrunken_rates_recover_the_spread_of_teams():
    rng = np.random.default_rng(14)
    n = rng.integers(5, 60, 4000)
    truth = rng.beta(6, 4, 4000)
    x = rng.binomial(n, truth)
    found = shrink_rates(x, n)
    assert found.strength == pytest.approx(10, rel=0.1)
    assert np.mean((found.rate - truth) ** 2) < 0.8 * np.mean((x / n - truth) ** 2)
    assert np.mean((found.ci_lower < truth) & (truth < found.ci_upper)) == pytest.approx(0.95, abs=0.012)
    assert found.rate[0] == pytest.approx(
        stats.beta.mean(found.mean * found.strength + x[0], (1 - found.mean) * found.strength + n[0] - x[0])
    )


def test_teams_that_differ_by_chance_only_get_the_programmes_rate():
    found = shrink_rates([5, 6, 5, 0], [10, 11, 10, 0])
    assert found.strength is None
    assert found.rate.tolist() == [pytest.approx(16 / 31)] * 4


def test_teams_that_all_learn_get_the_whole_rate():
    assert shrink_rates([5, 6], [5, 6]).rate.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: diluted(1.0, 1.0, 1.5), "share must lie"),
        (lambda: cap_sensitivity([], [1.0]), "0 results do not fit 1 caps"),
        (lambda: wilson_interval(5, 4), "successes must lie"),
        (lambda: learning_summary(["won"]), "unknown class 'won'"),
        (lambda: shrink_rates([1], [2]), "at least two teams"),
    ],
)
def test_helpers_refuse_what_does_not_fit(call, message):
    with pytest.raises(StatisticsError, match=message):
        call()
