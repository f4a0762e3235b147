"""Trigger dilution: what an effect on triggered units means for all units.

Analysing only the units that met the changed surface is far more precise, if the trigger is logged alike in
all variants. The rest of the units, whose effect is zero, then dilute the effect.
"""

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, divide
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import ZERO_DENOMINATOR, choose, fine, first


def diluted(effect: ArrayLike, std_error: ArrayLike, share: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return effect and standard error over all units, for a mean.

    Args:
        effect: Effect on triggered units.
        std_error: Its standard error.
        share: Share of all units that triggered.

    Raises:
        StatisticsError: The share is not between 0 and 1.

    References:
        Deng & Hu (2015), "Diluted Treatment Effect Estimation for Trigger Analysis", WSDM.

    Examples:
        >>> effect, error = diluted(0.5, 0.1, 0.2)
        >>> float(effect), round(float(error), 6)
        (0.1, 0.02)
    """
    part = as_floats(share)
    if not np.all((part >= 0) & (part <= 1)):
        raise StatisticsError("the trigger's share must lie between 0 and 1", hint="triggered / all units")
    return as_floats(effect) * part, as_floats(std_error) * part


def diluted_means(triggered: Moments, rest: Moments, *, ratio: bool = False) -> VariantMeans:
    """Estimate the means of all units from triggered ones by variant and the others of all variants together.

    The others had no effect, so that all variants share their values; that is where the precision comes from.
    Test that first: compare them between variants as any metric.

    Args:
        triggered: Shape ``(..., K)``; the first column is the outcome, or the first two numerator and
            denominator of a ratio.
        rest: Units that did not trigger, all variants together, shape ``(...)``, same columns.
        ratio: Whether the outcome is a ratio.

    Returns:
        Means or ratios over all units, shape ``(..., K)``, with their covariances; ``pairs()`` and
        `steelyard.stats.comparison` do the rest, relative effects and margins included. The share of
        triggered units counts as known.

    References:
        Deng & Hu (2015), "Diluted Treatment Effect Estimation for Trigger Analysis in Online Controlled
        Experiments", WSDM; the delta method for ratios.

    Examples:
        >>> hit = Moments.from_variances(n=[200, 200], mean=[1.0, 1.5], variance=1.0)
        >>> others = Moments.from_variances(n=1600, mean=0.2, variance=1.0)
        >>> pair = diluted_means(hit, others).pairs()
        >>> pair.mean_control.round(3).tolist(), pair.effect.round(3).tolist(), pair.std_error.round(3).tolist()
        ([0.36], [0.1], [0.02])
    """
    columns = [0, 1] if ratio else [0]
    hit, others = triggered.select(columns), rest.select(columns)
    all_hit = hit.n.sum(axis=-1)
    share = divide(all_hit, all_hit + others.n)[..., None]
    empty = (others.n == 0)[..., None]
    mean = share[..., None] * hit.mean + (1 - share[..., None]) * others.mean[..., None, :]
    bottom = mean[..., 1] if ratio else np.ones(mean.shape[:-1])
    value = divide(mean[..., 0], np.where(bottom > 0, bottom, np.nan))
    gradient = (
        np.stack([np.ones_like(value), -value][: len(columns)], axis=-1)
        / np.where(bottom > 0, bottom, np.nan)[..., None]
    )
    own = share**2 * divide(_quadratic(gradient, hit.cov, gradient), hit.n)
    shared = (gradient @ others.cov) @ np.swapaxes(gradient, -1, -2)
    weight = np.where(empty, 0.0, (1 - share) ** 2 * divide(1.0, others.n[..., None]))
    both = np.where(empty[..., None], 0.0, weight[..., None] * shared)
    reason = first(
        choose(value.shape, (np.isnan(value) & (hit.n > 0), ZERO_DENOMINATOR)),
        *(hit.reasons(column) for column in columns),
        np.broadcast_to(np.where(empty, "", others.reasons(0)[..., None]), value.shape),
    )
    known = fine(reason)
    cov = own[..., :, None] * np.eye(value.shape[-1]) + both
    return VariantMeans(
        n=hit.n + others.n[..., None] / value.shape[-1],
        mean=value,
        cov=np.where(known[..., :, None] & known[..., None, :], cov, np.nan),
        residual=np.where(known, own, np.nan),
        df=np.where(known, hit.n - 1, np.nan),
        raw_mean=value,
        raw_variance=np.where(known, own, np.nan),
        rank=np.zeros(value.shape),
        reason=reason,
        notes={},
        method="none",
    )


def _quadratic(left: FloatArray, matrix: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray((left[..., None, :] @ matrix @ right[..., :, None])[..., 0, 0])
