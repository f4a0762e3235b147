"""Effects of variants whose shares were adapted batch by batch.

Means pooled over batches are biased and not normal. Both methods here use only what was known before a batch
to weight it, so that their statistics are normal again.
"""

from dataclasses import dataclass

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.arrays import ArrayLike, FloatArray, TextArray, as_floats, divide, together
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import INSUFFICIENT_N, choose, fine, first
from steelyard.stats.significance import critical_value, p_value, z_score

ENOUGH_PER_BATCH = 40
"""Units of a variant in a batch from which on the sum of the batches' statistics is normal."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchedEffect:
    """Effects of treatments estimated within batches; shapes ``(..., K - 1)``, NaN where ``reason`` says why.

    Attributes:
        effect: Estimate of an effect that is the same in all batches.
        std_error: Its standard error.
        statistic: Weighted sum of the batches' statistics, standard normal without an effect.
        p_value: Two-sided.
        ci_lower, ci_upper: Interval.
        smallest_n: Units in the smallest cell of a variant and a batch; below about 40 the statistic is not
            quite normal.
        reason: Why there is no effect.
    """

    effect: FloatArray
    std_error: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    smallest_n: FloatArray
    reason: TextArray


def batched_effect(
    moments: Moments,
    *,
    control: int = 0,
    weights: ArrayLike | None = None,
    student: bool = False,
    alpha: float = 0.05,
) -> BatchedEffect:
    """Compare variants within batches and add up the batches' statistics (BOLS).

    Trends over time do no harm, because no batch is compared with another.

    Args:
        moments: Shape ``(..., B, K)``: batches, then variants; the outcome is the first column.
        control: Position of the control.
        weights: Positive weight of each batch, shape ``(B,)``, fixed before the batch, such as the square
            root of its planned units; equal if not given.
        student: Whether to correct each batch's statistic for the uncertainty of its variance, which helps
            with few units.
        alpha: One minus the interval's coverage.

    Returns:
        The effects. Batches in which a variant has fewer than two units do not count for it.

    Raises:
        StatisticsError: Weights are not positive or do not fit the batches.

    References:
        Zhang, Janson & Murphy (2020), "Inference for Batched Bandits", NeurIPS.

    Examples:
        >>> batches = Moments.from_variances(
        ...     n=[[300, 100], [100, 500]], mean=[[1.0, 1.2], [1.0, 1.1]], variance=4.0)
        >>> result = batched_effect(batches)
        >>> result.statistic.round(4).tolist(), result.p_value.round(4).tolist()
        ([0.9351], [0.3497])
    """
    pair = unadjusted(moments).pairs(control)
    batches = moments.n.shape[-2]
    omega = np.ones(batches) if weights is None else as_floats(weights)
    if omega.shape != (batches,) or not np.all(omega > 0):
        raise StatisticsError(
            f"weights {omega.shape} do not fit {batches} batches", hint="one positive weight per batch"
        )
    known = np.isfinite(pair.std_error) & (pair.std_error > 0)
    z = divide(pair.effect, pair.std_error)
    z = z_score(np.where(known, z, 0.0), np.where(known, pair.df, np.inf)) if student else z
    weight = np.where(known, omega[:, None], 0.0)
    size = np.sqrt((weight**2).sum(axis=-2))
    precision = np.where(known, divide(weight, pair.std_error), 0.0).sum(axis=-2)
    reason = choose(size.shape, (size == 0, INSUFFICIENT_N))
    statistic = divide(np.where(known, weight * z, 0.0).sum(axis=-2), size)
    # A constant effect shifts the statistic by itself times precision / size.
    effect = divide(np.where(known, weight * z, 0.0).sum(axis=-2), precision)
    error = divide(size, precision)
    reach = critical_value(alpha) * error
    return BatchedEffect(
        effect=effect,
        std_error=error,
        statistic=statistic,
        p_value=p_value(statistic),
        ci_lower=effect - reach,
        ci_upper=effect + reach,
        smallest_n=np.minimum(pair.n_control, pair.n_treatment).min(axis=-2),
        reason=reason,
    )


def adaptive_means(moments: Moments, shares: ArrayLike) -> VariantMeans:
    """Estimate the variants' means by augmented inverse-propensity weighting, batch by batch.

    Each batch's estimate starts from the mean of the batches before it and corrects it by what the batch
    shows; batches count by the square root of the units that a variant could expect. Without a trend over
    time; with one, use `batched_effect`.

    Args:
        moments: Shape ``(..., B, K)``: batches in the order of time, then variants; the outcome is the first
            column. Each variant needs two units in the first batch, whose shares were not adapted.
        shares: Probability of each variant in each batch, shape ``(..., B, K)``, as logged.

    Returns:
        Means, shape ``(..., K)``, with the covariances that sharing batches brings.

    Raises:
        StatisticsError: Shares are not positive or do not sum to 1.

    References:
        Hadad, Hirshberg, Zhan, Wager & Athey (2021), PNAS 118.

    Examples:
        >>> batches = Moments.from_variances(
        ...     n=[[100, 100], [40, 160]], mean=[[1.0, 1.2], [1.1, 1.2]], variance=1.0)
        >>> means = adaptive_means(batches, [[0.5, 0.5], [0.2, 0.8]])
        >>> means.mean.round(4).tolist(), np.sqrt(np.diagonal(means.cov)).round(4).tolist()
        ([1.0387, 1.2], [0.0863, 0.0623])
    """
    n, mean = moments.n, moments.mean[..., 0]
    e, n = together(shares, n)
    if not (np.all(e > 0) and np.allclose(e.sum(axis=-1), 1.0, atol=1e-6)):
        raise StatisticsError("logged shares must be positive and sum to 1", hint="one row per batch")
    known_before = _means_before(n, mean)
    units = n.sum(axis=-1, keepdims=True)
    gap = mean - known_before
    pull = divide(n, units) * gap / e
    square = divide(moments.m2[..., 0, 0] + n * gap**2, units) / e**2
    # Scores of one unit have this covariance over variants; only one variant's can be nonzero.
    cov = square[..., :, None] * np.eye(n.shape[-1]) - pull[..., :, None] * pull[..., None, :]
    weight = np.where(units > 0, np.sqrt(e * units), 0.0)
    share = np.nan_to_num(divide(weight, weight.sum(axis=-2, keepdims=True)))
    score = np.where(units > 0, known_before + pull, 0.0)
    noise = np.where(units[..., None] > 0, divide(cov, np.maximum(units - 1, 1)[..., None]), 0.0)
    total = (share[..., :, None] * noise * share[..., None, :]).sum(axis=-3)
    pooled = moments.select([0]).pool(-2)
    reason = first(pooled.reasons(0), choose(pooled.n.shape, (n[..., 0, :] < 2, INSUFFICIENT_N)))
    known = fine(reason)
    estimate = np.where(known, (share * score).sum(axis=-2), np.nan)
    variance = np.diagonal(total, axis1=-2, axis2=-1)
    return VariantMeans(
        n=pooled.n,
        mean=estimate,
        cov=np.where(known[..., :, None] & known[..., None, :], total, np.nan),
        residual=np.where(known, variance, np.nan),
        df=np.where(known, np.inf, np.nan),
        raw_mean=pooled.mean[..., 0],
        raw_variance=divide(pooled.variance[..., 0], pooled.n),
        rank=np.zeros(pooled.n.shape),
        reason=reason,
        notes={},
        method="none",
    )


def _means_before(n: FloatArray, mean: FloatArray) -> FloatArray:
    """Return the mean of the batches before each; for the first batch, its own."""
    totals = np.cumsum(n * mean, axis=-2)
    before = divide(totals - n * mean, np.cumsum(n, axis=-2) - n)
    before[..., 0, :] = mean[..., 0, :]
    return np.where(np.isnan(before), 0.0, before)
