"""What to report when a group sequential test has stopped: p-value, estimate and interval without its bias.

Outcomes are ordered by stage: leaving above at an earlier look is more extreme than at a later one, whatever
the statistic. Only looks up to the one that stopped count, so the result does not depend on what was planned
after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, together
from steelyard.stats.group_sequential import Look
from steelyard.stats.gst_exit import exit_probabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class StagewiseResult:
    """A stopped test.

    Attributes:
        p_value: Two-sided (``sides=2``) or one-sided p-value of no effect.
        estimate: Median-unbiased estimate of the effect.
        ci_lower, ci_upper: Confidence limits, each missed with probability alpha / 2.
        alpha: Level of the interval.
    """

    p_value: float
    estimate: float
    ci_lower: float
    ci_upper: float
    alpha: float


def stagewise_tail(
    upper: ArrayLike,
    information: ArrayLike,
    statistic: ArrayLike,
    *,
    stopped: ArrayLike,
    effect: ArrayLike = 0.0,
    sides: int = 2,
) -> FloatArray:
    """Return P(an outcome at least as high in the stage-wise order) under an effect.

    At the true effect it is uniform on (0, 1), whatever the stopping rule made of the data.

    Args:
        upper: Upper bounds, broadcast to shape (designs, looks).
        information: Information at the looks, same shape.
        statistic: Z at the look that stopped, shape (designs,).
        stopped: Index of that look, shape (designs,).
        effect: Effect, shape (designs,).
        sides: 2 also stops at the mirrored bounds, 1 does not.

    Raises:
        StatisticsError: Information does not increase, or ``stopped`` is not one of the looks.

    References:
        Fairbanks & Madsen (1982), Biometrika 69, 69-74. Tsiatis, Rosner & Mehta (1984), Biometrics 40,
        797-803.

    Examples:
        >>> tail = stagewise_tail([[2.8, 1.98]], [[1.0, 2.0]], [2.9], stopped=[0])
        >>> tail.round(5).tolist()
        [0.00187]
    """
    z, last = np.atleast_1d(as_floats(statistic)), np.atleast_1d(np.asarray(stopped))
    bounds, looks, _ = together(upper, information, z[..., None])
    if bounds.ndim != 2:
        raise StatisticsError(f"looks of shape {bounds.shape}", hint="one row per test, one column per look")
    high, info, shape = bounds.copy(), looks.copy(), bounds.shape
    if not np.all((last >= 0) & (last < shape[1])):
        raise StatisticsError("the look that stopped is not one of the design's looks")
    info[np.arange(shape[1]) > last[:, None]] = np.nan
    low = -high if sides == 2 else np.full(shape, -np.inf)
    rows = np.arange(len(z))
    # Where the last look itself stops below does not matter: all that is asked is P(Z >= z) there.
    high[rows, last], low[rows, last] = z, -np.inf
    above, _ = exit_probabilities(high, info, lower=low, effect=effect)
    return np.asarray(above.sum(axis=1))


def stagewise(
    looks: Sequence[Look], statistic: float, *, alpha: float = 0.05, sides: int = 2
) -> StagewiseResult:
    """Return p-value, median-unbiased estimate and confidence interval of a stopped test.

    Args:
        looks: All looks up to and including the one that stopped.
        statistic: Z at the last of them, with the sign of the effect.
        alpha: Level of the interval.
        sides: 2, or 1 for a test that stops above only.

    Raises:
        StatisticsError: There is no look, the last one had no bound, or a value is out of range.

    References:
        See ``stagewise_tail``.

    Examples:
        >>> looks = [Look(information=100.0, fraction=0.5, alpha_spent=0.0031, bound=2.963)]
        >>> result = stagewise(looks, 3.0)
        >>> round(result.p_value, 5), round(result.estimate, 3)
        (0.0027, 0.3)
    """
    tested = [look for look in looks if look.bound is not None]
    if not tested or looks[-1].bound is None:
        raise StatisticsError(
            "the last look could not stop the test", hint="end the looks with the one that stopped it"
        )
    if sides not in (1, 2) or not 0.0 < alpha < 1.0 or not np.isfinite(statistic):
        raise StatisticsError(f"no stopped test has {sides} sides, alpha {alpha} and statistic {statistic}")
    upper = np.asarray([[look.bound for look in tested]], dtype=float)
    information = np.asarray([[look.information for look in tested]])
    scale = 1.0 / np.sqrt(information[0, -1])

    def tail(effect: float) -> float:
        found = stagewise_tail(
            upper, information, [statistic], stopped=[len(tested) - 1], effect=effect, sides=sides
        )
        return float(found[0])

    def solve(share: float) -> float:
        low, high = ((statistic + reach) * scale for reach in (-10.0, 10.0))
        while tail(low) > share:
            low -= 10.0 * scale
        while tail(high) < share:
            high += 10.0 * scale
        return float(optimize.brentq(lambda effect: tail(effect) - share, low, high, xtol=1e-10 * scale))

    one_sided = tail(0.0)
    return StagewiseResult(
        p_value=one_sided if sides == 1 else 2.0 * min(one_sided, 1.0 - one_sided),
        estimate=solve(0.5),
        ci_lower=solve(0.5 * alpha),
        ci_upper=solve(1.0 - 0.5 * alpha),
        alpha=alpha,
    )
