"""Bounds of many group sequential designs at once, look after look.

A design enters as a *chain*: the looks that can stop it, packed to the left. A look without a bound does not
constrain any path, so it is left out, and a chain is all that the recursion sees.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from steelyard.stats.arrays import FloatArray
from steelyard.stats.gst_recursion import (
    Grid,
    first_grid,
    next_grid,
    panel_width,
    solve_upper_bound,
)

_DESIGNS = 256  # designs that share a number of panels
_NODES = 1 << 16  # nodes of all designs of a block together: very fine designs do not impose on others
_LOG_NEGLIGIBLE = 40.0  # paths rarer than exp(-40) of the spend are left out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chains:
    """Designs as chains of looks that have a bound, shape (designs, looks) each.

    Attributes:
        information: Information, strictly increasing; anything beyond ``length``.
        log_spend: Log of the one-sided alpha that each look spends.
        bound: Bound where it is already known, NaN where it is to be solved, infinite beyond ``length``.
        length: Number of looks of each design, shape (designs,).
    """

    information: FloatArray
    log_spend: FloatArray
    bound: FloatArray
    length: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "Chains":
        """Return some of the designs."""
        return Chains(
            information=self.information[rows],
            log_spend=self.log_spend[rows],
            bound=self.bound[rows],
            length=self.length[rows],
        )


def step_of(information: FloatArray, look: int) -> tuple[FloatArray, FloatArray]:
    """Return the correlation with the look before and sqrt(1 - rho^2), without cancellation."""
    if look == 0:
        return np.zeros(len(information)), np.ones(len(information))
    before, now = information[:, look - 1], information[:, look]
    return np.sqrt(before / now), np.sqrt((now - before) / now)


def solve_chains(chains: Chains, *, sides: int) -> FloatArray:
    """Return the bounds of all looks, known ones untouched, shape (designs, looks).

    Args:
        chains: The designs.
        sides: 2 for the symmetric region (-c, c), 1 for (-inf, c).
    """
    solved = chains.bound.copy()
    for rows in blocks(chains.information, chains.length):
        solved[rows] = _solve_block(chains.take(rows), sides)
    return solved


def blocks(information: FloatArray, length: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of designs to treat together: like lengths and panel counts, longest first.

    Args:
        information: Information, shape (designs, looks), increasing within ``length``.
        length: Number of looks of each design.
    """
    inside = np.arange(1, information.shape[1]) < length[:, None]
    growth = np.ones(inside.shape)
    np.divide(np.diff(information), information[:, 1:], out=growth, where=inside)
    finest = np.min(growth, axis=1, initial=1.0)
    order = np.lexsort((finest, -length))
    nodes = 100.0 / np.sqrt(finest[order])
    start = 0
    while start < len(order):
        size = int(np.clip(_NODES // nodes[start : start + _DESIGNS].max(), 1, _DESIGNS))
        yield order[start : start + size]
        start += size


def _solve_block(chains: Chains, sides: int) -> FloatArray:
    bound = chains.bound.copy()
    grid: Grid | None = None
    for look in range(int(chains.length.max(initial=0))):
        live = int(np.sum(chains.length > look))  # longest first, so the live ones lead
        open_ = np.flatnonzero(np.isnan(bound[:live, look]))
        if look == 0:
            bound[open_, 0] = -special.ndtri_exp(chains.log_spend[open_, 0])
            continue
        if not open_.size and not np.isnan(bound[:live, look:]).any():
            continue
        grid = _advance(chains, bound, grid, look, live=live, sides=sides)
        if not open_.size:
            continue
        rho, sd = step_of(chains.information[open_], look)
        bound[open_, look] = solve_upper_bound(
            Grid(grid.nodes[open_], grid.mass[open_]),
            chains.log_spend[open_, look],
            bound[open_, look - 1],
            rho=rho,
            sd=sd,
            mean=np.zeros(len(open_)),
        )
    return bound


def _advance(
    chains: Chains, bound: FloatArray, grid: Grid | None, look: int, *, live: int, sides: int
) -> Grid:
    """Return the density at the look before ``look``, on panels fit for the step to ``look``."""
    information = chains.information[:live]
    rho, sd = step_of(information, look - 1)
    width = panel_width(sd, *step_of(information, look))
    reach = -special.ndtri_exp(chains.log_spend[:live, look] - _LOG_NEGLIGIBLE)
    upper = np.minimum(bound[:live, look - 1], reach)
    lower = -upper if sides == 2 else np.minimum(-reach, upper)
    if grid is None:
        return first_grid(lower, upper, width, np.zeros(live))
    return next_grid(
        grid.take(slice(0, live)),
        lower,
        upper,
        width,
        rho=rho,
        sd=sd,
        shift=np.zeros(live),
        symmetric=sides == 2,
    )
