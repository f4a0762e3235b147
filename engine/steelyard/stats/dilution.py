"""Trigger dilution: what an effect on triggered units means for all units.

Analysing only the units that met the changed surface is far more precise, if the trigger is logged alike in
all variants. The rest of the units, whose effect is zero, then dilute the effect.
"""

from dataclasses import replace

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, divide, together
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import ZERO_DENOMINATOR, choose, first


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


def diluted_means(
    triggered: Moments,
    rest: Moments,
    *,
    ratio: bool = False,
    share: ArrayLike | None = None,
    adjusted: bool = False,
) -> VariantMeans:
    """Estimate the means of all units from triggered ones by variant and the others of all variants together.

    The others had no effect, so that all variants share their values; that is where the precision comes from.
    Test that first: compare them between variants as any metric.

    Args:
        triggered: Shape ``(..., K)``; the first column is the outcome, or the first two numerator and
            denominator of a ratio; the others are covariates.
        rest: Units that did not trigger, all variants together, shape ``(...)``, same outcome columns.
        ratio: Whether the outcome is a ratio.
        share: Share of all units that triggered; by default that of the units in the moments, which is too small
            where windows of triggered units close later.
        adjusted: Whether the triggered units' outcome is adjusted by their covariates, as `adjustment.full` does.

    Returns:
        Means or ratios over all units, shape ``(..., K)``, with their covariances; ``pairs()`` and
        `steelyard.stats.comparison` do the rest, relative effects and margins included. The share of
        triggered units counts as known.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

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
    part = divide(hit.n.sum(axis=-1), hit.n.sum(axis=-1) + others.n) if share is None else as_floats(share)
    met = together(part, others.n)[0][..., None]
    nobody = ((others.n == 0)[..., None]) & (met == 1)
    # Where all units met the trigger there is no mean of the others, and it has no weight.
    apart = np.where(nobody[..., None], 0.0, others.mean[..., None, :])
    value, gradient = _linearised(met[..., None] * hit.mean + (1 - met[..., None]) * apart)
    reason = first(
        choose(value.shape, (np.isnan(value) & (hit.n > 0), ZERO_DENOMINATOR)),
        *(hit.reasons(column) for column in columns),
        np.where(nobody, "", np.broadcast_to(others.reasons(0)[..., None], value.shape)),
    )
    own = (full if adjusted else unadjusted)(_linear(triggered, gradient), reason=reason)
    shared = (gradient @ others.cov) @ np.swapaxes(gradient, -1, -2)
    weight = np.where(nobody, 0.0, (1 - met) ** 2 * divide(1.0, others.n[..., None]))
    both = np.where(nobody[..., None], 0.0, weight[..., None] * shared)
    return replace(
        own,
        n=hit.n + others.n[..., None] / value.shape[-1],
        mean=value + met * (own.mean - own.raw_mean),
        cov=met[..., None] ** 2 * own.cov + both,
        residual=met**2 * own.residual,
        raw_mean=value,
        raw_variance=met**2 * own.raw_variance,
    )


def _linearised(mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the value that means of one column or two have, the ratio of two, and its gradient in them."""
    is_ratio = mean.shape[-1] > 1
    bottom = mean[..., 1] if is_ratio else np.ones(mean.shape[:-1])
    base = np.where(bottom > 0, bottom, np.nan)
    value = divide(mean[..., 0], base)
    parts = [np.ones_like(value), -value] if is_ratio else [np.ones_like(value)]
    return value, np.stack(parts, axis=-1) / base[..., None]


def _linear(moments: Moments, gradient: FloatArray) -> Moments:
    """Return moments whose first column is the outcome columns weighted by a gradient; the others are covariates."""
    outcomes, columns = gradient.shape[-1], moments.mean.shape[-1]
    matrix = np.zeros((*gradient.shape[:-1], columns - outcomes + 1, columns))
    matrix[..., 0, :outcomes] = gradient
    rest = range(columns - outcomes)
    matrix[..., [1 + k for k in rest], [outcomes + k for k in rest]] = 1.0
    return moments.linear(matrix)
