"""The constants of designs with equally spaced looks, and what peeking without any design costs."""

import numpy as np
from scipy import optimize, special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import FloatArray
from steelyard.stats.gst_exit import exit_probabilities, inflation_of_drift, required_drift

POCOCK = 0.5
"""Exponent of Wang and Tsiatis that gives Pocock's constant bounds."""

OBRIEN_FLEMING = 0.0
"""Exponent that gives O'Brien and Fleming's bounds, proportional to 1 / sqrt(look)."""


def classical_bounds(
    looks: int, *, exponent: float = OBRIEN_FLEMING, alpha: float = 0.05, sides: int = 2
) -> FloatArray:
    """Return the bounds of Wang and Tsiatis, c_K * (k / K) ** (exponent - 1/2), for equally spaced looks.

    Args:
        looks: Number of looks K; the last bound c_K is the constant of printed tables.
        exponent: ``POCOCK`` = 0.5, ``OBRIEN_FLEMING`` = 0 or anything between.
        alpha: Level, all looks and both sides together.
        sides: 2 or 1.

    Raises:
        StatisticsError: There is no look, ``alpha`` is outside (0, 0.5] or ``sides`` is not 1 or 2.

    References:
        Wang & Tsiatis (1987), Biometrics 43, 193-199. Checked against R gsDesign and rpact and against
        the tables of Jennison & Turnbull (2000), chapter 2.

    Examples:
        >>> classical_bounds(3).round(4).tolist()
        [3.4711, 2.4544, 2.004]
    """
    if looks < 1 or not 0.0 < alpha <= 0.5 or sides not in (1, 2):
        raise StatisticsError(f"no design has {looks} looks, {sides} sides and alpha {alpha}")
    shape = (np.arange(1, looks + 1) / looks) ** (exponent - 0.5)
    target = np.log(alpha / sides)
    low, high = -special.ndtri(alpha / sides), -special.ndtri(alpha / sides / looks) / shape.min()

    def excess(constant: float) -> float:
        return float(np.log(_crossed(constant * shape, sides)) - target)

    # One look crosses its own bound exactly alpha often; more looks only add to that.
    return shape * (low if looks == 1 else optimize.brentq(excess, low, high, xtol=1e-12))


def _crossed(bound: FloatArray, sides: int) -> float:
    info = np.arange(1, len(bound) + 1, dtype=float)
    above, _ = exit_probabilities(bound[None], info[None], lower=-bound[None] if sides == 2 else None)
    return float(above.sum())


def classical_inflation(
    looks: int,
    *,
    exponent: float = OBRIEN_FLEMING,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
) -> float:
    """Return the largest sample of a classical design relative to that of a fixed one.

    Args:
        looks: Number of equally spaced looks.
        exponent: See ``classical_bounds``.
        alpha: Level, all looks and both sides together.
        power: Probability of crossing the upper bound under the planned effect.
        sides: 2 or 1.

    Raises:
        StatisticsError: See ``classical_bounds``; ``power`` is not above the level and below 1.

    References:
        Jennison & Turnbull (2000), tables 2.2 and 2.4.

    Examples:
        >>> round(classical_inflation(5, exponent=POCOCK), 3)
        1.229
    """
    plan = classical_bounds(looks, exponent=exponent, alpha=alpha, sides=sides)
    needed = required_drift(plan.tolist(), list(range(1, looks + 1)), power=power, sides=sides)
    return inflation_of_drift(needed, alpha=alpha, power=power, sides=sides)


def naive_alpha(looks: int, *, alpha: float = 0.05) -> float:
    """Return how often an A/A test is called significant at some look when every look uses the fixed bound.

    Args:
        looks: Number of equally spaced looks.
        alpha: Two-sided level used at every look.

    Raises:
        StatisticsError: There is no look, or ``alpha`` is outside (0, 1).

    References:
        Armitage, McPherson & Rowe (1969), JRSS A 132, 235-244, table 2.

    Examples:
        >>> round(naive_alpha(5), 3)
        0.142
    """
    if looks < 1 or not 0.0 < alpha < 1.0:
        raise StatisticsError(f"no peeking with {looks} looks at alpha {alpha}")
    return 2.0 * _crossed(np.full(looks, -special.ndtri(alpha / 2.0)), sides=2)
