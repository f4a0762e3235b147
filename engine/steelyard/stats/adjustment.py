"""Regression adjustment (CUPED and its generalisation) from moments.

The first column of the moments is the outcome, the others are covariates from before the exposure.
"""

from dataclasses import dataclass

import numpy as np

from steelyard.stats.arrays import BoolArray, FloatArray, TextArray, divide
from steelyard.stats.linear import EXACT_FIT, solve_psd
from steelyard.stats.means import Notes, VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import (
    COVARIATE_COLLINEAR,
    COVARIATE_MISSING,
    INCONSISTENT_AGGREGATES,
    NO_DATA,
    TOO_FEW_UNITS_FOR_COVARIATES,
    choose,
    fine,
    first,
)

UNITS_PER_COEFFICIENT = 20
IMPOSSIBLE_FIT = -1e-6
"""A residual this far below zero is more than the rounding of an ill-conditioned solve."""


def unadjusted(moments: Moments, *, reason: TextArray | None = None) -> VariantMeans:
    """Estimate the variants' means without covariates.

    Args:
        moments: Shape ``(..., K)``; the outcome is the first column, others are ignored.
        reason: Reasons already known per cell, such as those of a metric type's reduction.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Welch (1947), Biometrika 34, 28-35.

    Examples:
        >>> cov = np.array([[4.0, 2.4], [2.4, 2.0]])
        >>> moments = Moments(
        ...     n=[4000, 4100], mean=[[10.0, 5.0], [10.2, 5.05]], m2=np.array([3999 * cov, 4099 * cov]))
        >>> pair = unadjusted(moments).pairs()
        >>> pair.effect.round(4).tolist(), pair.std_error.round(4).tolist()
        ([0.2], [0.0444])
    """
    return _regression(moments.select([0]), reason, method="none", leverage_below=0)


def full(moments: Moments, *, reason: TextArray | None = None, leverage_below: int = 200) -> VariantMeans:
    """Adjust each variant with slopes of its own, to the covariates' mean over all variants.

    Never less precise than the raw difference in large samples, whatever the slopes and the allocation.
    The covariates' mean is itself an estimate; its part of the variance is included, as is the covariance it
    puts between the variants' means.

    Args:
        moments: Shape ``(..., K)``; columns are the outcome and p covariates in the order in which they
            matter.
        reason: Reasons already known per cell, such as those of a metric type's reduction.
        leverage_below: Variants with fewer units than this get the variance term for the distance of their
            covariate means from the overall ones, which is negligible in large samples.

    Returns:
        The adjusted means. Covariates that are missing in a variant, too many for its units (20 per
        coefficient), constant or collinear are left out, and noted.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Lin (2013), Annals of Applied Statistics 7(1); Negi & Wooldridge (2021), Econometric Reviews 40(5).
        Checked against R ``estimatr::lm_lin`` and unit rows.

    Examples:
        >>> cov = np.array([[4.0, 2.4], [2.4, 2.0]])
        >>> moments = Moments(
        ...     n=[4000, 4100], mean=[[10.0, 5.0], [10.2, 5.05]], m2=np.array([3999 * cov, 4099 * cov]))
        >>> pair = full(moments).pairs()
        >>> pair.effect.round(4).tolist(), pair.std_error.round(4).tolist()
        ([0.14], [0.0235])
    """
    return _regression(moments, reason, method="full", leverage_below=leverage_below)


def pooled(moments: Moments, *, reason: TextArray | None = None) -> VariantMeans:
    """Adjust all variants with the same slopes, estimated within variants (classic CUPED).

    Can be less precise than the raw difference when slopes differ and the allocation is unequal; `full`
    cannot.

    Args:
        moments: Shape ``(..., K)``; columns are the outcome and p covariates in the order in which they
            matter.
        reason: Reasons already known per cell.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Deng, Xu, Kohavi & Walker (2013), WSDM; Yang & Tsiatis (2001), The American Statistician 55.

    Examples:
        >>> cov = np.array([[4.0, 2.4], [2.4, 2.0]])
        >>> moments = Moments(
        ...     n=[4000, 4100], mean=[[10.0, 5.0], [10.2, 5.05]], m2=np.array([3999 * cov, 4099 * cov]))
        >>> pair = pooled(moments).pairs()
        >>> pair.effect.round(4).tolist(), pair.std_error.round(4).tolist()
        ([0.14], [0.0235])
    """
    data = _prepare(moments)
    theta, rank = solve_psd(data.xx.sum(axis=-3), data.xy.sum(axis=-2))
    spread = (data.xx @ theta[..., None, :, None])[..., 0]
    rss = _residual(data.yy, (theta[..., None, :] * (2 * data.xy - spread)).sum(axis=-1))
    freedom = np.where(data.n >= 2, data.n - 1, np.nan)
    slopes = np.broadcast_to(theta[..., None, :], data.xy.shape)
    # Where slopes differ, the common one leaves y - theta'x correlated with x, and so with the overall mean
    # of x.
    left = divide(((data.xy - spread) * slopes).sum(axis=-1), freedom)
    shared = divide(left[..., :, None] + left[..., None, :], data.units[..., None, None])
    ranks = np.broadcast_to(rank[..., None], data.n.shape)
    fit = _Fit(slopes=slopes, rss=rss, freedom=freedom, rank=ranks, extra=shared, method="pooled")
    return _assemble(data, fit, moments, reason)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Prepared:
    """Blocks of the moments, with zeros in the place of covariates that are not used."""

    n: FloatArray
    units: FloatArray
    yy: FloatArray
    xy: FloatArray
    xx: FloatArray
    gap: FloatArray
    total: FloatArray
    used: FloatArray
    impossible: BoolArray
    notes: Notes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    """Slopes per variant, what they leave, and the covariance that is neither residual nor the covariates'
    mean."""

    slopes: FloatArray
    rss: FloatArray
    freedom: FloatArray
    rank: FloatArray
    extra: FloatArray
    method: str


def _prepare(moments: Moments) -> _Prepared:
    n, x_mean = moments.n, moments.mean[..., 1:]
    present = n > 0
    diagonal = np.diagonal(moments.m2, axis1=-2, axis2=-1)[..., 1:]
    known = np.isfinite(x_mean)
    wrong = known & ~np.isfinite(diagonal)
    complete = (known & np.isfinite(diagonal) | ~present[..., None]).all(axis=-2)
    smallest = np.min(np.where(present, n, np.inf), axis=-1)
    needed = UNITS_PER_COEFFICIENT * (np.cumsum(complete, axis=-1) + 1)
    use = complete & (smallest[..., None] >= needed)
    cell = use[..., None, :]
    xy = np.where(cell, moments.m2[..., 0, 1:], 0.0)
    xx = np.where(cell[..., :, None] & cell[..., None, :], moments.m2[..., 1:, 1:], 0.0)
    impossible = wrong.any(axis=-1) | np.isnan(xx).any(axis=(-2, -1))
    xx = np.nan_to_num(xx)
    x = np.where(cell & present[..., None], x_mean, 0.0)
    units = n.sum(axis=-1)
    overall = divide((n[..., None] * x).sum(axis=-2), units[..., None])
    gap = np.where(cell & present[..., None], x - overall[..., None, :], 0.0)
    between = (n[..., None] * gap)[..., :, None] * gap[..., None, :]
    notes = {
        TOO_FEW_UNITS_FOR_COVARIATES: (complete & ~use).any(axis=-1, keepdims=True) & present,
        COVARIATE_MISSING: (~complete).any(axis=-1, keepdims=True) & present,
    }
    return _Prepared(
        n=n,
        units=units,
        yy=moments.m2[..., 0, 0],
        xy=xy,
        xx=xx,
        gap=gap,
        total=divide((xx + between).sum(axis=-3), np.where(units >= 2, units - 1, np.nan)[..., None, None]),
        used=use.sum(axis=-1).astype(np.float64),
        impossible=np.asarray(impossible, dtype=np.bool_),
        notes=notes,
    )


def _regression(
    moments: Moments, reason: TextArray | None, *, method: str, leverage_below: int
) -> VariantMeans:
    data = _prepare(moments)
    slopes, rank = solve_psd(data.xx, data.xy)
    rss = _residual(data.yy, (slopes * data.xy).sum(axis=-1))
    freedom = np.where(data.n - 1 - rank > 0, data.n - 1 - rank, np.nan)
    extra = np.zeros((*data.n.shape, data.n.shape[-1]))
    small = (data.n < leverage_below) & (rank > 0)
    if small.any():
        pull, _ = solve_psd(data.xx, data.gap)
        leverage = np.where(small, divide(rss, freedom) * (pull * data.gap).sum(axis=-1), 0.0)
        extra = leverage[..., :, None] * np.eye(data.n.shape[-1])
    fit = _Fit(slopes=slopes, rss=rss, freedom=freedom, rank=rank, extra=extra, method=method)
    return _assemble(data, fit, moments, reason)


def _residual(yy: FloatArray, explained: FloatArray) -> FloatArray:
    """Return residual sums of squares: 0 within rounding, NaN where they are impossible."""
    rss = yy - explained
    with np.errstate(invalid="ignore"):
        return np.where(rss < IMPOSSIBLE_FIT * yy, np.nan, np.where(rss <= EXACT_FIT * yy, 0.0, rss))


def _assemble(data: _Prepared, fit: _Fit, moments: Moments, reason: TextArray | None) -> VariantMeans:
    n, raw_mean = data.n, moments.mean[..., 0]
    wrong = (data.impossible | np.isnan(fit.rss)) & (n > 0)
    own = choose(n.shape, (n == 0, NO_DATA), (wrong, INCONSISTENT_AGGREGATES))
    reasons = first(*(() if reason is None else (reason,)), own, moments.reasons(0))
    known, has_mean = fine(reasons), (n > 0) & ~wrong & np.isfinite(raw_mean)
    residual = np.where(known, divide(divide(fit.rss, fit.freedom), n), np.nan)
    shared = fit.slopes @ data.total @ np.swapaxes(fit.slopes, -1, -2)
    cov = (
        residual[..., :, None] * np.eye(n.shape[-1]) + divide(shared, data.units[..., None, None]) + fit.extra
    )
    both = known[..., :, None] & known[..., None, :]
    raw_variance = divide(divide(data.yy, np.where(n >= 2, n - 1, np.nan)), n)
    notes = {**data.notes, COVARIATE_COLLINEAR: (fit.rank < data.used[..., None]) & (n > 0)}
    return VariantMeans(
        n=n,
        mean=np.where(has_mean, raw_mean - (fit.slopes * data.gap).sum(axis=-1), np.nan),
        cov=np.where(both, cov, np.nan),
        residual=residual,
        df=np.where(known, fit.freedom, np.nan),
        raw_mean=np.where(has_mean, raw_mean, np.nan),
        raw_variance=np.where(known, raw_variance, np.nan),
        rank=fit.rank,
        reason=reasons,
        notes=notes,
        method=fit.method,
    )
