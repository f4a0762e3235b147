import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln

from steelyard.errors import StatisticsError
from steelyard.stats.srm import chi_square, log_e_value, sequential


def test_chi_square_agrees_with_scipy_in_every_cell() -> None:
    counts = np.array([[5210, 4790, 9900], [100, 120, 200]])
    result = chi_square(counts, [1, 1, 2])
    for row, statistic, p in zip(counts, result.statistic, result.p_value, strict=True):
        expected = stats.chisquare(row, row.sum() * np.array([0.25, 0.25, 0.5]))
        assert (statistic, p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-10)


def test_variant_without_a_share_is_left_out() -> None:
    result, two = chi_square([520, 480, 7], [0.5, 0.5, 0.0]), chi_square([520, 480], [0.5, 0.5])
    assert (result.p_value, result.df) == (two.p_value, two.df)
    assert log_e_value([520, 480, 7], [0.5, 0.5, 0.0]) == log_e_value([520, 480], [0.5, 0.5])


@pytest.mark.parametrize(
    ("counts", "shares", "reason"),
    [([0, 0], [0.5, 0.5], "no_data"), ([10, 0], [1.0, 0.0], "insufficient_variants")],
)
def test_nothing_to_compare_is_null_with_a_reason_and_not_p_of_1(
    counts: list[int], shares: list[float], reason: str
) -> None:
    result = chi_square(counts, shares)
    assert result.reason.item() == reason
    assert np.isnan([result.statistic, result.p_value]).all()


def test_e_value_of_two_variants_is_the_beta_mixture() -> None:
    a, b, k = 530, 470, 200.0
    expected = betaln(0.3 * k + a, 0.7 * k + b) - betaln(0.3 * k, 0.7 * k) - a * np.log(0.3) - b * np.log(0.7)
    assert log_e_value([a, b], [0.3, 0.7], concentration=k) == pytest.approx(expected, rel=1e-12)


def test_e_value_averages_to_one_under_the_allocation() -> None:
    n, share = 12, 0.3
    counts = np.arange(n + 1)
    chance = stats.binom.pmf(counts, n, share)
    e = np.exp(log_e_value(np.column_stack([counts, n - counts]), [share, 1 - share], concentration=5.0))
    assert (chance * e).sum() == pytest.approx(1.0, rel=1e-12)


def test_series_is_the_running_extreme_of_cumulative_counts() -> None:
    daily = np.array([[60, 40], [40, 60], [55, 45], [90, 10]])
    series = sequential(daily, [0.5, 0.5], concentration=100.0)
    expected = log_e_value(np.cumsum(daily, axis=0), [0.5, 0.5], concentration=100.0)
    assert series.log_e_value == pytest.approx(expected, rel=1e-12)
    assert series.p_value == pytest.approx(np.exp(-np.maximum.accumulate(np.maximum(expected, 0))))
    assert (np.diff(series.p_value) <= 0).all()


def test_evidence_multiplies_over_epochs_of_the_allocation() -> None:
    daily = np.array([[60, 40], [70, 30], [95, 5], [90, 10], [50, 50]])
    shares = np.array([[0.5, 0.5]] * 2 + [[0.9, 0.1]] * 2 + [[0.5, 0.5]])
    series = sequential(daily, shares, concentration=50.0)
    first = log_e_value(daily[:2].sum(axis=0), shares[0], concentration=50.0)
    second = log_e_value(daily[2:4].sum(axis=0), shares[2], concentration=50.0)
    third = log_e_value(daily[4], shares[4], concentration=50.0)
    day_2 = first + log_e_value(daily[2], shares[2], concentration=50.0)
    assert series.log_e_value[2] == pytest.approx(day_2, rel=1e-12)
    assert series.log_e_value[4] == pytest.approx(first + second + third, rel=1e-12)


def test_experiments_of_a_batch_change_their_allocation_on_their_own_days() -> None:
    rng = np.random.default_rng(7)
    daily = rng.poisson(100, (3, 6, 2))
    shares = np.full((3, 6, 2), 0.5)
    shares[1, 2:] = [0.8, 0.2]
    shares[2, 4:] = [0.1, 0.9]
    together = sequential(daily, shares)
    for cell in range(3):
        alone = sequential(daily[cell], shares[cell])
        assert together.log_e_value[cell] == pytest.approx(alone.log_e_value, rel=1e-12)


def test_units_in_a_variant_without_a_share_are_reported_by_day() -> None:
    series = sequential([[50, 50, 0], [50, 50, 1]], [0.5, 0.5, 0.0])
    assert series.stray.tolist() == [False, True]


@pytest.mark.parametrize(
    ("counts", "shares", "message"),
    [
        ([-1, 5], [0.5, 0.5], "counts of units must not be negative"),
        ([1, 5], [-0.5, 1.5], "shares must not be negative"),
        ([1, 5], [0.0, 0.0], "shares must not be negative, and one must be positive"),
    ],
)
def test_impossible_counts_and_shares_are_refused(counts: list, shares: list, message: str) -> None:
    for function in (chi_square, log_e_value):
        with pytest.raises(StatisticsError, match=message):
            function(counts, shares)


def test_concentration_must_be_positive() -> None:
    with pytest.raises(StatisticsError, match="concentration must be positive"):
        log_e_value([1, 2], [0.5, 0.5], concentration=0.0)


def test_daily_looks_rarely_accuse_a_correct_allocation_and_find_a_wrong_one() -> None:
    """Level .01; a split of 49 to 51 is found in about half of the experiments of 28,000 units."""
    rng = np.random.default_rng(8)
    right = rng.binomial(1000, 0.5, (4000, 28))
    wrong = rng.binomial(1000, 0.51, (1000, 28))
    flagged = [
        (sequential(np.stack([a, 1000 - a], axis=-1), [0.5, 0.5]).p_value[:, -1] <= 0.01).mean()
        for a in (right, wrong)
    ]
    assert flagged[0] <= 0.0147
    assert flagged[1] > 0.43
