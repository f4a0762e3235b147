import numpy as np
import pytest
import statsmodels.api as sm

from steelyard.stats.cluster import cluster_pairs
from steelyard.stats.comparison import superiority
from steelyard.stats.moments import Moments


def units(clusters: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(5, 40, clusters)
    cluster = np.repeat(np.arange(clusters), sizes)
    treated = cluster % 2 == 0
    return rng.normal(size=clusters)[cluster] + rng.normal(size=len(cluster)), cluster, treated


def per_cluster(y: np.ndarray, cluster: np.ndarray) -> Moments:
    sums = np.column_stack([np.bincount(cluster, y), np.bincount(cluster)])
    return Moments.stack([Moments.from_rows(sums[1::2]), Moments.from_rows(sums[::2])])


def test_equals_cluster_robust_regression() -> None:
    y, cluster, treated = units(60, seed=1)
    fit = sm.OLS(y, sm.add_constant(treated.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    pair = cluster_pairs(per_cluster(y, cluster))
    assert pair.effect.item() == pytest.approx(fit.params[1], rel=1e-10)
    assert pair.std_error.item() == pytest.approx(fit.bse[1] * np.sqrt(30 / 29), rel=1e-10)
    assert pair.df.item() == 58


def test_few_clusters_are_noted() -> None:
    few, many = (cluster_pairs(per_cluster(*units(clusters, seed=2)[:2])) for clusters in (28, 30))
    assert few.notes["few_clusters"].tolist() == [True]
    assert many.notes["few_clusters"].tolist() == [False]


def test_cluster_covariates_take_degrees_of_freedom() -> None:
    y, cluster, _ = units(120, seed=3)
    sums = np.column_stack([np.bincount(cluster, y), np.bincount(cluster)])
    known = sums[:, 0] / sums[:, 1] + np.random.default_rng(4).normal(0, 0.3, 120)
    rows = np.column_stack([sums, known])
    moments = Moments.stack([Moments.from_rows(rows[1::2]), Moments.from_rows(rows[::2])])
    plain, adjusted = cluster_pairs(moments), cluster_pairs(moments, adjusted=True)
    assert adjusted.std_error < plain.std_error
    assert (plain.df.item(), adjusted.df.item()) == (118, 116)


def test_false_positives_keep_to_alpha_where_units_as_such_do_not() -> None:
    rng = np.random.default_rng(5)
    level = rng.normal(size=(3000, 30))
    sizes = rng.integers(10, 50, (3000, 30)).astype(float)
    totals = sizes * level + np.sqrt(sizes) * rng.normal(size=sizes.shape)
    rows = np.stack([totals, sizes], axis=-1)
    moments = Moments.stack([Moments.from_rows(rows[:, :15]), Moments.from_rows(rows[:, 15:])])
    rate = superiority(cluster_pairs(moments)).significant.mean()
    # 3,000 repetitions: three standard errors are .012.
    assert rate == pytest.approx(0.05, abs=0.017)


def test_clusters_without_units_have_a_reason() -> None:
    empty = Moments(n=0, mean=[0, 0], m2=np.zeros((2, 2)))
    some = Moments.from_rows(np.random.default_rng(6).uniform(1, 2, (20, 2)))
    pair = cluster_pairs(Moments.stack([some, empty]))
    assert pair.reason.tolist() == ["no_data"]
    assert np.isnan(pair.df).all()
