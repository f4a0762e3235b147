"""Always-valid tests of regression coefficients whose errors are Gaussian, exact in small samples.

References:
    Lindon, Ham, Tingley & Bojinov (2022), "Anytime-Valid Linear Models and Regression Adjusted Causal
    Inference". Checked against R avlm.
"""

import numpy as np
from scipy import optimize

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray


def _ratio(n: ArrayLike, tuning: ArrayLike) -> FloatArray:
    units, nu = np.asarray(n, dtype=float), np.asarray(tuning, dtype=float)
    if not (np.all(nu > 0.0) and np.all(units > 0.0)):
        raise StatisticsError("n and tuning must be positive")
    return np.asarray(nu / (nu + units))


def t_p_value(t: ArrayLike, df: ArrayLike, n: ArrayLike, tuning: ArrayLike) -> FloatArray:
    """Return the always-valid p-value of a t statistic.

    Args:
        t: Estimate over standard error.
        df: Residual degrees of freedom.
        n: Units in the regression.
        tuning: Tuning parameter in units, as in `steelyard.stats.always_valid`.

    Raises:
        StatisticsError: ``n`` or ``tuning`` is not positive.

    Examples:
        >>> round(float(t_p_value(-3.51871191020878, 29, 32, 1)), 6)
        0.033643
    """
    return f_p_value(np.asarray(t, dtype=float) ** 2, 1, df, n, tuning=tuning)


def f_p_value(
    f: ArrayLike, coefficients: ArrayLike, df: ArrayLike, n: ArrayLike, *, tuning: ArrayLike
) -> FloatArray:
    """Return the always-valid p-value of an F statistic.

    Args:
        f: F statistic.
        coefficients: Number of coefficients tested together.
        df: Residual degrees of freedom.
        n: Units in the regression.
        tuning: Tuning parameter in units.

    Raises:
        StatisticsError: ``n`` or ``tuning`` is not positive.

    Examples:
        >>> round(float(f_p_value(5.0, 2, 29, 32, tuning=5)), 4)
        0.1519
    """
    ratio, d, free = _ratio(n, tuning), np.asarray(coefficients, float), np.asarray(df, float)
    scaled = d * np.asarray(f, dtype=float) / free
    evidence = 0.5 * d * np.log(ratio) + 0.5 * (free + d) * (np.log1p(scaled) - np.log1p(ratio * scaled))
    return np.asarray(np.exp(np.minimum(0.0, -evidence)))


def t_critical_value(
    n: ArrayLike, coefficients: ArrayLike, tuning: ArrayLike, *, alpha: ArrayLike = 0.05
) -> FloatArray:
    """Return half the width of the confidence sequence of a coefficient in standard errors.

    Args:
        n: Units in the regression.
        coefficients: Number of coefficients fitted.
        tuning: Tuning parameter in units.
        alpha: Level.

    Returns:
        The critical value, infinite where the sample is still too small for any.

    Raises:
        StatisticsError: ``n``, ``tuning`` or the degrees of freedom are not positive, or ``alpha`` is outside
            (0, 1).

    Examples:
        >>> round(float(t_critical_value(32, 3, 2)), 4)
        3.2814
    """
    ratio, level = _ratio(n, tuning), np.asarray(alpha, dtype=float)
    free = np.asarray(n, dtype=float) - np.asarray(coefficients, dtype=float)
    if not np.all(free > 0.0):
        raise StatisticsError("no degrees of freedom are left", hint="fit fewer coefficients")
    if not np.all((level > 0.0) & (level < 1.0)):
        raise StatisticsError("alpha lies outside (0, 1)", hint="write 5 % as 0.05")
    growth = -(np.log(ratio) + 2.0 * np.log(level)) / (free + 1.0)
    room = -np.expm1(growth + np.log(ratio))
    with np.errstate(divide="ignore"):
        square = free * np.expm1(growth) / np.maximum(room, 0.0)
    return np.asarray(np.sqrt(square))


def t_optimal_tuning(n: int, coefficients: int, *, alpha: float = 0.05) -> float:
    """Return the tuning for which the confidence sequence of a coefficient is tightest at n units.

    Args:
        n: Units in the regression.
        coefficients: Number of coefficients fitted.
        alpha: Level.

    Raises:
        StatisticsError: No degrees of freedom are left, or ``alpha`` is outside (0, 1).

    Examples:
        >>> round(t_optimal_tuning(10_000, 5), 1)
        1217.2
    """
    found = optimize.minimize_scalar(
        lambda log_tuning: float(t_critical_value(n, coefficients, np.exp(log_tuning), alpha=alpha)),
        bounds=(np.log(n) - 20.0, np.log(n) + 5.0),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(np.exp(found.x))
