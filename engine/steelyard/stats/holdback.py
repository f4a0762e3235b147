"""Long-term holdbacks: a few units without any of a period's changes, against the rest.

The comparison itself is an ordinary one with very unequal shares, with covariates from before the holdback
began. Here is what comes after: does the whole equal the sum of its parts, and did both sides keep their
units?
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, divide, together
from steelyard.stats.reasons import INSUFFICIENT_VARIANTS, NO_DATA, choose
from steelyard.stats.significance import critical_value, p_value
from steelyard.stats.srm import ChiSquare


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HoldbackGap:
    """A holdback's effect beside the effects that were shipped; shapes ``(...)``.

    Attributes:
        expected: Sum of the shipped effects, each times the share of units that it reached.
        gap: The holdback's effect less the expected one; negative where less remained than was promised.
        std_error: Its standard error.
        p_value: Two-sided.
        ci_lower, ci_upper: Interval of the gap.
    """

    expected: FloatArray
    gap: FloatArray
    std_error: FloatArray
    p_value: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray


def compare_with_shipped(
    effect: ArrayLike,
    std_error: ArrayLike,
    *,
    shipped: ArrayLike,
    shipped_errors: ArrayLike,
    shares: ArrayLike = 1.0,
    alpha: float = 0.05,
) -> HoldbackGap:
    """Compare a holdback's effect with the sum of what was shipped in its time.

    Args:
        effect: Effect of everything, the rest minus the holdback, shape ``(...)``.
        std_error: Its standard error.
        shipped: Effects of the shipped changes, shape ``(..., J)``, on the same scale. Winners are too
            large on average: pass median-unbiased or shrunken ones
            (`steelyard.stats.shrinkage.shrink_programme`).
        shipped_errors: Their standard errors.
        shares: Share of all units that each change reached, between 0 and 1.
        alpha: One minus the interval's coverage.

    Raises:
        StatisticsError: A share is not between 0 and 1.

    References:
        The variance of a sum of independent estimates; Lee & Shen (2018), KDD, on the bias of winners.

    Examples:
        >>> result = compare_with_shipped(
        ...     0.05, 0.01, shipped=[0.03, 0.04], shipped_errors=[0.01, 0.01], shares=[1.0, 0.5])
        >>> float(result.expected), round(float(result.gap), 4), round(float(result.std_error), 4)
        (0.05, 0.0, 0.015)
    """
    parts, errors, reach = together(shipped, shipped_errors, shares)
    if not np.all((reach >= 0) & (reach <= 1)):
        raise StatisticsError("shares must lie between 0 and 1", hint="1 for a change that reached all units")
    expected = (reach * parts).sum(axis=-1)
    error = np.sqrt(as_floats(std_error) ** 2 + (reach**2 * errors**2).sum(axis=-1))
    gap = as_floats(effect) - expected
    half = critical_value(alpha) * error
    return HoldbackGap(
        expected=expected,
        gap=gap,
        std_error=error,
        p_value=p_value(divide(gap, error)),
        ci_lower=gap - half,
        ci_upper=gap + half,
    )


def attrition_test(exposed: ArrayLike, surviving: ArrayLike) -> ChiSquare:
    """Test whether variants lost the same share of their units.

    Units that left because of a change are missing from its metric's mean; a sample-ratio check of the
    survivors that allows for the numbers exposed finds it.

    Args:
        exposed: Units per variant at the start, shape ``(..., K)``.
        surviving: Units still active, same shape.

    Raises:
        StatisticsError: More units survived than were exposed, or a count is negative.

    References:
        Pearson (1900), Philosophical Magazine 50. Checked against SciPy ``chi2_contingency``.

    Examples:
        >>> test = attrition_test([1000, 9000], [900, 8000])
        >>> round(float(test.statistic), 4), round(float(test.p_value), 4)
        (1.1349, 0.2867)
    """
    start, left = together(exposed, surviving)
    if not np.all((left >= 0) & (left <= start)):
        raise StatisticsError("no more units can survive than were exposed", hint="check the counts")
    active = start > 0
    total = start.sum(axis=-1)
    share = divide(left.sum(axis=-1), total)
    expected = start * share[..., None]
    gap = (left - expected) ** 2
    statistic = np.where(active, divide(gap, expected * (1 - share[..., None])), 0.0)
    df = active.sum(axis=-1) - 1.0
    reason = choose(
        df.shape, (df < 1, INSUFFICIENT_VARIANTS), ((share == 0) | (share == 1) | np.isnan(share), NO_DATA)
    )
    value = np.where(reason == "", statistic.sum(axis=-1), np.nan)
    return ChiSquare(statistic=value, df=df, p_value=special.chdtrc(df, value), reason=reason)
