"""p-values, critical values and their scales, from survival functions only.

``df`` is the number of degrees of freedom of Student's t; infinity is the normal distribution. Statistics
that are NaN give NaN.
"""

from typing import cast

import numpy as np
import numpy.typing as npt
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import Alternative, ArrayLike, FloatArray, as_floats, together

SIGNS = {"two-sided": 0, "greater": 1, "less": -1}
_LAGUERRE_NODES, _LAGUERRE_WEIGHTS = np.polynomial.laguerre.laggauss(40)
_UNDERFLOW = 1e-250
LARGEST_STATISTIC = 1e150
"""Its square is the largest that floats hold with room to spare; beyond, the logarithm of p stays as it is
here."""


def signs(alternative: Alternative | ArrayLike) -> npt.NDArray[np.int64]:
    """Return 0 for two-sided, 1 for greater and -1 for less.

    Raises:
        StatisticsError: Any other word.
    """
    words = np.asarray(alternative, dtype=object)
    unknown = sorted({str(word) for word in words.ravel()} - set(SIGNS))
    if unknown:
        raise StatisticsError(
            f"unknown alternative {unknown[0]!r}", hint="use 'two-sided', 'greater' or 'less'"
        )
    return np.asarray([SIGNS[word] for word in words.ravel()], dtype=np.int64).reshape(words.shape)


def evidence(statistic: ArrayLike, alternative: Alternative | ArrayLike = "two-sided") -> FloatArray:
    """Turn statistics so that large values speak against the null hypothesis."""
    sign, value = signs(alternative), as_floats(statistic)
    return np.where(sign == 0, np.abs(value), sign * value)


def survival(statistic: ArrayLike, df: ArrayLike = np.inf) -> FloatArray:
    """Probability of a value above the statistic; keeps its digits down to 1e-300."""
    return special.stdtr(as_floats(df), -as_floats(statistic))


def p_value(
    statistic: ArrayLike, df: ArrayLike = np.inf, alternative: Alternative | ArrayLike = "two-sided"
) -> FloatArray:
    """p-value of a t statistic (or z, with infinite ``df``).

    Args:
        statistic: t or z, any shape.
        df: Degrees of freedom; infinite for z.
        alternative: ``two-sided``, ``greater`` or ``less``, one word or one per cell.

    Raises:
        StatisticsError: An alternative is none of the three.

    References:
        Student (1908), Biometrika 6. Checked against SciPy and 40-digit arithmetic.

    Examples:
        >>> f"{float(p_value(10.0)):.6e}"
        '1.523971e-23'
        >>> round(float(p_value(2.5, df=7.3, alternative="greater")), 6)
        0.019825
    """
    tails = np.where(signs(alternative) == 0, 2.0, 1.0)
    return np.asarray(tails * survival(evidence(statistic, alternative), df))


def log10_p_value(
    statistic: ArrayLike, df: ArrayLike = np.inf, alternative: Alternative | ArrayLike = "two-sided"
) -> FloatArray:
    """Decimal logarithm of the p-value, finite for statistics up to 1e150.

    Args:
        statistic: t or z, any shape.
        df: Degrees of freedom; infinite for z.
        alternative: ``two-sided``, ``greater`` or ``less``, one word or one per cell.

    Raises:
        StatisticsError: An alternative is none of the three.

    References:
        Abramowitz & Stegun (1964), 26.2.12, for the tail. Checked against 40-digit arithmetic.

    Examples:
        >>> round(float(log10_p_value(1000.0)), 4)
        -217150.339
    """
    value, freedom = together(evidence(statistic, alternative), df)
    p = survival(value, freedom)
    with np.errstate(divide="ignore"):
        answer = np.array(np.log(p))
    tiny = p < _UNDERFLOW
    if tiny.any():
        answer[tiny] = _log_survival(value[tiny], freedom[tiny])
    return np.asarray((answer + np.where(signs(alternative) == 0, np.log(2), 0.0)) / np.log(10))


def critical_value(
    alpha: ArrayLike, df: ArrayLike = np.inf, alternative: Alternative | ArrayLike = "two-sided"
) -> FloatArray:
    """Value that the evidence must reach at level ``alpha``.

    Args:
        alpha: Level, one number or one per cell.
        df: Degrees of freedom; infinite for the normal distribution.
        alternative: ``two-sided``, ``greater`` or ``less``, one word or one per cell.

    Raises:
        StatisticsError: A level is not between 0 and 1.

    References:
        Student (1908), Biometrika 6. Checked against SciPy ``t.isf`` and ``norm.isf``.

    Examples:
        >>> round(float(critical_value(0.05)), 4)
        1.96
    """
    level = as_floats(alpha)
    if not np.all((level > 0) & (level < 1)):
        raise StatisticsError("alpha must lie between 0 and 1", hint="0.05 means five percent")
    tail = np.where(signs(alternative) == 0, level / 2, level)
    return cast(FloatArray, -special.stdtrit(as_floats(df), tail))


def z_score(statistic: ArrayLike, df: ArrayLike) -> FloatArray:
    """Normal value with the same tail probability as a t statistic, for tests whose bounds are normal.

    Examples:
        >>> round(float(z_score(2.5, df=7.3)), 4)
        2.0574
    """
    value, freedom = together(statistic, df)
    with np.errstate(divide="ignore"):
        log_tail = np.array(np.log(survival(np.abs(value), freedom)))
    deep = log_tail < np.log(_UNDERFLOW)
    if deep.any():
        log_tail[deep] = _log_survival(np.abs(value[deep]), freedom[deep])
    return np.where(np.isinf(freedom), value, -np.sign(value) * special.ndtri_exp(log_tail))


def _log_survival(t: FloatArray, df: FloatArray) -> FloatArray:
    """Natural logarithm of the upper tail, for t so large that the tail underflows.

    With ``s = (df/2) log((df + u²)/(df + t²))`` the integral of the density from t is
    ``density(t) (df + t²)/df`` times the integral of ``exp(-s) (t² - df expm1(-2s/df))^-½``, in which
    the second factor is nearly constant: Gauss-Laguerre is exact to rounding.
    """
    normal = np.isinf(df)
    nu = np.where(normal, 1.0, df)
    t = np.minimum(t, LARGEST_STATISTIC)
    inside = t[..., None] ** 2 - nu[..., None] * np.expm1(-2 * _LAGUERRE_NODES / nu[..., None])
    integral = (_LAGUERRE_WEIGHTS / np.sqrt(inside)).sum(axis=-1)
    # log Gamma((nu+1)/2) - log Gamma(nu/2) loses digits by cancellation; the series is exact from nu = 1e4.
    exact = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2)
    ratio = np.where(nu < 1e4, exact, np.log(nu / 2) / 2 - 1 / (4 * nu) + 1 / (24 * nu**3))
    density = ratio - np.log(nu * np.pi) / 2 - (nu + 1) / 2 * np.log1p(t**2 / nu)
    return np.where(normal, special.log_ndtr(-t), density + np.log1p(t**2 / nu) + np.log(integral))
