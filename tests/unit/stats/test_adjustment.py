"""Regression adjustment beside statsmodels on unit rows."""

import numpy as np
import pytest
import statsmodels.api as sm

from steelyard.stats.adjustment import full, pooled, unadjusted
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import TOO_FEW_UNITS_FOR_COVARIATES


def experiment(sizes: tuple[int, ...], covariates: int, seed: int) -> tuple[np.ndarray, np.ndarray, Moments]:
    """Rows of outcome and covariates, with slopes and noise that differ by variant."""
    rng = np.random.default_rng(seed)
    variant = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(3, 2, (len(variant), covariates)) @ rng.normal(size=(covariates, covariates))
    slopes = rng.normal(1, 1, (len(sizes), covariates))
    noise = rng.normal(size=len(variant)) * (1 + variant)
    y = 10 + variant + (x * slopes[variant]).sum(axis=1) + noise
    rows = np.column_stack([y, x])
    cells = [Moments.from_rows(rows[variant == k]) for k in range(len(sizes))]
    return rows, variant, Moments.stack(cells)


@pytest.mark.parametrize("covariates", [1, 2, 4])
@pytest.mark.parametrize("sizes", [(300, 900), (250, 250, 250)], ids=["two variants", "three variants"])
def test_full_adjustment_equals_least_squares_with_interactions(
    sizes: tuple[int, ...], covariates: int
) -> None:
    rows, variant, moments = experiment(sizes, covariates, seed=covariates)
    y, x = rows[:, 0], rows[:, 1:] - rows[:, 1:].mean(axis=0)
    dummies = np.eye(len(sizes))[variant]
    crossed = (dummies[:, :, None] * x[:, None, :]).reshape(len(rows), -1)
    fit = sm.OLS(y, np.column_stack([dummies, crossed])).fit()
    result = full(moments)
    assert result.mean == pytest.approx(fit.params[: len(sizes)], rel=1e-10)
    assert result.rank.tolist() == [covariates] * len(sizes)


@pytest.mark.parametrize("covariates", [1, 3])
def test_variance_is_that_of_each_variants_regression_at_the_overall_covariate_mean_plus_its_own_noise(
    covariates: int,
) -> None:
    """With the leverage term the residual part is the prediction's squared standard error."""
    rows, variant, moments = experiment((120, 500), covariates, seed=7)
    overall = rows[:, 1:].mean(axis=0)
    slopes, own = [], []
    for k in (0, 1):
        part = rows[variant == k]
        fit = sm.OLS(part[:, 0], sm.add_constant(part[:, 1:])).fit()
        own.append(fit.get_prediction(np.concatenate([[1.0], overall])[None, :]).se_mean.item() ** 2)
        slopes.append(fit.params[1:])
    spread = np.atleast_2d(np.cov(rows[:, 1:], rowvar=False))
    shared = np.array(slopes) @ spread @ np.array(slopes).T / len(rows)
    assert full(moments, leverage_below=10_000).cov == pytest.approx(np.diag(own) + shared, rel=1e-9)
    without = full(moments, leverage_below=0).cov
    assert (np.diag(without) < np.array(own) + np.diag(shared)).all()
    assert without[0, 1] == pytest.approx(shared[0, 1], rel=1e-9)


def test_leverage_term_is_for_small_variants_only() -> None:
    _, _, moments = experiment((120, 500), 1, seed=7)
    always, never, default = (full(moments, leverage_below=limit).cov for limit in (10_000, 0, 200))
    assert default[0, 0] == always[0, 0] > never[0, 0]
    assert default[1, 1] == never[1, 1] < always[1, 1]


def test_pooled_adjustment_equals_ancova() -> None:
    rows, variant, moments = experiment((300, 900), 2, seed=3)
    design = np.column_stack([np.ones(len(rows)), variant, rows[:, 1:]])
    fit = sm.OLS(rows[:, 0], design).fit()
    pair = pooled(moments).pairs()
    assert pair.effect.item() == pytest.approx(fit.params[1], rel=1e-10)
    left = rows[:, 0] - rows[:, 1:] @ fit.params[2:]
    expected = sum(left[variant == k].var(ddof=1) / (variant == k).sum() for k in (0, 1))
    assert pair.variance.item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("estimate", [full, pooled], ids=lambda function: function.__name__)
def test_covariance_of_adjusted_means_is_what_repeated_samples_show(estimate) -> None:
    """Slopes differ and the allocation is unequal, so that every term of the covariance matters."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(20_000, 600))
    treated = np.arange(600) < 120
    y = np.where(treated, 1 + 2 * x, -0.5 * x) + rng.normal(size=x.shape)
    rows = np.stack([y, x], axis=-1)
    moments = Moments.stack([Moments.from_rows(rows[:, ~treated]), Moments.from_rows(rows[:, treated])])
    result = estimate(moments)
    # 20,000 samples: a variance is known to 1 % of its size (one standard error).
    assert result.cov.mean(axis=0) == pytest.approx(np.cov(result.mean, rowvar=False), rel=0.06, abs=4e-5)


def test_unadjusted_means_ignore_covariates() -> None:
    rows, variant, moments = experiment((30, 50), 2, seed=5)
    result = unadjusted(moments)
    parts = [rows[variant == k, 0] for k in (0, 1)]
    assert result.mean == pytest.approx([part.mean() for part in parts])
    assert np.diag(result.cov) == pytest.approx([part.var(ddof=1) / len(part) for part in parts])
    assert result.cov[0, 1] == 0
    assert result.pairs().variance_reduction.item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("smallest", "kept"), [(39, 0), (40, 1), (59, 1), (60, 2), (79, 2), (80, 3)])
def test_covariates_beyond_one_per_twenty_units_are_left_out_from_the_end(smallest: int, kept: int) -> None:
    _, _, moments = experiment((smallest, 500), 3, seed=9)
    result, expected = full(moments), full(moments.select(range(kept + 1)))
    assert result.rank.tolist() == [kept, kept]
    assert result.mean == pytest.approx(expected.mean, rel=1e-12)
    assert result.cov == pytest.approx(expected.cov, rel=1e-9)
    assert result.notes[TOO_FEW_UNITS_FOR_COVARIATES].tolist() == [kept < 3] * 2


def test_cells_of_a_batch_do_not_mix() -> None:
    batch = [experiment((50, 400), 2, seed=seed)[2] for seed in range(6)]
    together = full(Moments.stack(batch, axis=0))
    for cell, moments in enumerate(batch):
        alone = full(moments)
        assert together.mean[cell] == pytest.approx(alone.mean, rel=1e-12)
        assert together.cov[cell] == pytest.approx(alone.cov, rel=1e-9)


def test_variance_reduction_is_the_share_that_the_covariate_explains() -> None:
    rng = np.random.default_rng(13)
    x = rng.normal(size=20_000)
    rows = np.column_stack([np.sqrt(0.6) * x + np.sqrt(0.4) * rng.normal(size=20_000), x])
    pair = full(Moments.stack([Moments.from_rows(rows[::2]), Moments.from_rows(rows[1::2])])).pairs()
    assert pair.variance_reduction.item() == pytest.approx(0.6, abs=0.02)


def test_any_variant_can_be_the_control() -> None:
    _, _, moments = experiment((300, 300, 300), 1, seed=2)
    forward, backward = full(moments).pairs(0), full(moments).pairs(2)
    assert backward.effect[0] == pytest.approx(-forward.effect[1])
    assert backward.std_error[0] == pytest.approx(forward.std_error[1])
