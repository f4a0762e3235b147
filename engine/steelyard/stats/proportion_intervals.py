"""Score intervals of proportions, which hold with few successes too."""

from dataclasses import dataclass

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, together
from steelyard.stats.significance import critical_value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interval:
    """An estimate and the interval around it; NaN where there are no units."""

    estimate: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray


def wilson_interval(successes: ArrayLike, n: ArrayLike, *, alpha: ArrayLike = 0.05) -> Interval:
    """Interval of a proportion from the score test.

    Args:
        successes: Number of successes.
        n: Number of units.
        alpha: One minus the coverage.

    Raises:
        StatisticsError: There are more successes than units, or fewer than none.

    References:
        Wilson (1927), JASA 22, 209-212. Checked against statsmodels.

    Examples:
        >>> interval = wilson_interval(10, 100)
        >>> [round(float(x), 4) for x in (interval.estimate, interval.ci_lower, interval.ci_upper)]
        [0.1, 0.0552, 0.1744]
    """
    x, units, level = together(successes, n, alpha)
    if not np.all((x >= 0) & (x <= units)):
        raise StatisticsError("successes must lie between 0 and the units", hint="pass counts, not shares")
    count, square = np.where(units > 0, units, np.nan), critical_value(level) ** 2
    p = x / count
    centre = (x + square / 2) / (count + square)
    half = np.sqrt(square * (p * (1 - p) * count + square / 4)) / (count + square)
    # At the ends rounding would leave 1e-17 where the interval closes with the estimate.
    lower = np.where(x == 0, np.where(np.isnan(p), np.nan, 0.0), np.maximum(centre - half, 0.0))
    upper = np.where(x == units, np.where(np.isnan(p), np.nan, 1.0), np.minimum(centre + half, 1.0))
    return Interval(estimate=p, ci_lower=lower, ci_upper=upper)


def newcombe_interval(
    *,
    successes_control: ArrayLike,
    n_control: ArrayLike,
    successes_treatment: ArrayLike,
    n_treatment: ArrayLike,
    alpha: ArrayLike = 0.05,
) -> Interval:
    """Interval of the difference of two proportions, treatment minus control, from their score intervals.

    Beside the usual interval where a variant has fewer than ten successes or failures.

    Args:
        successes_control, successes_treatment: Numbers of successes.
        n_control, n_treatment: Numbers of units.
        alpha: One minus the coverage.

    Raises:
        StatisticsError: There are more successes than units, or fewer than none.

    References:
        Newcombe (1998), Statistics in Medicine 17, 873-890, method 10. Checked against statsmodels.

    Examples:
        >>> interval = newcombe_interval(
        ...     successes_treatment=56, n_treatment=70, successes_control=48, n_control=80)
        >>> [round(float(x), 4) for x in (interval.estimate, interval.ci_lower, interval.ci_upper)]
        [0.2, 0.0524, 0.3339]
    """
    base = wilson_interval(successes_control, n_control, alpha=alpha)
    other = wilson_interval(successes_treatment, n_treatment, alpha=alpha)
    gap = other.estimate - base.estimate
    below = np.hypot(other.estimate - other.ci_lower, base.ci_upper - base.estimate)
    above = np.hypot(other.ci_upper - other.estimate, base.estimate - base.ci_lower)
    return Interval(estimate=gap, ci_lower=gap - below, ci_upper=gap + above)
