import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.comparison import superiority
from steelyard.stats.moments import Moments
from steelyard.stats.quantile import clustered_ranks, histogram_quantile, quantile_means, quantile_ranks

rng = np.random.default_rng(14)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.93])
@pytest.mark.parametrize("n", [60, 151, 2000])
def test_exact_ranks_are_the_tightest_with_half_alpha_in_each_tail(n: int, q: float) -> None:
    ranks = quantile_ranks(n, q)
    law = stats.binom(n, q)
    low, high = int(ranks.lower), int(ranks.upper)
    assert law.cdf(low - 1) <= 0.025 < law.cdf(low)
    assert law.sf(high - 1) <= 0.025 < law.sf(high - 2)


def test_rank_on_the_boundary_of_alpha_is_used() -> None:
    """With n = 5 and the median, P(B <= 0) is exactly 1/32."""
    ranks = quantile_ranks(5, 0.5, alpha=1 / 16)
    assert (ranks.lower, ranks.upper) == (1, 5)


def test_normal_ranks_are_near_the_exact_ones_and_no_tighter() -> None:
    exact, normal = quantile_ranks(5000, 0.9), quantile_ranks(5000, 0.9, exact=False)
    assert 0 <= exact.lower - normal.lower <= 2
    assert 0 <= normal.upper - exact.upper <= 2


@pytest.mark.parametrize(("n", "q"), [(30, 0.99), (30, 0.01), (3, 0.5)])
@pytest.mark.parametrize("exact", [True, False])
def test_bound_beyond_the_data_is_null(n: int, q: float, exact: bool) -> None:
    ranks = quantile_ranks(n, q, exact=exact)
    assert ranks.reason.item() == "quantile_not_attainable"
    assert np.isnan(ranks.lower) or np.isnan(ranks.upper)


def test_levels_select_the_ranks_in_a_discrete_percentile() -> None:
    n = np.arange(40, 4000)
    ranks = quantile_ranks(n, 0.9)
    assert np.ceil(n * ranks.lower_level).tolist() == ranks.lower.tolist()
    assert np.ceil(n * ranks.upper_level).tolist() == ranks.upper.tolist()


def events(units: int) -> list[np.ndarray]:
    rows = rng.integers(1, 12, units)
    return [rng.lognormal(rng.normal(0, 1), 0.5, count) for count in rows]


def clustered_estimate(groups: list[np.ndarray], q: float) -> tuple[float, float, float]:
    pooled = np.sort(np.concatenate(groups))
    estimate = pooled[int(np.ceil(q * len(pooled))) - 1]
    counts = np.array([[(group <= estimate).sum(), len(group)] for group in groups], dtype=float)
    reduced = METRIC_TYPES["quantile"].reduce(Moments.from_rows(counts))
    ranks = clustered_ranks(reduced.moments, q, rows=len(pooled))
    return estimate, pooled[int(ranks.lower) - 1], pooled[int(ranks.upper) - 1]


def test_clustered_ranks_cover_where_independent_ones_do_not() -> None:
    truth = np.quantile(np.concatenate(events(60_000)), 0.9)
    covered = independent = 0
    for _ in range(400):
        groups = events(200)
        _, low, high = clustered_estimate(groups, 0.9)
        covered += low <= truth <= high
        pooled = np.sort(np.concatenate(groups))
        ranks = quantile_ranks(len(pooled), 0.9)
        independent += pooled[int(ranks.lower) - 1] <= truth <= pooled[int(ranks.upper) - 1]
    # 400 repetitions: three standard errors are .033.
    assert covered / 400 == pytest.approx(0.95, abs=0.033)
    assert independent / 400 < 0.9


def test_one_row_per_unit_needs_no_cluster_adjustment() -> None:
    values = rng.exponential(size=3000)
    estimate = np.sort(values)[int(np.ceil(0.9 * 3000)) - 1]
    reduced = METRIC_TYPES["quantile"].reduce(
        Moments.from_rows(np.column_stack([values <= estimate, np.ones(3000)]).astype(float))
    )
    clustered, plain = (
        clustered_ranks(reduced.moments, 0.9, rows=3000),
        quantile_ranks(3000, 0.9, exact=False),
    )
    assert clustered.lower == pytest.approx(plain.lower, abs=1)
    assert clustered.upper == pytest.approx(plain.upper, abs=1)


def test_ranks_of_an_empty_variant_say_no_data() -> None:
    reduced = METRIC_TYPES["quantile"].reduce(Moments(n=0, mean=[0, 0], m2=np.zeros((2, 2))))
    assert clustered_ranks(reduced.moments, 0.9, rows=0).reason.item() == "no_data"


def test_difference_of_quantiles_adds_the_variances_of_their_bounds() -> None:
    means = quantile_means(n=[100, 120], estimate=[10.0, 12.0], lower=[9.0, 11.0], upper=[11.5, 13.5])
    result = superiority(means.pairs())
    z = stats.norm.isf(0.025)
    assert result.effect.item() == 2.0
    assert result.std_error.item() == pytest.approx(np.sqrt(2) * 2.5 / (2 * z))
    assert result.df.item() == np.inf
    assert result.relative_effect.item() == pytest.approx(0.2)


def test_resolution_of_a_histogram_adds_to_the_variance() -> None:
    plain, coarse = (
        quantile_means(n=[9, 9], estimate=[1.0, 1.0], lower=[0.5, 0.5], upper=[2.0, 2.0], resolution=width)
        for width in (0.0, 0.6)
    )
    assert coarse.residual - plain.residual == pytest.approx([0.03, 0.03])


@pytest.mark.parametrize(
    ("estimate", "lower", "upper", "reason"),
    [
        (5.0, 5.0, 5.0, "quantile_collapsed"),
        (5.0, np.nan, 6.0, "quantile_not_attainable"),
        (np.nan, np.nan, np.nan, "no_data"),
    ],
)
def test_quantile_without_a_variance_is_refused(
    estimate: float, lower: float, upper: float, reason: str
) -> None:
    means = quantile_means(n=[50, 50], estimate=[4.0, estimate], lower=[3.0, lower], upper=[6.0, upper])
    result = superiority(means.pairs())
    assert result.reason.tolist() == [reason]
    assert np.isnan([result.p_value, result.ci_lower]).all()


def test_histogram_quantiles_of_a_batch() -> None:
    counts = np.array([[10, 20, 30, 40], [0, 0, 100, 0], [0, 0, 0, 0]])
    found = histogram_quantile([0, 1, 2, 4, 8], counts, [0.05, 0.25, 0.5])
    assert found[:2] == pytest.approx([0.5, 2.5])
    assert np.isnan(found[2])
    assert histogram_quantile([0, 1], [7], 0.999999) == pytest.approx(0.999999)


@pytest.mark.parametrize("edges", [[0, 2, 1], [0, 1]])
def test_histogram_edges_must_fit(edges: list[float]) -> None:
    with pytest.raises(StatisticsError, match="increasing edges, one more than bins"):
        histogram_quantile(edges, [1, 2], 0.5)


@pytest.mark.parametrize("q", [0.0, 1.0, np.nan])
def test_level_of_a_quantile_must_be_inside(q: float) -> None:
    with pytest.raises(StatisticsError, match="level of a quantile must lie between 0 and 1"):
        quantile_ranks(10, q)
