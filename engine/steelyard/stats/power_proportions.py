"""Sample size and detectable effect for proportions, whose variance depends on the effect."""

import numpy as np
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import Alternative, ArrayLike, FloatArray, as_floats, root
from steelyard.stats.power import SampleSize, quantile_sum, required_n
from steelyard.stats.significance import critical_value


def required_n_proportions(
    p_control: ArrayLike,
    p_treatment: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    power: ArrayLike = 0.8,
    alternative: Alternative = "two-sided",
    ratio: ArrayLike = 1.0,
    pooled: bool = False,
    r_squared: ArrayLike = 0.0,
    inflation: ArrayLike = 1.0,
    design_effect: ArrayLike = 1.0,
) -> SampleSize:
    """Units at which a difference of proportions is found with the given power.

    Args:
        p_control: The control's proportion.
        p_treatment: The treatment's; ``p_control * (1 + relative effect)`` for a relative one.
        alpha, power, alternative, ratio, r_squared, inflation, design_effect: As in
            `steelyard.stats.power.required_n`.
        pooled: Use the variance under the null hypothesis for the test's level, as textbooks and R's
            ``power.prop.test`` do. The analysis does not pool, so the default does not either.

    Raises:
        StatisticsError: A proportion is not between 0 and 1, or as in `steelyard.stats.power.required_n`.

    References:
        Checked against R ``power.prop.test`` and ``rpact``.

    Examples:
        >>> float(required_n_proportions(0.60, 0.62, pooled=True).rounded().control)
        9336.0
        >>> float(required_n_proportions(0.60, 0.62).rounded().control)
        9333.0
    """
    base, other = _proportions(p_control), _proportions(p_treatment)
    size = required_n(
        other - base,
        sd_control=np.sqrt(base * (1 - base)),
        sd_treatment=np.sqrt(other * (1 - other)),
        alpha=alpha,
        power=power,
        alternative=alternative,
        ratio=ratio,
        r_squared=r_squared,
        inflation=inflation,
        design_effect=design_effect,
    )
    if not pooled:
        return size
    share = as_floats(ratio)
    middle = (base + share * other) / (1 + share)
    apart = np.sqrt(other * (1 - other) / share + base * (1 - base))
    together = np.sqrt(middle * (1 - middle) * (1 + 1 / share))
    quantile = critical_value(alpha, np.inf, alternative)
    spread = quantile * together + special.ndtri(as_floats(power)) * apart
    factor = (1 - as_floats(r_squared)) * as_floats(inflation) * as_floats(design_effect)
    n = spread**2 * factor / (other - base) ** 2
    return SampleSize(control=n, treatment=n * share)


def detectable_proportion(
    p_control: ArrayLike,
    *,
    n_control: ArrayLike,
    n_treatment: ArrayLike,
    direction: ArrayLike = 1,
    alpha: ArrayLike = 0.05,
    power: ArrayLike = 0.8,
    alternative: Alternative = "two-sided",
    inflation: ArrayLike = 1.0,
) -> FloatArray:
    """The treatment's proportion nearest to the control's that is found with the given power.

    Its own variance is taken into account, by solving the quadratic equation ``(p - p0)² = q² (p(1 - p)/n1 +
    p0(1 - p0)/n0)``.

    Args:
        p_control: The control's proportion.
        n_control, n_treatment: Units.
        direction: 1 for an increase, -1 for a decrease.
        alpha, power, alternative, inflation: As in `steelyard.stats.power.required_n`.

    Returns:
        Proportions; NaN where not even 1 (or 0) could be told from the control's.

    Raises:
        StatisticsError: A proportion is not between 0 and 1.

    References:
        The inverse of `required_n_proportions`.

    Examples:
        >>> round(float(detectable_proportion(0.6, n_control=9332.7, n_treatment=9332.7)), 5)
        0.62
    """
    base, sign = _proportions(p_control), as_floats(direction)
    square = quantile_sum(alpha, power, alternative) ** 2 * as_floats(inflation)
    own, known = square / as_floats(n_treatment), square * base * (1 - base) / as_floats(n_control)
    half = base + own / 2
    found = (half + sign * root(half**2 - (1 + own) * (base**2 - known))) / (1 + own)
    return np.where((found >= 0) & (found <= 1), found, np.nan)


def _proportions(values: ArrayLike) -> FloatArray:
    share = as_floats(values)
    if not np.all((share > 0) & (share < 1)):
        raise StatisticsError("a proportion must lie between 0 and 1", hint="0.05 means five percent")
    return share
