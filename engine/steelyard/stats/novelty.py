"""Novelty and primacy: does an effect change with the days since the exposure?

A unit's change over time is one number, a weighted sum of its days whose weights sum to zero. Its effect is an
ordinary difference in means, with the right standard error whatever the dependence between a unit's days.
The warehouse can compute the number per unit; where it has the moments of the days, `time_contrast` does.
"""

from dataclasses import dataclass

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, TextArray, as_floats, divide, root, together
from steelyard.stats.means import MeanPair, satterthwaite
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import ZERO_VARIANCE, choose, first
from steelyard.stats.significance import critical_value, p_value

FADING, GROWING, STEADY = "fading", "growing", "steady"


def half_weights(days: int) -> FloatArray:
    """Weights of the mean of the later half of the days minus that of the earlier half.

    The middle one of an odd number of days counts for neither.

    Args:
        days: Number of days since the exposure.

    Raises:
        StatisticsError: There are fewer than two days.

    References:
        Hohnhold, O'Brien & Tang (2015), KDD, on effects that change while users learn.

    Examples:
        >>> half_weights(5).tolist()
        [-0.5, -0.5, 0.0, 0.5, 0.5]
    """
    _enough(days)
    half = days // 2
    weights = np.zeros(days)
    weights[:half], weights[days - half :] = -1 / half, 1 / half
    return weights


def slope_weights(days: int) -> FloatArray:
    """Weights of the least-squares slope over days.

    Args:
        days: Number of days since the exposure.

    Raises:
        StatisticsError: There are fewer than two days.

    References:
        The coefficients of least squares; Hohnhold, O'Brien & Tang (2015), KDD, on learning users.

    Examples:
        >>> slope_weights(3).tolist()
        [-0.5, 0.0, 0.5]
    """
    _enough(days)
    centred = np.arange(days) - (days - 1) / 2
    return as_floats(centred / (centred**2).sum())


def time_contrast(moments: Moments, weights: ArrayLike) -> Moments:
    """Replace the columns of the days by their contrast, and keep the covariates that follow.

    Args:
        moments: Of units whose window is complete; columns are the values of days 0, 1, … since the exposure,
            then covariates.
        weights: One per day, summing to zero, as from `half_weights` or `slope_weights`.

    Returns:
        Moments of the contrast and the covariates, for `steelyard.stats.adjustment`.

    Raises:
        StatisticsError: The weights do not sum to zero or are more than the columns.

    References:
        Summary measures of Matthews, Altman, Campbell & Royston (1990), BMJ 300, 230-235.

    Examples:
        >>> days = Moments(n=100, mean=[1.0, 1.0, 3.0], m2=99 * np.eye(3))
        >>> change = time_contrast(days, slope_weights(3))
        >>> change.mean.tolist(), change.variance.tolist()
        ([1.0], [0.5])
    """
    a = as_floats(weights)
    columns = moments.mean.shape[-1]
    if a.ndim != 1 or len(a) > columns or not np.isclose(a.sum(), 0.0, atol=1e-9) or not np.any(a):
        raise StatisticsError(
            f"{a.size} weights do not make a contrast of {columns} columns", hint="they must sum to zero"
        )
    matrix = np.zeros((1 + columns - len(a), columns))
    matrix[0, : len(a)] = a
    matrix[1:, len(a) :] = np.eye(columns - len(a))
    return moments.linear(matrix)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectChange:
    """An effect on later units beside that on earlier ones; shapes as the pairs'.

    Attributes:
        change: The later effect less the earlier one.
        std_error: Its standard error; NaN where the reason says why.
        statistic: Change / standard error.
        p_value: Two-sided, for one look.
        ci_lower, ci_upper: Interval of the change.
        reason: Why there is no test, '' where there is one.
    """

    change: FloatArray
    std_error: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    reason: TextArray


def change_of_effect(early: MeanPair, late: MeanPair, *, alpha: float = 0.05) -> EffectChange:
    """Compare the effects on two cohorts, which share no unit.

    Args:
        early: The cohort that came first.
        late: The other one, same shape.
        alpha: One minus the interval's coverage.

    References:
        Welch (1947), Biometrika 34, 28-35, for four variances in the place of two.

    Examples:
        >>> from steelyard.stats.means import VariantMeans
        >>> cohorts = [
        ...     VariantMeans.independent(n=[400, 400], mean=[1.0, one], variance=[0.01, 0.01]).pairs()
        ...     for one in (1.5, 1.1)]
        >>> found = change_of_effect(*cohorts)
        >>> found.change.round(3).tolist(), found.std_error.round(3).tolist(), found.p_value.round(4).tolist()
        ([-0.4], [0.2], [0.0455])
    """
    change = late.effect - early.effect
    pieces = np.stack([early.variance, late.variance], axis=-1)
    df = satterthwaite(pieces, np.stack([early.df, late.df], axis=-1))
    error = root(pieces.sum(axis=-1))
    reason = first(early.reason, late.reason, choose(error.shape, (~(error > 0), ZERO_VARIANCE)))
    error = np.where(reason == "", error, np.nan)
    statistic = divide(change, error)
    half = critical_value(alpha, df) * error
    return EffectChange(
        change=change,
        std_error=error,
        statistic=statistic,
        p_value=p_value(statistic, df),
        ci_lower=change - half,
        ci_upper=change + half,
        reason=reason,
    )


def pattern(
    effect: ArrayLike, change: ArrayLike, change_p_value: ArrayLike, *, alpha: float = 0.05
) -> TextArray:
    """Name what an effect does over time.

    Args:
        effect: Effect over the whole window.
        change: Effect on the contrast over time.
        change_p_value: Its p-value.
        alpha: Level at which a change is believed.

    Returns:
        ``fading`` (the change goes against the effect: novelty), ``growing`` (with it: primacy, learning),
        ``steady``, or '' where a number is missing.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Hohnhold, O'Brien & Tang (2015), KDD, on novelty and primacy.

    Examples:
        >>> pattern([0.1, 0.1, 0.1], [-0.05, 0.05, 0.01], [0.001, 0.001, 0.5]).tolist()
        ['fading', 'growing', 'steady']
    """
    total, move, p = together(effect, change, change_p_value)
    with np.errstate(invalid="ignore"):
        found = p <= alpha
        against = total * move < 0
    unknown = np.isnan(total) | np.isnan(move) | np.isnan(p)
    return choose(
        total.shape, (unknown, ""), (found & against, FADING), (found & ~against, GROWING), (True, STEADY)
    )


def _enough(days: int) -> None:
    if days < 2:
        raise StatisticsError(f"{days} days have no change over time", hint="take at least two")
