"""Power and sample size of the t test from the noncentral t distribution, for small experiments."""

import math

import numpy as np
from scipy import optimize, special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import Alternative
from steelyard.stats.power import required_n
from steelyard.stats.significance import critical_value

SMALLEST_N = 2.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def power_t(
    effect: float,
    *,
    n_control: float,
    n_treatment: float,
    sd_control: float,
    sd_treatment: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> float:
    """Power of Welch's test for normal outcomes.

    Args:
        effect: True difference minus the one under the null hypothesis.
        n_control, n_treatment: Units, at least 2 each.
        sd_control: Standard deviation of the control's units.
        sd_treatment: That of the treatment's; with none, both are equal and the degrees of freedom are those
            of the pooled test.
        alpha: Level of the test.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Raises:
        StatisticsError: A variant has fewer than two units.

    References:
        Checked against R ``pwr.t.test``.

    Examples:
        >>> round(power_t(0.5, n_control=63.7656, n_treatment=63.7656, sd_control=1.0), 5)
        0.8
    """
    if min(n_control, n_treatment) < SMALLEST_N:
        raise StatisticsError("a t test needs at least two units per variant", hint="raise n")
    other = sd_control if sd_treatment is None else sd_treatment
    noise_control, noise_treatment = sd_control**2 / n_control, other**2 / n_treatment
    df = n_control + n_treatment - 2.0
    if sd_treatment is not None:
        weight = noise_control**2 / (n_control - 1) + noise_treatment**2 / (n_treatment - 1)
        df = (noise_control + noise_treatment) ** 2 / weight
    drift = effect / math.sqrt(noise_control + noise_treatment)
    bound = float(critical_value(alpha, df, alternative))
    upper, lower = _upper_tail(bound, df, drift), _upper_tail(bound, df, -drift)
    return {"two-sided": upper + lower, "greater": upper, "less": lower}[alternative]


def _upper_tail(bound: float, df: float, drift: float) -> float:
    """Probability that a noncentral t exceeds a bound, as an average over the estimated standard deviation s.

    Given s the tail is that of a normal; s² df is chi-square. (SciPy's noncentral t gives NaN in far tails.)
    """
    ends = np.sqrt(
        2 / df * np.array([special.gammaincinv(df / 2, 1e-18), special.gammainccinv(df / 2, 1e-18)])
    )
    s = ends.mean() + (ends[1] - ends[0]) / 2 * _NODES
    log_density = (
        special.xlogy(df / 2, df / 2) - special.gammaln(df / 2) + special.xlogy(df - 1, s) - df * s**2 / 2
    )
    weights = _WEIGHTS * (ends[1] - ends[0]) * np.exp(log_density)
    return float((weights * special.ndtr(drift - bound * s)).sum() / weights.sum())


def required_n_t(
    effect: float,
    *,
    sd_control: float,
    sd_treatment: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    alternative: Alternative = "two-sided",
    ratio: float = 1.0,
) -> float:
    """Units of the control at which the t test has the given power; the treatment has ``ratio`` times as
    many.

    Use it where `steelyard.stats.power.required_n` gives fewer than about 100.

    Args:
        effect: True difference minus the one under the null hypothesis.
        sd_control, sd_treatment, alpha, alternative: As in `power_t`.
        power: Probability of a significant result.
        ratio: Units of the treatment per unit of the control.

    Returns:
        Units, not rounded; at least 2 in the smaller variant.

    Raises:
        StatisticsError: The effect is zero or has the wrong sign.

    References:
        Checked against R ``pwr.t.test``.

    Examples:
        >>> round(required_n_t(0.5, sd_control=1.0), 4)
        63.7656
    """
    start = required_n(
        effect,
        sd_control=sd_control,
        sd_treatment=sd_treatment,
        alpha=alpha,
        power=power,
        alternative=alternative,
        ratio=ratio,
    )
    lowest = SMALLEST_N / min(1.0, ratio)

    def shortfall(n: float) -> float:
        reached = power_t(
            effect,
            n_control=n,
            n_treatment=n * ratio,
            sd_control=sd_control,
            sd_treatment=sd_treatment,
            alpha=alpha,
            alternative=alternative,
        )
        return reached - power

    if shortfall(lowest) >= 0:
        return lowest
    # The exact answer exceeds the normal one by a few units at most.
    return float(optimize.brentq(shortfall, lowest, 2 * float(start.control) + 50 * lowest, rtol=1e-12))
