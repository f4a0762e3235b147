"""How likely a group sequential design is to stop at each look, under any effect."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, together
from steelyard.stats.group_sequential import bounds
from steelyard.stats.gst_chain import blocks, step_of
from steelyard.stats.gst_recursion import Grid, first_grid, log_upper_tail, next_grid, panel_width

_REACH = 9.0


def exit_probabilities(
    upper: ArrayLike,
    information: ArrayLike,
    *,
    lower: ArrayLike | None = None,
    effect: ArrayLike = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Return the probabilities of leaving above and below at each look, not having left before.

    Args:
        upper: Upper bounds of Z, broadcast to shape (designs, looks); infinite where there is none.
        information: 1 / Var(effect) at the looks, strictly increasing; NaN after the last look of a design.
        lower: Lower bounds, shape as ``upper``; none by default. A symmetric design passes ``-upper``.
        effect: True effect, in the unit of which ``information`` is the inverse variance, shape (designs,).

    Returns:
        P(exit above) and P(exit below), shape (designs, looks) each; 0 where a design has no look.

    Raises:
        StatisticsError: The information of a design does not increase, or its bounds are in the wrong order.

    References:
        Jennison & Turnbull (2000), chapter 19. Checked against R gsDesign and against multivariate normal
        integration.

    Examples:
        >>> above, below = exit_probabilities([[2.18, 2.18]], [[1.0, 2.0]], lower=[[-2.18, -2.18]])
        >>> round(float((above + below).sum()), 3)
        0.05
    """
    *bounds, theta = together(
        np.atleast_2d(as_floats(information)),
        upper,
        -np.inf if lower is None else lower,
        as_floats(effect)[..., None],
    )
    if theta.ndim != 2:
        raise StatisticsError(f"looks of shape {theta.shape}", hint="one row per design, one column per look")
    info, high, low = (one.copy() for one in bounds)
    shape, theta = theta.shape, theta[:, 0]
    length = np.sum(np.isfinite(info), axis=1)
    _check(info, low, high, length)
    above, below = np.zeros(shape), np.zeros(shape)
    for rows in blocks(info, length):
        above[rows], below[rows] = _exit_block(info[rows], low[rows], high[rows], theta[rows])
    return above, below


def _check(information: FloatArray, lower: FloatArray, upper: FloatArray, length: NDArray[np.int64]) -> None:
    inside = np.arange(information.shape[1]) < length[:, None]
    before = np.column_stack([np.zeros(len(information)), information[:, :-1]])
    if not np.all(np.where(inside, information > before, np.isnan(information))):
        raise StatisticsError(
            "information does not increase from look to look", hint="leave out looks without new information"
        )
    if not np.all(np.where(inside, lower <= upper, True)):
        raise StatisticsError("a lower bound lies above the upper bound of the same look, or is missing")


def _exit_block(
    information: FloatArray, lower: FloatArray, upper: FloatArray, effect: FloatArray
) -> tuple[FloatArray, FloatArray]:
    above, below = np.zeros(information.shape), np.zeros(information.shape)
    grid: Grid | None = None
    live = np.isfinite(information).sum(axis=0)
    for look in range(int(np.sum(live > 0))):
        n = int(live[look])
        drift = effect[:n] * np.sqrt(information[:n, look])
        if look == 0:
            above[:n, 0] = special.ndtr(drift - upper[:n, 0])
            below[:n, 0] = special.ndtr(lower[:n, 0] - drift)
            continue
        grid = running_density(information[:n], (lower[:n], upper[:n]), effect[:n], grid, look)
        rho, sd = step_of(information[:n], look)
        shift = drift * sd**2
        above[:n, look] = _tail(grid, upper[:n, look], rho, sd, shift)
        below[:n, look] = _tail(Grid(-grid.nodes, grid.mass), -lower[:n, look], rho, sd, -shift)
    return above, below


def _tail(grid: Grid, bound: FloatArray, rho: FloatArray, sd: FloatArray, shift: FloatArray) -> FloatArray:
    some = np.isfinite(bound) & (grid.mass.sum(axis=1) > 0.0)
    tail = np.zeros(len(bound))
    tail[bound == -np.inf] = grid.mass.sum(axis=1)[bound == -np.inf]
    if some.any():
        part = Grid(grid.nodes[some], grid.mass[some])
        log_tail, _ = log_upper_tail(part, bound[some], rho=rho[some], sd=sd[some], shift=shift[some])
        tail[some] = np.exp(log_tail)
    return tail


def running_density(
    information: FloatArray,
    region: tuple[FloatArray, FloatArray],
    effect: FloatArray,
    grid: Grid | None,
    look: int,
) -> Grid:
    """Return the density at the look before ``look`` of the paths that are still running there.

    Args:
        information: Information of the looks, shape (designs, looks).
        region: Lower and upper bounds, same shape.
        effect: True effect, shape (designs,).
        grid: The density one look earlier; ``None`` for the first.
        look: The look about to be taken, at least 1.
    """
    rho, sd = step_of(information, look - 1)
    drift = effect * np.sqrt(information[:, look - 1])
    upper = np.minimum(region[1][:, look - 1], drift + _REACH)
    lower = np.minimum(np.maximum(region[0][:, look - 1], drift - _REACH), upper)
    width = panel_width(sd, *step_of(information, look))
    if grid is None:
        return first_grid(lower, upper, width, drift)
    return next_grid(
        grid.take(slice(0, len(upper))), lower, upper, width, rho=rho, sd=sd, shift=drift * sd**2
    )


def required_drift(
    upper: Sequence[float], information: Sequence[float], *, power: float, sides: int = 2
) -> float:
    """Return effect * sqrt(last information) at which the upper bound is crossed with the power asked for.

    Args:
        upper: Upper bounds; infinite where a look has none.
        information: Information at the looks, any unit.
        power: Probability of crossing the upper bound at some look, between the level and 1.
        sides: 2 also stops below the mirrored bounds, 1 does not.

    Raises:
        StatisticsError: ``power`` is not between the probability without an effect and 1.

    References:
        Jennison & Turnbull (2000), Group Sequential Methods, section 7.2. Checked against R gsDesign and rpact.

    Examples:
        >>> round(required_drift([1.959963984540054], [1.0], power=0.8), 4)
        2.8016
    """
    share = np.asarray(information, dtype=float) / information[-1]
    high = np.asarray(upper, dtype=float)[None]
    low = -high if sides == 2 else None

    def crossed(effect: float) -> float:
        above, _ = exit_probabilities(high, share[None], lower=low, effect=effect)
        return float(above.sum())

    if not crossed(0.0) < power < 1.0:
        raise StatisticsError(f"power {power} is not above the level and below 1")
    largest = 1.0
    while crossed(largest) < power:
        largest *= 2.0
    return float(optimize.brentq(lambda effect: crossed(effect) - power, 0.0, largest, xtol=1e-12))


def inflation(
    fractions: Sequence[float],
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
    spending: str = "power",
    parameter: float | None = None,
) -> float:
    """Return the largest sample of a group sequential design relative to that of a fixed one.

    Args:
        fractions: Planned looks as shares of the planned sample; the last is 1.
        alpha: Level, all looks and both sides together.
        power: Probability of crossing the upper bound under the planned effect.
        sides: 2 or 1.
        spending: A key of ``SPENDING``.
        parameter: Parameter of the spending function.

    Raises:
        StatisticsError: A value is outside its range, or the last fraction is not 1.

    References:
        Jennison & Turnbull (2000), section 7.3. Checked against R gsDesign and rpact.

    Examples:
        >>> round(inflation([0.2, 0.4, 0.6, 0.8, 1.0], spending="obrien_fleming"), 4)
        1.0247
    """
    if not fractions or fractions[-1] != 1.0:
        raise StatisticsError("the last planned look is not at fraction 1")
    plan = bounds(fractions, fractions, alpha=alpha, sides=sides, spending=spending, parameter=parameter)
    tested = [look for look in plan if look.bound is not None]
    needed = required_drift(
        [math.inf if look.bound is None else look.bound for look in tested],
        [look.information for look in tested],
        power=power,
        sides=sides,
    )
    return inflation_of_drift(needed, alpha=alpha, power=power, sides=sides)


def inflation_of_drift(drift: float, *, alpha: float, power: float, sides: int) -> float:
    """Return the sample relative to a fixed design whose test needs this drift for its power."""
    fixed = special.ndtri(power) - special.ndtri(alpha / sides)
    return float((drift / fixed) ** 2)
