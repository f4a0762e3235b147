"""Bounds below which a one-sided test has little hope left.

They are non-binding: the efficacy bounds are those of a design without them, so that going on in spite of
them costs no error of the first kind. They inform a decision to stop; they are no part of a claim.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import FloatArray, as_floats
from steelyard.stats.group_sequential import bounds
from steelyard.stats.gst_chain import step_of
from steelyard.stats.gst_exit import inflation_of_drift, running_density
from steelyard.stats.gst_ledger import LEAST_SPEND
from steelyard.stats.gst_recursion import Grid, solve_upper_bound
from steelyard.stats.spending import spend


@dataclass(frozen=True, slots=True, kw_only=True)
class FutilityDesign:
    """A one-sided design with non-binding futility bounds.

    Attributes:
        upper: Efficacy bounds, ``None`` where a look cannot reject.
        lower: Futility bounds, ``None`` where a look has none; the last is the efficacy bound.
        drift: effect * sqrt(last information) at which the power is reached.
        inflation: Largest sample relative to a fixed design with the same level and power.
    """

    upper: tuple[float | None, ...]
    lower: tuple[float | None, ...]
    drift: float
    inflation: float


def futility_design(
    fractions: Sequence[float],
    *,
    alpha: float = 0.025,
    power: float = 0.8,
    spending: str = "power",
    parameter: float | None = None,
    futility_spending: str = "hwang_shih_decani",
    futility_parameter: float | None = None,
) -> FutilityDesign:
    """Return a one-sided design whose futility bounds spend the error of the second kind.

    Args:
        fractions: Planned looks as shares of the planned sample and of its information; the last is 1.
        alpha: One-sided level.
        power: Power when the futility bounds are obeyed.
        spending: Spending function of alpha, a key of ``SPENDING``.
        parameter: Its parameter.
        futility_spending: Spending function of 1 - power.
        futility_parameter: Its parameter.

    Raises:
        StatisticsError: The fractions do not increase to 1, another value is outside its range, or so much
            of the error of the second kind is spent early that nothing is left to look at later.

    References:
        Pampallona, Tsiatis & Kim (2001), Drug Information Journal 35, 1113-1121. Checked against R gsDesign
        (``test.type=4``).

    Examples:
        >>> plan = futility_design([0.5, 1.0], spending="obrien_fleming", power=0.9, futility_parameter=-2)
        >>> [round(bound, 3) for bound in plan.lower]
        [0.406, 1.969]
    """
    shares = as_floats(fractions)
    if not (
        shares.ndim == 1
        and len(shares)
        and shares[0] > 0.0
        and shares[-1] == 1.0
        and np.all(np.diff(shares) > 0.0)
    ):
        raise StatisticsError("planned looks do not increase to fraction 1")
    if not alpha < power < 1.0:
        raise StatisticsError(f"power {power} is not above the level and below 1")
    plan = bounds(fractions, fractions, alpha=alpha, sides=1, spending=spending, parameter=parameter)
    upper = np.asarray([math.inf if look.bound is None else look.bound for look in plan])
    beta = 1.0 - power
    spent = np.diff(spend(shares, beta, futility_spending, futility_parameter), prepend=0.0)

    def slack(drift: float) -> float:
        return _lower_bounds(shares, upper, spent, drift)[1]

    fixed = float(special.ndtri(power) - special.ndtri(alpha))
    high = 1.2 * fixed
    while slack(high) > 0.0:
        high *= 1.2
    drift = float(optimize.brentq(slack, 0.5 * fixed, high, xtol=1e-11))
    lower, left = _lower_bounds(shares, upper, spent, drift)
    if abs(left) > 1e-6 or not math.isfinite(lower[-1]):
        raise StatisticsError(
            "the futility bound of an early look reaches its efficacy bound: no later look would be taken",
            hint="spend the error of the second kind later, or plan fewer looks",
        )
    return FutilityDesign(
        upper=tuple(look.bound for look in plan),
        lower=(*(float(a) if math.isfinite(a) else None for a in lower[:-1]), plan[-1].bound),
        drift=drift,
        inflation=inflation_of_drift(drift, alpha=alpha, power=power, sides=1),
    )


def _lower_bounds(
    shares: FloatArray, upper: FloatArray, spent: FloatArray, drift: float
) -> tuple[FloatArray, float]:
    """Return the futility bounds under a drift, and how far the last one is below the efficacy bound.

    The distance is positive if the drift is too small. If it is so large that an earlier look cannot spend
    its share below the efficacy bound, the distance is negative.
    """
    lower = np.full(len(shares), -np.inf)
    grid: Grid | None = None
    effect, information = np.asarray([drift]), shares[None]
    for look in range(len(shares)):
        mean = effect * np.sqrt(shares[look])
        if look:
            grid = running_density(information, (lower[None], upper[None]), effect, grid, look)
            if grid.mass.sum() <= spent[look]:
                return lower, -1.0
        if spent[look] >= LEAST_SPEND:
            lower[look] = _lower_bound(grid, spent[look], lower[look - 1], mean, step_of(information, look))
        if lower[look] >= upper[look]:
            return lower, float(upper[look] - lower[look])
    return lower, float(upper[-1] - lower[-1])


def _lower_bound(
    grid: Grid | None, spent: float, before: float, mean: FloatArray, step: tuple[FloatArray, FloatArray]
) -> float:
    """Return the bound below which the running process falls with a probability: the upper one, mirrored."""
    log_target = np.log(np.asarray([spent]))
    if grid is None:
        return float((mean + special.ndtri_exp(log_target))[0])
    mirrored = Grid(-grid.nodes, grid.mass)
    edge = np.asarray([-before])
    return -float(solve_upper_bound(mirrored, log_target, edge, rho=step[0], sd=step[1], mean=-mean)[0])
