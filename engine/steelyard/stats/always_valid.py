"""Inference that holds at every moment, without a plan of looks or a largest sample.

One family, the normal mixture, covers mSPRT, GAVI and asymptotic confidence sequences: they differ in how
they name its one tuning parameter. Here it is ``tuning``, in units of the sample size; ``optimal_tuning``
gives the one that suits a sample size best.

The estimate must have independent increments, as in group sequential tests: units enter when their value is
complete. n counts what the estimate averages over (for clusters, clusters).

References:
    Robbins (1970), Annals of Mathematical Statistics 41, 1397-1409.
    Howard, Ramdas, McAuliffe & Sekhon (2021), Annals of Statistics 49, 1055-1080.
"""

import numpy as np
from scipy import optimize, special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, together

BURN_IN = 100
"""Units of the smallest variant before which no always-valid statement is made: normality is approximate."""
_HIGHEST = 1e150
"""Statistic beyond which its square would overflow."""


def _check(sides: int, tuning: FloatArray, alpha: FloatArray | None = None) -> None:
    if sides not in (1, 2):
        raise StatisticsError(f"a test has 1 or 2 sides, not {sides}")
    if not np.all((tuning > 0.0) & np.isfinite(tuning)):
        raise StatisticsError("tuning is not positive", hint="take optimal_tuning of the sample size planned")
    if alpha is not None and not np.all((alpha > 0.0) & (alpha < 1.0)):
        raise StatisticsError("alpha lies outside (0, 1)", hint="write 5 % as 0.05")


def log_e_value(statistic: ArrayLike, n: ArrayLike, tuning: ArrayLike, *, sides: int = 2) -> FloatArray:
    """Return the log of the mixture likelihood ratio against no effect.

    Its exponential is an e-value at every n: under the null hypothesis its mean is at most 1 at any stopping
    time, and it exceeds 1 / alpha at some n with probability at most alpha.

    Args:
        statistic: Z = effect / standard error; for ``sides=1`` only large values are evidence.
        n: Units behind the statistic, all variants together.
        tuning: Tuning parameter, in units.
        sides: 2 mixes over effects of either sign, 1 over positive ones.

    Raises:
        StatisticsError: ``tuning`` is not positive, or ``sides`` is not 1 or 2.

    References:
        Howard et al. (2021), sections 3.1-3.2. Checked against confseq.

    Examples:
        >>> round(float(log_e_value(3.0, 1000, 500)), 4)
        2.4507
    """
    z, units, nu = together(statistic, n, tuning)
    _check(sides, nu)
    scaled = np.clip(z, -_HIGHEST, _HIGHEST) * np.sqrt(units / (units + nu))
    value = 0.5 * (np.log(nu) - np.log(units + nu)) + 0.5 * scaled**2
    return value if sides == 2 else value + np.log(2.0) + special.log_ndtr(scaled)


def p_value(
    statistic: ArrayLike,
    n: ArrayLike,
    tuning: ArrayLike,
    *,
    sides: int = 2,
    smallest_n: ArrayLike = np.inf,
    burn_in: float = BURN_IN,
) -> FloatArray:
    """Return the always-valid p-value of one look: the smallest alpha whose interval leaves out no effect.

    Its running minimum over looks is valid too, see ``running_p``.

    Args:
        statistic: Z = effect / standard error, see ``log_e_value``.
        n: Units behind the statistic.
        tuning: Tuning parameter, in units.
        sides: 2 or 1.
        smallest_n: Units of the smallest variant; by default large enough.
        burn_in: Least number of units of the smallest variant; before, the p-value is 1.

    Raises:
        StatisticsError: ``tuning`` is not positive, or ``sides`` is not 1 or 2.

    References:
        Johari, Koomen, Pekelis & Walsh (2022), Operations Research 70, 1806-1821.

    Examples:
        >>> round(float(p_value(3.0, 1000, 500)), 4)
        0.0862
    """
    log_p = np.minimum(0.0, -log_e_value(statistic, n, tuning, sides=sides))
    return np.exp(np.where(np.asarray(smallest_n, dtype=float) >= burn_in, log_p, 0.0))


def running_p(p_values: ArrayLike, persisted: ArrayLike | None = None) -> FloatArray:
    """Return the running minimum of p-values along the last axis; NaN, no value at this look, is passed over.

    Args:
        p_values: Always-valid p-values of successive looks.
        persisted: Running minimum before the first of them, shape without the last axis.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Johari, Koomen, Pekelis & Walsh (2022), Operations Research 70, 1806-1821.

    Examples:
        >>> running_p([0.2, 0.03, 0.5], persisted=0.1).tolist()
        [0.1, 0.03, 0.03]
    """
    values = as_floats(p_values)
    start, _ = together(1.0 if persisted is None else persisted, np.ones(values.shape[:-1]))
    whole = np.concatenate([start[..., None], values], axis=-1)
    return np.asarray(np.fmin.accumulate(whole, axis=-1)[..., 1:])


def critical_value(
    n: ArrayLike,
    tuning: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    sides: int = 2,
    smallest_n: ArrayLike = np.inf,
    burn_in: float = BURN_IN,
) -> FloatArray:
    """Return half the width of the confidence sequence in standard errors: what the statistic must reach.

    Args:
        n: Units behind the statistic, all variants together.
        tuning: Tuning parameter, in units.
        alpha: Level, for all looks that will ever be taken.
        sides: 2, or 1 for a one-sided bound. A two-sided sequence at 2 alpha is not a one-sided one at alpha.
        smallest_n: Units of the smallest variant; by default large enough.
        burn_in: Least number of units of the smallest variant.

    Returns:
        The critical value; infinite during the burn-in and where there are no units.

    Raises:
        StatisticsError: ``alpha``, ``tuning`` or ``sides`` is out of range.

    References:
        Howard et al. (2021), eqs. 14 and 3.5. Checked against confseq, avlm and 40-digit arithmetic.

    Examples:
        >>> critical_value([1000, 10000, 50], 5000, smallest_n=[500, 5000, 25]).round(3).tolist()
        [6.086, 3.261, inf]
    """
    units, nu, level, smallest = together(n, tuning, alpha, smallest_n)
    _check(sides, nu, level)
    started = (units > 0.0) & (smallest >= burn_in)
    units = np.where(units > 0.0, units, 1.0)
    # L is the least log likelihood ratio, without its determinant, that rejects.
    least = -np.log(level) + 0.5 * (np.log(units + nu) - np.log(nu))
    scaled = np.sqrt(2.0 * least) if sides == 2 else _one_sided_root(least - np.log(2.0))
    return np.where(started, scaled * np.sqrt((units + nu) / units), np.inf)


def _one_sided_root(value: FloatArray) -> FloatArray:
    """Solve x^2 / 2 + log Phi(x) = value for x >= 0; ``value`` is at least -log 2.

    The left side is convex and rising, so Newton from above the root stays above it.
    """
    x = np.sqrt(2.0 * (value + np.log(2.0)))
    for _ in range(50):
        log_phi = special.log_ndtr(x)
        rise = x + np.exp(-0.5 * x * x - log_phi) / np.sqrt(2.0 * np.pi)
        step = (0.5 * x * x + log_phi - value) / rise
        x = x - step
        if np.all(np.abs(step) <= 1e-8):  # the error left is of the order of its square
            break
    return np.asarray(x)


def optimal_tuning(n: ArrayLike, *, alpha: float = 0.05, sides: int = 2, exact: bool = False) -> FloatArray:
    """Return the tuning for which the confidence sequence is tightest at n units.

    Args:
        n: Sample size at which it matters most.
        alpha: Level.
        sides: 2 or 1. For one side the two-sided optimum at 2 alpha is used, which is close.
        exact: Minimise the width exactly; otherwise the common closed form.

    Raises:
        StatisticsError: ``alpha`` or ``sides`` is out of range.

    References:
        Howard et al. (2021), section 3.5; the closed form is that of confseq.

    Examples:
        >>> round(float(optimal_tuning(100)), 2), round(float(optimal_tuning(100, exact=True)), 2)
        (12.6, 12.18)
    """
    _check(sides, np.ones(()), np.asarray(alpha))
    # Twice a large one-sided level is no level; any tuning is valid, and so near 1 none is tight.
    level = alpha if sides == 2 else min(2.0 * alpha, max(alpha, 0.9))
    units = np.asarray(n, dtype=float)
    if exact:
        return np.asarray(units / (-np.real(special.lambertw(-(level**2) / np.e, k=-1)) - 1.0))
    return np.asarray(units / (-2.0 * np.log(level) + np.log1p(-2.0 * np.log(level))))


def msprt_tuning(std_error: ArrayLike, n: ArrayLike, prior_variance: ArrayLike) -> FloatArray:
    """Return the tuning under which the normal mixture is an mSPRT with this variance of the true effect.

    Args:
        std_error: Standard error of the effect at n units.
        n: Units behind it.
        prior_variance: Mixing variance tau^2, in squared units of the metric.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Johari, Koomen, Pekelis & Walsh (2022), Operations Research 70, 1806-1821.

    Examples:
        >>> float(msprt_tuning(0.5, 1000, 0.25))
        1000.0
    """
    error, units, variance = together(std_error, n, prior_variance)
    return np.asarray(units * error**2 / variance)


def asymptotic_half_width(
    std_dev: ArrayLike, n: ArrayLike, rho: ArrayLike, *, alpha: ArrayLike = 0.05, sides: int = 2
) -> FloatArray:
    """Return half the width of an asymptotic confidence sequence in its authors' parametrisation.

    The two-sided one is the normal mixture with ``tuning = 1 / rho^2``. The one-sided closed form is slightly
    wider than ``critical_value(…, sides=1)``; it is here to compare with software that uses it.

    Args:
        std_dev: Standard deviation of one unit's influence on the estimate.
        n: Units.
        rho: Tuning parameter.
        alpha: Level.
        sides: 2 or 1.

    Raises:
        StatisticsError: ``alpha``, ``rho`` or ``sides`` is out of range.

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Annals of Statistics 52, 2613-2640.

    Examples:
        >>> round(float(asymptotic_half_width(2.0, 6461, 0.0387)), 6)
        0.075566
    """
    scale, units, tuning, level = together(std_dev, n, rho, alpha)
    _check(sides, tuning, level)
    grown = units * tuning**2 + 1.0
    log_term = np.log(np.sqrt(grown) / level) if sides == 2 else np.log1p(np.sqrt(grown) / (2.0 * level))
    return scale * np.sqrt(2.0 * grown * log_term) / (units * tuning)


def required_n(
    effect: float,
    std_dev: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
    tuning: float | None = None,
) -> float:
    """Return the units at which the confidence sequence leaves out no effect with the power asked for.

    Only the last look counts, so the power over all looks is a little higher.

    Args:
        effect: True effect, not zero.
        std_dev: sqrt(n) times the standard error of the effect, for n units in all variants together.
        alpha: Level.
        power: Probability of detection, in [0.5, 1).
        sides: 2 or 1.
        tuning: Tuning parameter; by default the optimum for the answer.

    Raises:
        StatisticsError: ``effect`` is 0, ``std_dev`` is not positive or ``power`` is out of range.

    References:
        Howard et al. (2021), section 3.5: the power is that of a fixed test at the sequence's bound.

    Examples:
        >>> round(required_n(0.1, 2.0))
        6012
    """
    if effect == 0.0 or not std_dev > 0.0 or not 0.5 <= power < 1.0:
        raise StatisticsError(
            f"no sample size for effect {effect}, standard deviation {std_dev} and power {power}"
        )
    quantile, scale = float(special.ndtri(power)), (std_dev / abs(effect)) ** 2

    def excess(log_n: float) -> float:
        n = np.exp(log_n)
        nu = optimal_tuning(n, alpha=alpha, sides=sides, exact=True) if tuning is None else tuning
        return float(np.sqrt(n / scale) - critical_value(n, nu, alpha=alpha, sides=sides)) - quantile

    low, high = np.log(scale) - 10.0, np.log(scale) + 5.0
    while excess(high) < 0.0:
        high += 5.0
    return float(np.exp(optimize.brentq(excess, low, high, xtol=1e-12)))
