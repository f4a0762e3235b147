"""How much of alpha may be used by a given fraction of the planned experiment.

Everything is computed on the log scale, so that an early look of a corrected alpha keeps all its digits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray


def _power(log_alpha: FloatArray, fraction: FloatArray, rho: float) -> FloatArray:
    return log_alpha + rho * np.log(fraction)


def _obrien_fleming(log_alpha: FloatArray, fraction: FloatArray, _: float) -> FloatArray:
    z = -special.ndtri_exp(log_alpha - math.log(2.0))
    return math.log(2.0) + special.log_ndtr(-z / np.sqrt(fraction))


def _pocock(log_alpha: FloatArray, fraction: FloatArray, _: float) -> FloatArray:
    return log_alpha + np.log(np.log1p(math.expm1(1.0) * fraction))


def _hwang_shih_decani(log_alpha: FloatArray, fraction: FloatArray, gamma: float) -> FloatArray:
    if gamma == 0.0:
        return log_alpha + np.log(fraction)
    share = np.log(-np.expm1(-abs(gamma) * fraction)) - math.log(-math.expm1(-abs(gamma)))
    # With a negative gamma the ratio of two huge exponentials is kept as their difference.
    return log_alpha + share + min(gamma, 0.0) * (1.0 - fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingFunction:
    """A family of spending functions.

    Attributes:
        log_spend: Maps log alpha, fractions in (0, 1] and the parameter to the log of the alpha spent.
        default: The parameter where none is given; ``None`` where the family has no parameter.
        lowest: The parameter must be greater than this.
    """

    log_spend: Callable[[FloatArray, FloatArray, float], FloatArray]
    default: float | None = None
    lowest: float = -math.inf


SPENDING: MappingProxyType[str, SpendingFunction] = MappingProxyType(
    {
        "power": SpendingFunction(log_spend=_power, default=2.0, lowest=0.0),
        "obrien_fleming": SpendingFunction(log_spend=_obrien_fleming),
        "pocock": SpendingFunction(log_spend=_pocock),
        "hwang_shih_decani": SpendingFunction(log_spend=_hwang_shih_decani, default=-4.0),
    }
)


def resolve_spending(spending: str, parameter: float | None = None) -> tuple[SpendingFunction, float]:
    """Return a spending family and its parameter, checked.

    Args:
        spending: A key of ``SPENDING``.
        parameter: rho > 0 of ``power`` (default 2), gamma of ``hwang_shih_decani`` (default -4).

    Raises:
        StatisticsError: The name is unknown, or the parameter does not fit the family.
    """
    if spending not in SPENDING:
        raise StatisticsError(
            f"unknown spending function {spending!r}", hint=f"choose one of {', '.join(SPENDING)}"
        )
    family = SPENDING[spending]
    if family.default is None:
        if parameter is not None:
            raise StatisticsError(f"spending function {spending!r} has no parameter", hint="leave it out")
        return family, 0.0
    value = family.default if parameter is None else float(parameter)
    if not (math.isfinite(value) and value > family.lowest):
        raise StatisticsError(
            f"parameter {value} of spending function {spending!r} is out of range",
            hint="power takes rho > 0, hwang_shih_decani any finite gamma",
        )
    return family, value


def log_spend(
    fractions: ArrayLike, log_alpha: ArrayLike, spending: str = "power", parameter: float | None = None
) -> FloatArray:
    """Return the natural log of the one-sided alpha spent by each fraction.

    Args:
        fractions: Share of the planned sample, broadcast against ``log_alpha``. Values above 1 count as
            1 (everything is spent); at 0 or below nothing is spent (-inf).
        log_alpha: Natural log of the one-sided level.
        spending: A key of ``SPENDING``.
        parameter: See ``resolve_spending``.

    Raises:
        StatisticsError: The spending function is unknown or its parameter does not fit.

    References:
        Lan & DeMets (1983), Biometrika 70, 659-663. Kim & DeMets (1987), Biometrika 74, 149-154.
        Hwang, Shih & DeCani (1990), Statistics in Medicine 9, 1439-1445.

    Examples:
        >>> float(log_spend(0.5, -1000.0))
        -1001.3862943611199
    """
    family, value = resolve_spending(spending, parameter)
    clock = np.minimum(np.asarray(fractions, dtype=float), 1.0)
    level = np.asarray(log_alpha, dtype=float)
    spent = family.log_spend(level, np.where(clock > 0.0, clock, 1.0), value)
    # At the end the level itself, to the last bit: nothing may be left over for a later look.
    return np.where(clock >= 1.0, level, np.where(clock > 0.0, spent, -np.inf))


def spend(
    fractions: ArrayLike, alpha: ArrayLike, spending: str = "power", parameter: float | None = None
) -> FloatArray:
    """Return the one-sided alpha spent by each fraction of the planned sample.

    A symmetric two-sided design spends two one-sided halves: pass ``alpha / 2`` and double the result.

    Args:
        fractions: Share of the planned sample; above 1 counts as 1, at 0 or below spends nothing.
        alpha: One-sided level in (0, 1), broadcast against ``fractions``.
        spending: A key of ``SPENDING``.
        parameter: See ``resolve_spending``.

    Raises:
        StatisticsError: ``alpha`` is outside (0, 1), or the spending function does not fit.

    References:
        See ``log_spend``. Checked against 40-digit arithmetic.

    Examples:
        >>> spend([0.25, 0.5, 1.0], 0.05).round(12).tolist()
        [0.003125, 0.0125, 0.05]
    """
    level = np.asarray(alpha, dtype=float)
    if not np.all((level > 0.0) & (level < 1.0)):
        raise StatisticsError("alpha lies outside (0, 1)", hint="write 5 % as 0.05")
    spent = np.exp(log_spend(fractions, np.log(level), spending, parameter))
    return np.where(np.asarray(fractions, dtype=float) >= 1.0, level, spent)
