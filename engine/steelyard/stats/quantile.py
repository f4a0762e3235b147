"""Quantiles: which order statistics bound them, and how a pair of quantiles is compared.

The warehouse computes a variant's quantile; these functions name the two neighbouring quantiles it has to
compute as well, and turn the three into an estimate with a variance.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, TextArray, as_floats, divide, root, together
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import NO_DATA, QUANTILE_COLLAPSED, QUANTILE_NOT_ATTAINABLE, choose, first
from steelyard.stats.significance import critical_value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranks:
    """Ranks of the two order statistics that bound a quantile, counted from 1.

    Attributes:
        lower, upper: Ranks; NaN where there are too few values for such a bound.
        lower_level, upper_level: The same as levels between 0 and 1, for ``PERCENTILE_DISC``.
        reason: Why a rank is absent.
    """

    lower: FloatArray
    upper: FloatArray
    lower_level: FloatArray
    upper_level: FloatArray
    reason: TextArray


def quantile_ranks(n: ArrayLike, q: ArrayLike, *, alpha: ArrayLike = 0.05, exact: bool = True) -> Ranks:
    """Ranks that bound a quantile of independent values, one per unit.

    Args:
        n: Number of values.
        q: Level of the quantile, between 0 and 1.
        alpha: One minus the coverage.
        exact: Use the binomial distribution; otherwise its normal approximation.

    Raises:
        StatisticsError: A level is not between 0 and 1.

    References:
        Conover (1999), Practical Nonparametric Statistics, section 3.2.

    Examples:
        >>> ranks = quantile_ranks(10, 0.5)
        >>> float(ranks.lower), float(ranks.upper)
        (2.0, 9.0)
    """
    count, level, error = together(n, _level(q), alpha)
    if exact:
        low = _first_above(error / 2, count, level)
        # The upper rank is the lower one of the reversed values at the complementary level.
        return _ranks(count, low, count + 1 - _first_above(error / 2, count, 1 - level))
    return _normal_ranks(count, level, np.sqrt(divide(level * (1 - level), count)), error)


def clustered_ranks(
    distribution: Moments, q: ArrayLike, *, rows: ArrayLike, alpha: ArrayLike = 0.05
) -> Ranks:
    """Ranks that bound a quantile of rows which come in clusters, one cluster per unit.

    Args:
        distribution: Moments of the linearised share of rows at or below the estimated quantile, as
            `steelyard.metric_types.quantile.Quantile.reduce` returns them.
        q: Level of the quantile, between 0 and 1.
        rows: Number of rows.
        alpha: One minus the coverage.

    Raises:
        StatisticsError: A level is not between 0 and 1.

    References:
        Deng, Knoblich & Lu (2018), "Applying the Delta Method in Metric Analytics", KDD, section 4.

    Examples:
        >>> share = Moments.from_variances(n=400, mean=0.9, variance=0.04)
        >>> ranks = clustered_ranks(share, 0.9, rows=2400)
        >>> float(ranks.lower), float(ranks.upper)
        (2112.0, 2209.0)
    """
    spread = root(divide(distribution.variance[..., 0], distribution.n))
    count, level, error = together(rows, _level(q), alpha)
    ranks = _normal_ranks(count, level, spread, error)
    return Ranks(
        lower=ranks.lower,
        upper=ranks.upper,
        lower_level=ranks.lower_level,
        upper_level=ranks.upper_level,
        reason=first(np.broadcast_to(distribution.reasons(0), ranks.reason.shape), ranks.reason),
    )


def quantile_means(
    *,
    n: ArrayLike,
    estimate: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    alpha: ArrayLike = 0.05,
    resolution: ArrayLike = 0.0,
    reason: TextArray | None = None,
) -> VariantMeans:
    """Turn quantiles and their bounding order statistics into estimates with variances.

    Args:
        n: Units, shape ``(..., K)``.
        estimate: Quantiles per variant.
        lower, upper: Values at the ranks of `quantile_ranks` or `clustered_ranks`.
        alpha: The one that the ranks were computed with.
        resolution: Width of a histogram's bin at the quantile, where the values come from one.
        reason: Reasons already known per variant.

    Returns:
        Estimates with variance ``((upper - lower) / (2 z))²``; refused where both bounds are the same value.

    Raises:
        StatisticsError: Alpha is not between 0 and 1.

    References:
        Price & Bonett (2001), Journal of Statistical Computation and Simulation 68.

    Examples:
        >>> means = quantile_means(n=[2000, 2000], estimate=[410, 395], lower=[400, 386], upper=[421, 405])
        >>> means.pairs().effect.tolist(), means.pairs().std_error.round(2).tolist()
        ([-15.0], [7.22])
    """
    units, value, low, high, bin_width = together(n, estimate, lower, upper, resolution)
    own = choose(
        units.shape,
        (~np.isfinite(value), NO_DATA),
        (~(np.isfinite(low) & np.isfinite(high)), QUANTILE_NOT_ATTAINABLE),
        (~(high > low), QUANTILE_COLLAPSED),
    )
    variance = ((high - low) / (2 * critical_value(alpha))) ** 2 + bin_width**2 / 12
    reasons = own if reason is None else first(reason, own)
    return VariantMeans.independent(n=units, mean=value, variance=variance, reason=reasons, method="quantile")


def histogram_quantile(edges: ArrayLike, counts: ArrayLike, q: ArrayLike) -> FloatArray:
    """Quantile read off a histogram, linear within a bin.

    Args:
        edges: Increasing bin edges, shape ``(bins + 1,)``.
        counts: Values per bin, shape ``(..., bins)``.
        q: Level of the quantile, between 0 and 1; broadcast to the leading shape of ``counts``.

    Returns:
        Quantiles, shape ``(...)``; NaN where there are no values.

    Raises:
        StatisticsError: A level is not between 0 and 1, or the edges do not fit the counts.

    References:
        Linear interpolation within a bin, as in Prometheus ``histogram_quantile``.

    Examples:
        >>> round(float(histogram_quantile([0, 1, 2, 4, 8], [10, 20, 30, 40], 0.5)), 4)
        3.3333
    """
    bounds, sizes, level = as_floats(edges), as_floats(counts), _level(q)
    if bounds.shape != (sizes.shape[-1] + 1,) or not np.all(np.diff(bounds) > 0):
        raise StatisticsError(
            "a histogram needs increasing edges, one more than bins", hint="sort the bins by their lower edge"
        )
    running = np.cumsum(sizes, axis=-1)
    target = level * running[..., -1]
    bin_index = np.minimum((running < target[..., None]).sum(axis=-1), sizes.shape[-1] - 1)
    at = bin_index[..., None]
    inside = np.take_along_axis(sizes, at, axis=-1)[..., 0]
    before = np.take_along_axis(running, at, axis=-1)[..., 0] - inside
    width = bounds[bin_index + 1] - bounds[bin_index]
    return np.asarray(bounds[bin_index] + divide(target - before, inside) * width)


def _first_above(tail: FloatArray, n: FloatArray, q: FloatArray) -> FloatArray:
    """Smallest k whose binomial distribution function exceeds the tail."""
    trials = n.astype(np.int64)
    # The continuous inverse is within rounding of the step, so three steps from just below it suffice.
    k = as_floats(np.maximum(np.floor(special.bdtrik(tail, n, q)) - 1, 0.0))
    for _ in range(3):
        k = np.where(special.bdtr(k, trials, q) <= tail, k + 1, k)
    return k


def _normal_ranks(n: FloatArray, q: FloatArray, spread: FloatArray, alpha: FloatArray) -> Ranks:
    reach = critical_value(alpha) * spread
    return _ranks(n, np.floor(n * (q - reach)), np.ceil(n * (q + reach)) + 1)


def _ranks(n: FloatArray, low: FloatArray, high: FloatArray) -> Ranks:
    lower, upper = np.where(low >= 1, low, np.nan), np.where(high <= n, high, np.nan)
    absent = np.isnan(lower) | np.isnan(upper)
    return Ranks(
        lower=lower,
        upper=upper,
        # Half a rank lower: rounding up n times the level then gives the rank, whatever the rounding error.
        lower_level=divide(lower - 0.5, n),
        upper_level=divide(upper - 0.5, n),
        reason=choose(lower.shape, (absent, QUANTILE_NOT_ATTAINABLE)),
    )


def _level(q: ArrayLike) -> FloatArray:
    level = as_floats(q)
    if not np.all((level > 0) & (level < 1)):
        raise StatisticsError(
            "the level of a quantile must lie between 0 and 1", hint="0.99 is the 99th percentile"
        )
    return level
