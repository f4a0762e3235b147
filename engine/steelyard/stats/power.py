"""Sample size, detectable effect and power of tests of means, ratios and relative effects.

Standard deviations are of units. Those of a ratio are of its linearised outcome, see
`steelyard.stats.ratio.linearise`. The formulas are those of the analysis with unequal variances, so that the
planned number of units is the one at which the analysis has its power.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import Alternative, ArrayLike, BoolArray, FloatArray, as_floats
from steelyard.stats.significance import critical_value, signs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleSize:
    """Units that a comparison needs, not rounded.

    Attributes:
        control: Units in the control.
        treatment: Units in each treatment.
    """

    control: FloatArray
    treatment: FloatArray

    def total(self, treatments: int = 1) -> FloatArray:
        """Units of an experiment with that many treatments beside the control."""
        return self.control + treatments * self.treatment

    def rounded(self) -> "SampleSize":
        """Round up to whole units."""
        return SampleSize(control=np.ceil(self.control), treatment=np.ceil(self.treatment))


def required_n(
    effect: ArrayLike,
    *,
    sd_control: ArrayLike,
    sd_treatment: ArrayLike | None = None,
    null: ArrayLike = 0.0,
    alpha: ArrayLike = 0.05,
    power: ArrayLike = 0.8,
    alternative: Alternative = "two-sided",
    ratio: ArrayLike = 1.0,
    r_squared: ArrayLike = 0.0,
    inflation: ArrayLike = 1.0,
    design_effect: ArrayLike = 1.0,
) -> SampleSize:
    """Units at which a difference in means is found with the given power.

    Args:
        effect: True difference, treatment minus control. For non-inferiority, usually 0.
        sd_control: Standard deviation of the control's units.
        sd_treatment: That of the treatment's; the control's if not given.
        null: Difference under the null hypothesis; minus the margin for non-inferiority where more is better.
        alpha: Level of the test, after any correction.
        power: Probability of a significant result.
        alternative: ``two-sided``, ``greater`` or ``less``.
        ratio: Units of the treatment per unit of the control.
        r_squared: Share of the variance that covariates explain.
        inflation: Factor of a group sequential design over a fixed one.
        design_effect: Factor for units that come in clusters, see `design_effect`.

    Raises:
        StatisticsError: The effect equals the null or lies on its wrong side, or alpha or power is not a
        probability.

    References:
        Checked against R ``pwr``, ``power.t.test`` and ``rpact``.

    Examples:
        >>> size = required_n(0.05, sd_control=1.0)
        >>> float(size.rounded().control)
        6280.0
    """
    distance = _distance(as_floats(effect) - as_floats(null), alternative)
    base = as_floats(sd_control)
    other = base if sd_treatment is None else as_floats(sd_treatment)
    share = as_floats(ratio)
    if np.any(share <= 0):
        raise StatisticsError("a ratio of units must be positive", hint="1 for as many in each variant")
    noise = (other**2 / share + base**2) * _left(r_squared)
    factor = as_floats(inflation) * as_floats(design_effect)
    n = quantile_sum(alpha, power, alternative) ** 2 * noise * factor / distance**2
    return SampleSize(control=n, treatment=n * share)


def required_n_relative(
    relative_effect: ArrayLike,
    *,
    mean_control: ArrayLike,
    sd_control: ArrayLike,
    sd_treatment: ArrayLike | None = None,
    relative_null: ArrayLike = 0.0,
    alpha: ArrayLike = 0.05,
    power: ArrayLike = 0.8,
    alternative: Alternative = "two-sided",
    ratio: ArrayLike = 1.0,
    r_squared: ArrayLike = 0.0,
    inflation: ArrayLike = 1.0,
    design_effect: ArrayLike = 1.0,
) -> SampleSize:
    """Units at which a relative effect is found against a relative null hypothesis.

    The test is the linear one on ``m1 - (1 + relative_null) m0``, in which the control's mean is an estimate
    too.

    Args:
        relative_effect: True relative effect, such as 0.02.
        mean_control: The control's mean, positive.
        relative_null: Relative effect under the null hypothesis: 0 for superiority, minus the margin for
            non-inferiority where more is better, plus the margin where less is.
        sd_control, sd_treatment, alpha, power, alternative, ratio, r_squared, inflation, design_effect: As
            in `required_n`.

    Raises:
        StatisticsError: The control's mean is not positive, or as in `required_n`.

    References:
        The linear hypothesis of Fieller (1954), JRSS-B 16. Checked against 40-digit arithmetic.

    Examples:
        >>> size = required_n_relative(0.02, mean_control=10, sd_control=12)
        >>> round(float(size.total()), 2)
        113023.87
    """
    level = as_floats(mean_control)
    if not np.all(level > 0):
        raise StatisticsError(
            "a relative effect needs a positive control mean", hint="plan with an absolute effect"
        )
    base, start = as_floats(sd_control), as_floats(relative_null)
    return required_n(
        (as_floats(relative_effect) - start) * level,
        sd_control=base * (1 + start),
        sd_treatment=base if sd_treatment is None else sd_treatment,
        alpha=alpha,
        power=power,
        alternative=alternative,
        ratio=ratio,
        r_squared=r_squared,
        inflation=inflation,
        design_effect=design_effect,
    )


def std_error_at(
    *,
    n_control: ArrayLike,
    n_treatment: ArrayLike,
    sd_control: ArrayLike,
    sd_treatment: ArrayLike | None = None,
    r_squared: ArrayLike = 0.0,
    design_effect: ArrayLike = 1.0,
) -> FloatArray:
    """Standard error of a difference in means at given numbers of units.

    Args:
        n_control, n_treatment: Units.
        sd_control, sd_treatment, r_squared, design_effect: As in `required_n`.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Welch (1947), Biometrika 34, 28-35; the variance of `required_n`.

    Examples:
        >>> error = std_error_at(n_control=3140, n_treatment=3140, sd_control=1.0, r_squared=0.5)
        >>> round(float(error), 5)
        0.01785
    """
    base = as_floats(sd_control)
    other = base if sd_treatment is None else as_floats(sd_treatment)
    noise = other**2 / as_floats(n_treatment) + base**2 / as_floats(n_control)
    return np.sqrt(noise * _left(r_squared) * as_floats(design_effect))


def minimum_detectable_effect(
    std_error: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    power: ArrayLike = 0.8,
    alternative: Alternative = "two-sided",
    inflation: ArrayLike = 1.0,
) -> FloatArray:
    """Smallest distance from the null hypothesis that is found with the given power, absolute and positive.

    Divide by the control's mean for the relative one.

    Args:
        std_error: Of the effect, in the metric's unit.
        alpha, power, alternative, inflation: As in `required_n`.

    Raises:
        StatisticsError: Alpha or power is not between 0 and 1.

    References:
        Bloom (1995), Evaluation Review 19, 547-556. The inverse of `required_n`.

    Examples:
        >>> round(float(minimum_detectable_effect(0.01)), 5)
        0.02802
    """
    factor = np.sqrt(as_floats(inflation))
    return np.asarray(quantile_sum(alpha, power, alternative) * as_floats(std_error) * factor)


def achieved_power(
    effect: ArrayLike,
    std_error: ArrayLike,
    *,
    null: ArrayLike = 0.0,
    alpha: ArrayLike = 0.05,
    alternative: Alternative = "two-sided",
) -> FloatArray:
    """Probability of a significant result for a true effect and a standard error.

    Counts both tails of a two-sided test.

    Args:
        effect: True effect, in the metric's unit.
        std_error: Standard error of its estimate, same shape.
        null: Effect under the null hypothesis.
        alpha: Level of the test.
        alternative: ``two-sided``, ``greater`` or ``less``, one word or one per cell.

    Raises:
        StatisticsError: Alpha is not between 0 and 1.

    References:
        Cohen (1988), Statistical Power Analysis, chapter 2. Checked against gbstats.

    Examples:
        >>> round(float(achieved_power(0.02802, 0.01)), 4)
        0.8001
    """
    drift = (as_floats(effect) - as_floats(null)) / as_floats(std_error)
    bound, sign = critical_value(alpha, np.inf, alternative), signs(alternative)
    upper, lower = special.ndtr(drift - bound), special.ndtr(-drift - bound)
    return np.where(sign == 0, upper + lower, np.where(sign > 0, upper, lower))


def is_powered(
    std_error: ArrayLike,
    effect: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    power: ArrayLike = 0.8,
    alternative: Alternative = "two-sided",
) -> BoolArray:
    """Tell whether the standard error is already small enough to find the planned effect.

    Looks at the standard error only and never at the estimate, so that stopping on it does not change the
    type I error.

    Args:
        std_error: Of the running experiment; NaN is not powered.
        effect: Planned distance from the null hypothesis, absolute, of either sign.
        alpha, power, alternative: As in `required_n`.

    Raises:
        StatisticsError: Alpha or power is not between 0 and 1.

    References:
        Nordin & Schultzberg (2024), on precision-based designs.

    Examples:
        >>> is_powered([0.017, 0.019], 0.05).tolist()
        [True, False]
    """
    enough = np.abs(as_floats(effect)) / quantile_sum(alpha, power, alternative)
    return np.asarray(as_floats(std_error) <= enough, dtype=np.bool_)


def quantile_sum(alpha: ArrayLike, power: ArrayLike, alternative: Alternative = "two-sided") -> FloatArray:
    """Standard errors between null hypothesis and alternative at which the power is reached.

    Raises:
        StatisticsError: Alpha or power is not between 0 and 1, or the power is not above alpha.
    """
    level, chance = as_floats(alpha), as_floats(power)
    if not np.all((chance > 0) & (chance < 1)):
        raise StatisticsError("power must lie between 0 and 1", hint="0.8 means eighty percent")
    total = critical_value(level, np.inf, alternative) + special.ndtri(chance)
    if not np.all(total > 0):
        raise StatisticsError("the power must exceed alpha", hint="a power of 0.8 is usual")
    return np.asarray(total)


def _left(r_squared: ArrayLike) -> FloatArray:
    """Return the share of the variance that covariates leave."""
    left = 1 - as_floats(r_squared)
    if np.any((left <= 0) | (left > 1)):
        raise StatisticsError(
            "covariates explain a share of the variance, at least 0 and below 1", hint="write 30 % as 0.3"
        )
    return left


def _distance(difference: FloatArray, alternative: Alternative) -> FloatArray:
    sign = signs(alternative)
    if not np.all(np.where(sign == 0, np.abs(difference), sign * difference) > 0):
        raise StatisticsError(
            "no number of units can find this effect: it lies at the null hypothesis or on its wrong side",
            hint="check the effect, the margin and the alternative",
        )
    return difference
