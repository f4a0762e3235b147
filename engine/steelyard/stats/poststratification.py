"""Means weighted to the strata's overall shares."""

import numpy as np

from steelyard.stats.arrays import BoolArray, FloatArray, TextArray, divide
from steelyard.stats.means import VariantMeans, satterthwaite
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import STRATA_MERGED, fine, first

SMALLEST_CELL = 2


def poststratify(
    moments: Moments,
    *,
    reason: TextArray | None = None,
    other: int | None = None,
    superpopulation: bool = True,
) -> VariantMeans:
    """Weight each variant's stratum means by the strata's shares over all variants.

    Equals regression on stratum dummies with slopes per variant, up to degrees of freedom.

    Args:
        moments: Shape ``(..., S, K)``: strata, then variants; the outcome is the first column. Strata are
            known before the exposure, and a missing value is a stratum of its own.
        reason: Reasons already known per variant, shape ``(..., K)``, such as those of a metric type's
            reduction of the pooled strata.
        other: The stratum that takes in those with fewer than two units in a variant. Without one, they form
            a stratum of their own, together with the next smallest if they are still too few. Outcomes
            have no say in it.
        superpopulation: Whether the units stand for more than themselves, so that the strata's shares are
            uncertain too.

    Returns:
        The means, shape ``(..., K)``.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Miratrix, Sekhon & Yu (2013), JRSS-B 75, 369-396.

    Examples:
        >>> strata = Moments.from_variances(
        ...     n=[[500, 480], [300, 320]], mean=[[1.0, 1.2], [3.0, 3.4]], variance=[[1.0, 1.0], [2.0, 2.0]])
        >>> pair = poststratify(strata).pairs()
        >>> pair.effect.round(4).tolist(), pair.std_error.round(4).tolist()
        ([0.2775], [0.059])
    """
    outcome = moments.select([0])
    merged, joined = _merge_small(outcome, other)
    n, mean = merged.n, merged.mean[..., 0]
    units = n.sum(axis=(-2, -1))
    weights = divide(n.sum(axis=-1), units[..., None])[..., None]
    filled = np.where(weights > 0, mean, 0.0)
    level = (weights * filled).sum(axis=-2)
    pieces = _pieces(merged, weights)
    residual = pieces.sum(axis=-2)
    gap = filled - level[..., None, :]
    shift = np.swapaxes(weights * gap, -1, -2) @ gap if superpopulation else np.zeros(1)
    pooled = outcome.pool(-2)
    reasons = first(*(() if reason is None else (reason,)), pooled.reasons(0), _worst(merged))
    known, has_mean = fine(reasons), np.isfinite(pooled.mean[..., 0]) & (pooled.n > 0)
    cov = residual[..., None] * np.eye(pooled.n.shape[-1]) + divide(shift, units[..., None, None])
    # Constant strata leave no variance to have degrees of freedom; the pair says so.
    df = np.where(residual == 0, pooled.n - 1, _freedom(merged, pieces))
    return VariantMeans(
        n=pooled.n,
        mean=np.where(has_mean, np.where(known, level, pooled.mean[..., 0]), np.nan),
        cov=np.where(known[..., :, None] & known[..., None, :], cov, np.nan),
        residual=np.where(known, residual, np.nan),
        df=np.where(known, df, np.nan),
        raw_mean=np.where(has_mean, pooled.mean[..., 0], np.nan),
        raw_variance=np.where(known, divide(pooled.variance[..., 0], pooled.n), np.nan),
        rank=np.broadcast_to(((weights > 0).sum(axis=(-2, -1)) - 1.0)[..., None], pooled.n.shape),
        reason=reasons,
        notes={STRATA_MERGED: np.broadcast_to(joined[..., None], pooled.n.shape)},
        method="post_stratify",
    )


def _pieces(merged: Moments, weights: FloatArray) -> FloatArray:
    """Return the variance that each stratum adds to the level, shape ``(..., S, K)``."""
    n = merged.n
    with np.errstate(invalid="ignore"):
        noise = divide(merged.m2[..., 0, 0], np.where(n >= SMALLEST_CELL, n - 1, np.nan) * n)
    return np.where(weights > 0, weights**2 * noise, 0.0)


def _freedom(merged: Moments, pieces: FloatArray) -> FloatArray:
    return satterthwaite(np.swapaxes(pieces, -1, -2), np.swapaxes(np.maximum(merged.n - 1, 1), -1, -2))


def _merge_small(moments: Moments, other: int | None) -> tuple[Moments, BoolArray]:
    """Empty the small strata into one that is appended; return which cells merged any."""
    smallest = moments.n.min(axis=-1)
    filled = moments.n.sum(axis=-1) > 0
    small = filled & (smallest < SMALLEST_CELL)
    joined = small.any(axis=-1)
    if other is not None:
        small[..., other] |= joined
    total = np.where(small[..., None], moments.n, 0.0).sum(axis=-2)
    lacking = joined & (total.min(axis=-1) < SMALLEST_CELL)
    candidate = np.argmin(np.where(small | ~filled, np.inf, smallest), axis=-1)
    extra = np.arange(small.shape[-1]) == candidate[..., None]
    small |= extra & lacking[..., None] & filled
    kept, pool = _masked(moments, ~small), _masked(moments, small).pool(-2)
    n, mean, m2 = (
        np.concatenate(
            [getattr(kept, name), np.expand_dims(getattr(pool, name), kept.n.ndim - 2)], kept.n.ndim - 2
        )
        for name in ("n", "mean", "m2")
    )
    return Moments(n=n, mean=mean, m2=m2), joined


def _masked(moments: Moments, keep: BoolArray) -> Moments:
    cell = keep[..., None]
    return Moments(
        n=np.where(cell, moments.n, 0.0),
        mean=np.where(cell[..., None], moments.mean, 0.0),
        m2=np.where(cell[..., None, None], moments.m2, 0.0),
    )


def _worst(merged: Moments) -> TextArray:
    """Return the reason of any stratum that has units but no usable variance."""
    reasons = np.where(merged.n.sum(axis=-1, keepdims=True) > 0, merged.reasons(0), "")
    answer: TextArray = reasons[..., 0, :]
    for stratum in range(1, reasons.shape[-2]):
        answer = first(answer, reasons[..., stratum, :])
    return answer
