"""The tests of a pair of means: superiority, non-inferiority, deterioration."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import (
    Alternative,
    ArrayLike,
    BoolArray,
    FloatArray,
    TextArray,
    as_floats,
    divide,
    root,
)
from steelyard.stats.means import MeanPair, Notes
from steelyard.stats.reasons import CONTROL_MEAN_NOT_POSITIVE, FINE, TOO_EARLY, ZERO_VARIANCE, choose, first
from steelyard.stats.relative import fieller
from steelyard.stats.significance import critical_value, evidence, log10_p_value, p_value

Hypothesis = Literal["superiority", "non_inferiority", "deterioration"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """A treatment compared with its control; all arrays have the pair's shape.

    A number is NaN only where a reason is not ''. `steelyard.stats.arrays.optional` turns NaN into None.

    Attributes:
        hypothesis: ``superiority``, ``non_inferiority`` or ``deterioration``.
        effect: Treatment mean minus control mean.
        std_error: Its standard error.
        df: Degrees of freedom; infinite where the effect is treated as normal.
        statistic: (Estimate - null value) / standard error, with the sign of the effect.
        evidence: The statistic turned so that large values speak against the null hypothesis.
        p_value: Chance of at least this evidence under the null hypothesis, at a single look.
        log10_p_value: Its decimal logarithm, finite where the p-value underflows.
        critical: What the evidence must reach; also the half width of the intervals in standard errors.
        significant: Whether it did; False where it could not be tested.
        ci_lower, ci_upper: Effect ± critical standard errors. A one-sided test decides by one end; the other
            is as far away on the other side, so no end is infinite.
        relative_effect: Effect divided by the control's mean.
        relative_ci_lower, relative_ci_upper: Fieller's interval with the same critical value.
        variance_reduction: Share of the unadjusted variance that the adjustment removed.
        reason: Why a number other than the relative ones is absent.
        relative_reason: Why a relative number is absent.
        notes: Remarks, see `steelyard.stats.reasons.NOTES`.
    """

    hypothesis: Hypothesis
    n_control: FloatArray
    n_treatment: FloatArray
    mean_control: FloatArray
    mean_treatment: FloatArray
    effect: FloatArray
    std_error: FloatArray
    df: FloatArray
    statistic: FloatArray
    evidence: FloatArray
    p_value: FloatArray
    log10_p_value: FloatArray
    critical: FloatArray
    significant: BoolArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    relative_effect: FloatArray
    relative_ci_lower: FloatArray
    relative_ci_upper: FloatArray
    variance_reduction: FloatArray
    reason: TextArray
    relative_reason: TextArray
    notes: Notes


def superiority(
    pair: MeanPair,
    *,
    alpha: ArrayLike = 0.05,
    alternative: Alternative | ArrayLike = "two-sided",
    null: ArrayLike = 0.0,
    critical: ArrayLike | None = None,
) -> Comparison:
    """Test whether the means differ.

    Args:
        pair: Treatment and control.
        alpha: Level, one number or one per cell.
        alternative: ``two-sided``, ``greater`` or ``less``, one word or one per cell.
        null: Effect under the null hypothesis, absolute.
        critical: A sequential bound, in the place of the t quantile at ``alpha``.

    Returns:
        The comparison.

    Raises:
        StatisticsError: Alpha is not between 0 and 1, or an alternative is none of the three.

    References:
        Welch (1947), Biometrika 34, 28-35. Checked against R ``t.test``.

    Examples:
        >>> from steelyard.stats.means import VariantMeans
        >>> pair = VariantMeans.independent(n=[900, 900], mean=[10.0, 10.5], variance=[0.04, 0.05], df=899).pairs()
        >>> result = superiority(pair)
        >>> result.statistic.round(4).tolist(), result.p_value.round(4).tolist(), result.significant.tolist()
        ([1.6667], [0.0958], [False])
    """
    statistic = divide(pair.effect - as_floats(null), pair.std_error)
    return _compare(
        pair,
        "superiority",
        statistic=statistic,
        alternative=alternative,
        alpha=alpha,
        critical=critical,
        reason=pair.reason,
    )


def non_inferiority(
    pair: MeanPair,
    *,
    margin: ArrayLike,
    direction: ArrayLike = 1,
    relative: bool = True,
    alpha: ArrayLike = 0.05,
    critical: ArrayLike | None = None,
) -> Comparison:
    """Test whether the treatment is worse than the control by less than a margin, one-sided.

    A relative margin is tested as the linear hypothesis on ``m1 - (1 - direction·margin) m0``, in which the
    control's mean is an estimate like the treatment's; treating it as known rejects too often when a
    decrease is preferred.

    Args:
        pair: Treatment and control.
        margin: The harm that is tolerated, positive: a share of the control's mean, or in the metric's unit.
        direction: 1 where an increase is good, -1 where a decrease is.
        relative: Whether the margin is a share.
        alpha: Level of the one-sided test.
        critical: A sequential bound, in the place of the t quantile at ``alpha``.

    Returns:
        The comparison; its ``effect`` is the plain difference. A relative margin needs a positive control
        mean.

    Raises:
        StatisticsError: A margin is not positive, or a direction is not 1 or -1.

    References:
        Fieller (1954), JRSS-B 16, for a relative margin; Hauschke, Kieser, Diletti & Burke (1999),
            Statistics in Medicine 18, 93-105.

    Examples:
        >>> from steelyard.stats.means import VariantMeans
        >>> pair = VariantMeans.independent(n=[900, 900], mean=[10.0, 10.5], variance=[0.04, 0.05], df=899).pairs()
        >>> result = non_inferiority(pair, margin=0.01)
        >>> result.statistic.round(4).tolist(), result.p_value.round(4).tolist(), result.significant.tolist()
        ([2.0089], [0.0223], [True])
    """
    width, sign = as_floats(margin), _direction(direction)
    if not np.all(width > 0):
        raise StatisticsError(
            "a non-inferiority margin must be positive", hint="0.01 tolerates a loss of one percent"
        )
    reason = pair.reason
    if relative:
        share = 1 - sign * width
        estimate = pair.mean_treatment - share * pair.mean_control
        variance = pair.var_treatment + share**2 * pair.var_control - 2 * share * pair.covariance
        unfit = choose(reason.shape, (pair.mean_control <= 0, CONTROL_MEAN_NOT_POSITIVE))
        reason = first(reason, unfit)
    else:
        estimate, variance = pair.effect + sign * width, pair.variance
    statistic = divide(estimate, root(np.where(reason == "", variance, np.nan)))
    better = np.where(sign > 0, "greater", "less").astype(object)
    return _compare(
        pair,
        "non_inferiority",
        statistic=statistic,
        alternative=better,
        alpha=alpha,
        critical=critical,
        reason=reason,
    )


def deterioration(
    pair: MeanPair,
    *,
    direction: ArrayLike = 1,
    alpha: ArrayLike = 0.05,
    critical: ArrayLike | None = None,
) -> Comparison:
    """Test whether the treatment is worse than the control, one-sided.

    Args:
        pair: Treatment and control.
        direction: 1 where an increase is good, -1 where a decrease is.
        alpha: Level of the one-sided test.
        critical: A sequential bound, in the place of the t quantile at ``alpha``.

    Raises:
        StatisticsError: A direction is not 1 or -1.

    References:
        Schultzberg, Ankargren & Frånberg (2024), arXiv 2402.11609; the test is Welch's (1947).

    Examples:
        >>> from steelyard.stats.means import VariantMeans
        >>> pair = VariantMeans.independent(n=[900, 900], mean=[10.0, 10.5], variance=[0.04, 0.05], df=899).pairs()
        >>> deterioration(pair).p_value.round(4).tolist(), deterioration(pair, direction=-1).p_value.round(4).tolist()
        ([0.9521], [0.0479])
    """
    worse = np.where(_direction(direction) > 0, "less", "greater").astype(object)
    statistic = divide(pair.effect, pair.std_error)
    return _compare(
        pair,
        "deterioration",
        statistic=statistic,
        alternative=worse,
        alpha=alpha,
        critical=critical,
        reason=pair.reason,
    )


def _direction(direction: ArrayLike) -> FloatArray:
    sign = as_floats(direction)
    if not np.all(np.abs(sign) == 1):
        raise StatisticsError(
            "a preferred direction must be 1 or -1",
            hint="1 where an increase is good, -1 where a decrease is",
        )
    return sign


def _compare(
    pair: MeanPair,
    hypothesis: Hypothesis,
    *,
    statistic: FloatArray,
    alternative: Alternative | ArrayLike,
    alpha: ArrayLike,
    critical: ArrayLike | None,
    reason: TextArray,
) -> Comparison:
    value = critical_value(alpha, pair.df, alternative) if critical is None else as_floats(critical)
    bound = np.broadcast_to(value, pair.df.shape)
    early = choose(bound.shape, (~np.isfinite(bound), TOO_EARLY))
    finite = np.where(np.isfinite(bound), bound, np.nan)
    std_error, strength = pair.std_error, evidence(statistic, alternative)
    share = fieller(
        pair.mean_treatment,
        pair.var_treatment,
        pair.mean_control,
        pair.var_control,
        covariance=pair.covariance,
        critical=np.where(pair.reason == "", finite, np.nan),
    )
    no_effect = np.where(np.isnan(pair.effect), pair.reason, FINE)
    no_base = choose(bound.shape, (pair.mean_control <= 0, CONTROL_MEAN_NOT_POSITIVE))
    return Comparison(
        hypothesis=hypothesis,
        n_control=pair.n_control,
        n_treatment=pair.n_treatment,
        mean_control=pair.mean_control,
        mean_treatment=pair.mean_treatment,
        effect=pair.effect,
        std_error=std_error,
        df=pair.df,
        statistic=statistic,
        evidence=strength,
        p_value=p_value(statistic, pair.df, alternative),
        log10_p_value=log10_p_value(statistic, pair.df, alternative),
        critical=finite,
        significant=np.asarray(strength >= bound, dtype=np.bool_),
        ci_lower=pair.effect - finite * std_error,
        ci_upper=pair.effect + finite * std_error,
        relative_effect=share.effect,
        relative_ci_lower=share.ci_lower,
        relative_ci_upper=share.ci_upper,
        variance_reduction=pair.variance_reduction,
        reason=first(reason, choose(bound.shape, (np.isnan(statistic), ZERO_VARIANCE)), early),
        relative_reason=first(no_effect, no_base, pair.reason, early, share.reason),
        notes=pair.notes,
    )
