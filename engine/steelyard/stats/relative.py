"""Effects relative to the control's mean, from means, the variances of these means and their covariance."""

from dataclasses import dataclass

import numpy as np

from steelyard.stats.arrays import ArrayLike, FloatArray, TextArray, as_floats, divide, root, together
from steelyard.stats.reasons import (
    CONTROL_MEAN_NOT_POSITIVE,
    NO_DATA,
    RELATIVE_EFFECT_NOT_IDENTIFIED,
    choose,
)

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RelativeEffect:
    """Treatment mean / control mean - 1, with an interval.

    Attributes:
        effect: Point estimate; NaN where the control's mean is not positive.
        ci_lower, ci_upper: Interval; NaN where ``reason`` says why.
        reason: Why the interval, or all of it, is unknown.
    """

    effect: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    reason: TextArray


def fieller(
    mean_treatment: ArrayLike,
    var_treatment: ArrayLike,
    mean_control: ArrayLike,
    var_control: ArrayLike,
    *,
    covariance: ArrayLike = 0.0,
    critical: ArrayLike = Z_95,
) -> RelativeEffect:
    """Relative effect with Fieller's interval.

    The interval holds every relative effect R - 1 that ``(m1 - R m0)² <= critical² Var(m1 - R m0)`` does not
    contradict. So it contains 0 exactly when the test of the difference does not reject, and a relative
    margin exactly when the test of that margin does not.

    Args:
        mean_treatment, mean_control: Estimated means.
        var_treatment, var_control: Variances of these means (not of the units).
        covariance: Covariance of the means.
        critical: A quantile of t or of the normal distribution, or a sequential bound.

    Returns:
        The effect. Where the control's mean is within ``critical`` standard errors of zero the set is not an
        interval, and the reason is ``relative_effect_not_identified``.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Fieller (1954), JRSS-B 16, 175-185.

    Examples:
        >>> lift = fieller(10.5, 0.04, 10.0, 0.05)
        >>> [round(float(value), 4) for value in (lift.effect, lift.ci_lower, lift.ci_upper)]
        [0.05, -0.0085, 0.1126]
    """
    m1, v1, m0, v0, c, q = together(
        mean_treatment, var_treatment, mean_control, var_control, covariance, critical
    )
    with np.errstate(invalid="ignore", over="ignore"):
        square = q**2
        first, middle, last = m0**2 - square * v0, m1 * m0 - square * c, m1**2 - square * v1
        turn = middle + np.where(middle < 0, -1.0, 1.0) * root(np.maximum(middle**2 - first * last, 0.0))
        one = divide(turn, np.where(first > 0, first, np.nan))
    # c/s is the stable form of the second root; s = 0 only when both roots are 0.
    other = np.where(turn == 0, one, divide(last, turn))
    effect = divide(m1, np.where(m0 > 0, m0, np.nan)) - 1
    bounded = np.isfinite(one) & np.isfinite(other) & np.isfinite(effect)
    reason = choose(
        m1.shape,
        (np.isnan(m1) | np.isnan(m0), NO_DATA),
        (~(m0 > 0), CONTROL_MEAN_NOT_POSITIVE),
        (~bounded, RELATIVE_EFFECT_NOT_IDENTIFIED),
    )
    return RelativeEffect(
        effect=effect,
        ci_lower=np.where(bounded, np.minimum(one, other) - 1, np.nan),
        ci_upper=np.where(bounded, np.maximum(one, other) - 1, np.nan),
        reason=reason,
    )


def delta_std_error(
    mean_treatment: ArrayLike,
    var_treatment: ArrayLike,
    mean_control: ArrayLike,
    var_control: ArrayLike,
    *,
    covariance: ArrayLike = 0.0,
) -> FloatArray:
    """Standard error of the relative effect by the delta method.

    Good when the control's mean is more than about 20 standard errors from zero; for display, meta-analysis
    and Bayesian summaries. Intervals and tests use `fieller`.

    Args:
        mean_treatment, mean_control: Estimated means, any shapes that go together.
        var_treatment, var_control: Variances of these means (not of the units).
        covariance: Covariance of the means.

    Returns:
        Standard errors; NaN where the control's mean is not positive.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Deng, Knoblich & Lu (2018), "Applying the Delta Method in Metric Analytics", KDD. Checked against gbstats.

    Examples:
        >>> round(float(delta_std_error(10.5, 0.04, 10.0, 0.05)), 4)
        0.0308
    """
    m1, v1, m0, v0, c = map(as_floats, (mean_treatment, var_treatment, mean_control, var_control, covariance))
    base = np.where(m0 > 0, m0, np.nan)
    return root(v1 / base**2 + m1**2 * v0 / base**4 - 2 * m1 * c / base**3)


def log_interval(
    mean_treatment: ArrayLike,
    var_treatment: ArrayLike,
    mean_control: ArrayLike,
    var_control: ArrayLike,
    *,
    covariance: ArrayLike = 0.0,
    critical: ArrayLike = Z_95,
) -> RelativeEffect:
    """Relative effect with an interval symmetric on the logarithmic scale; needs both means positive.

    Args:
        mean_treatment, mean_control: Estimated means, any shapes that go together.
        var_treatment, var_control: Variances of these means (not of the units).
        covariance: Covariance of the means.
        critical: A quantile of t or of the normal distribution, or a sequential bound.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Katz, Baptista, Azen & Pike (1978), Biometrics 34, 469-474. Checked against tea-tasting.

    Examples:
        >>> lift = log_interval(10.5, 0.04, 10.0, 0.05)
        >>> round(float(lift.effect), 4), round(float(lift.ci_lower), 4), round(float(lift.ci_upper), 4)
        (0.05, -0.0087, 0.1122)
    """
    m1, v1, m0, v0, c, q = together(
        mean_treatment, var_treatment, mean_control, var_control, covariance, critical
    )
    positive = (m1 > 0) & (m0 > 0)
    top, base = np.where(positive, m1, np.nan), np.where(positive, m0, np.nan)
    radius = q * root(v1 / top**2 + v0 / base**2 - 2 * c / (top * base))
    centre = np.log(top / base)
    reason = choose(
        m1.shape,
        (np.isnan(m1) | np.isnan(m0), NO_DATA),
        (~(m0 > 0), CONTROL_MEAN_NOT_POSITIVE),
        (np.isnan(radius), RELATIVE_EFFECT_NOT_IDENTIFIED),
    )
    return RelativeEffect(
        effect=divide(m1, np.where(m0 > 0, m0, np.nan)) - 1,
        ci_lower=np.expm1(centre - radius),
        ci_upper=np.expm1(centre + radius),
        reason=reason,
    )
