"""Comparisons in one call, from numbers that a person types in or reads from a frame.

Variants come in one order everywhere, the control first. Each function is the short way to moments, means and
a test; take the long way for covariates, strata, margins and sequential bounds.
"""

from dataclasses import replace

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.arrays import Alternative, ArrayLike, as_floats, together
from steelyard.stats.cautions import small_counts
from steelyard.stats.comparison import Comparison, superiority
from steelyard.stats.moments import Moments
from steelyard.stats.ratio import linearise
from steelyard.stats.reasons import SMALL_COUNTS


def compare_means(
    *,
    n: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    alpha: ArrayLike = 0.05,
    alternative: Alternative | ArrayLike = "two-sided",
) -> Comparison:
    """Compare means of units by Welch's test.

    Args:
        n: Units per variant, shape ``(..., K)``, the control first.
        mean: Means.
        variance: Variances of the units (not of the means), divisor ``n - 1``.
        alpha: Level.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Returns:
        One comparison per treatment, shape ``(..., K - 1)``.

    Raises:
        StatisticsError: There are fewer than two variants.

    References:
        Welch (1947), Biometrika 34, 28-35. Checked against SciPy ``ttest_ind``.

    Examples:
        >>> result = compare_means(n=[100, 120], mean=[1.0, 1.5], variance=[4.0, 9.0])
        >>> result.effect.tolist(), result.p_value.round(4).tolist()
        ([0.5], [0.1419])
    """
    return superiority(
        unadjusted(_variants(Moments.from_variances(n=n, mean=mean, variance=variance))).pairs(),
        alpha=alpha,
        alternative=alternative,
    )


def compare_proportions(
    *,
    n: ArrayLike,
    proportion: ArrayLike,
    alpha: ArrayLike = 0.05,
    alternative: Alternative | ArrayLike = "two-sided",
) -> Comparison:
    """Compare proportions of units; the same test as for means, since 0 and 1 are values.

    Args:
        n: Units per variant, shape ``(..., K)``, the control first.
        proportion: Shares of units with the event, between 0 and 1.
        alpha: Level.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Returns:
        One comparison per treatment, shape ``(..., K - 1)``, with a note where a variant has fewer than ten
        units with or without the event.

    Raises:
        StatisticsError: A proportion is not between 0 and 1, or there are fewer than two variants.

    References:
        Welch (1947), Biometrika 34, 28-35.

    Examples:
        A difference that is sometimes quoted with p = 0.003:

        >>> result = compare_proportions(n=[12841, 12807], proportion=[0.612, 0.638])
        >>> result.statistic.round(1).tolist(), f"{float(result.p_value[0]):.1e}"
        ([4.3], '1.7e-05')
    """
    count, share = together(n, proportion)
    if not np.all((share >= 0) & (share <= 1)):
        raise StatisticsError("proportions must lie between 0 and 1", hint="pass shares, not percentages")
    means = unadjusted(_variants(Moments.from_counts(n=count, successes=count * share)))
    few = small_counts(count, share)
    pair = means.pairs()
    noted = replace(pair, notes={**pair.notes, SMALL_COUNTS: few[..., 1:] | few[..., :1]})
    return superiority(noted, alpha=alpha, alternative=alternative)


def compare_ratios(
    *,
    n: ArrayLike,
    mean: ArrayLike,
    cov: ArrayLike,
    alpha: ArrayLike = 0.05,
    alternative: Alternative | ArrayLike = "two-sided",
) -> Comparison:
    """Compare ratios of means, such as revenue per session where users were randomised.

    Args:
        n: Units per variant, shape ``(..., K)``, the control first.
        mean: Means of numerator and denominator, shape ``(..., K, 2)``.
        cov: Their covariance matrices over units, divisor ``n - 1``, shape ``(..., K, 2, 2)``.
        alpha: Level.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Returns:
        One comparison per treatment, shape ``(..., K - 1)``.

    Raises:
        StatisticsError: There are fewer than two variants, or shapes do not fit.

    References:
        Deng, Knoblich & Lu (2018), "Applying the Delta Method in Metric Analytics", KDD.

    Examples:
        >>> cov = [[4.0, 1.5], [1.5, 1.2]]
        >>> result = compare_ratios(n=[1000, 1000], mean=[[3.0, 2.0], [3.2, 2.0]], cov=[cov, cov])
        >>> result.effect.round(4).tolist(), result.std_error.round(4).tolist()
        ([0.1], [0.0334])
    """
    count = as_floats(n)
    spread, freedom = together(cov, (count - 1)[..., None, None])
    moments = Moments(n=count, mean=as_floats(mean), m2=spread * freedom)
    linear, reason = linearise(_variants(moments))
    return superiority(unadjusted(linear, reason=reason).pairs(), alpha=alpha, alternative=alternative)


def _variants(moments: Moments) -> Moments:
    if moments.n.ndim < 1 or moments.n.shape[-1] < 2:
        raise StatisticsError("a comparison needs two variants", hint="pass lists, the control first")
    return moments
