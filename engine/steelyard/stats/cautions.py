"""Rules of thumb for when a normal approximation deserves a remark."""

import numpy as np

from steelyard.stats.arrays import ArrayLike, BoolArray, as_floats, together

MINIMUM_COUNT = 10
SKEWNESS_FACTOR = 355
MINIMUM_DENOMINATOR_RATIO = 10


def small_counts(n: ArrayLike, share: ArrayLike) -> BoolArray:
    """Tell which proportions rest on fewer than ten successes or ten failures.

    Args:
        n: Units, any shape.
        share: Proportions of them, same shape.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Cochran (1977), Sampling Techniques, section 3.6.

    Examples:
        >>> small_counts([1000, 1000, 1000], [0.005, 0.05, 0.995]).tolist()
        [True, False, True]
    """
    count, p = together(n, share)
    return np.asarray((count > 0) & (count * np.minimum(p, 1 - p) < MINIMUM_COUNT), dtype=np.bool_)


def skewed_small_sample(n: ArrayLike, skewness: ArrayLike) -> BoolArray:
    """Tell which variants have fewer than ``355 skewness²`` units.

    Below that one tail of a test of means is too long and the other too short, above all with unequal
    allocation.

    Args:
        n: Units of the smaller variant.
        skewness: Standardised third central moment of the units' values.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Kohavi, Deng, Longbotham & Xu (2014), "Seven Rules of Thumb for Web Site Experimenters", KDD, rule 7.

    Examples:
        >>> skewed_small_sample([100, 100_000], 6.2).tolist()
        [True, False]
    """
    return np.asarray(as_floats(n) < SKEWNESS_FACTOR * as_floats(skewness) ** 2, dtype=np.bool_)


def noisy_denominator(n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> BoolArray:
    """Tell which ratios have a denominator whose mean is within ten standard errors of zero.

    Args:
        n: Units.
        mean: Mean denominator.
        sd: Standard deviation of the units' denominators.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Cochran (1977), Sampling Techniques, section 6.8, on the bias of a ratio.

    Examples:
        >>> noisy_denominator([50, 5000], mean=2.0, sd=3.0).tolist()
        [True, False]
    """
    distance = as_floats(mean) * np.sqrt(np.maximum(as_floats(n), 0.0))
    return np.asarray(distance < MINIMUM_DENOMINATOR_RATIO * as_floats(sd), dtype=np.bool_)
