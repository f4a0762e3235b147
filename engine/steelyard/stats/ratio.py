"""Ratios of means, linearised by the delta method."""

import numpy as np

from steelyard.stats.arrays import FloatArray, TextArray, divide
from steelyard.stats.linear import EXACT_FIT
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import ZERO_DENOMINATOR, choose, first


def linearise(moments: Moments, *, about: Moments | None = None) -> tuple[Moments, TextArray]:
    """Replace numerator and denominator by one outcome whose mean is their ratio.

    With R = mean(y) / mean(d) the outcome is ``(y - R d) / mean(d) + R``: its mean is R and its variance
    that of R times n. Its products with the covariates follow, so that every adjustment works on it.

    Args:
        moments: The first two columns are the numerator and the denominator, the rest covariates.
        about: Moments whose means stand for R and mean(d), broadcast to the cells: for strata, those of the
            whole variant. Without them, each cell's own.

    Returns:
        Moments of the outcome and the covariates, NaN where there is no ratio, and the reasons.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Deng, Knoblich & Lu (2018), "Applying the Delta Method in Metric Analytics", KDD.

    Examples:
        >>> n, cov = 1000, np.array([[4.0, 1.5], [1.5, 1.2]])
        >>> ratio, reason = linearise(Moments(n=n, mean=[3.0, 2.0], m2=cov * (n - 1)))
        >>> float(ratio.mean[0]), round(float(ratio.variance[0]) / n, 8)
        (1.5, 0.00055)
    """
    centre, shape = moments if about is None else about, moments.n.shape
    bottom = centre.mean[..., 1]
    nothing = (centre.n > 0) & (bottom <= 0)
    reason = first(choose(shape, (nothing, ZERO_DENOMINATOR)), moments.reasons(0), moments.reasons(1))
    base = np.where((bottom > 0) & np.isfinite(bottom), bottom, np.nan)
    value = np.broadcast_to(divide(centre.mean[..., 0], base), shape)
    columns = moments.mean.shape[-1]
    weights = np.zeros((*shape, columns - 1, columns))
    weights[..., 0, 0], weights[..., 0, 1] = divide(1.0, base), -divide(value, base)
    weights[..., range(1, columns - 1), range(2, columns)] = 1.0
    weights[np.isnan(value), 0] = np.nan
    linear = moments.linear(weights)
    parts = np.diagonal(moments.m2, axis1=-2, axis2=-1)[..., :2]
    scale = (weights[..., 0, :2] ** 2 * parts).sum(axis=-1)
    linear.mean[..., 0] = value if about is None else value + linear.mean[..., 0]
    linear.m2[..., 0, 0] = _cleaned(linear.m2[..., 0, 0], scale)
    return linear, reason


def _cleaned(spread: FloatArray, scale: FloatArray) -> FloatArray:
    """Return 0 where the outcome is constant but for rounding, NaN where its products are impossible."""
    with np.errstate(invalid="ignore"):
        impossible, nothing = spread < -EXACT_FIT * scale, spread <= EXACT_FIT * scale
    return np.where(impossible, np.nan, np.where(nothing, 0.0, spread))
