"""The density of a sequential statistic that has not left its continuation region yet.

One `Grid` holds the sub-density of Z at the last look for many designs at once, on composite Gauss-Legendre
nodes. With rho = sqrt(I_{k-1} / I_k) and the canonical joint distribution, Z_k given Z_{k-1} = u is normal
with mean rho * u + drift_k - rho * drift_{k-1} and variance 1 - rho^2, so only the correlations of
neighbouring looks are needed.

References:
    Armitage, McPherson & Rowe (1969), JRSS A 132, 235-244.
    Jennison & Turnbull (2000), Group Sequential Methods, chapter 19.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from steelyard.stats.arrays import FloatArray

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
_SQRT_HALF = math.sqrt(0.5)
_CERTAIN = 25.0  # standard deviations
_BAND = 8.5  # the bridge between two looks has 2e-17 of its mass beyond this many standard deviations
_CHUNK = 1 << 17  # elements of one kernel block: well within a core's cache
_LOG_NEGLIGIBLE = 45.0  # sources that add less than exp(-45) of a tail are left out of it
_BLOCK = 120  # target nodes of one kernel block, a multiple of the nodes of a panel


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Sub-density of Z at one look.

    Attributes:
        nodes: Quadrature nodes, shape (designs, nodes), increasing along the last axis.
        mass: Quadrature weight times density, same shape.
    """

    nodes: FloatArray
    mass: FloatArray

    def take(self, rows: slice) -> "Grid":
        """Return the grid of some of the designs."""
        return Grid(self.nodes[rows], self.mass[rows])


def panel_width(sd_before: FloatArray, rho_after: FloatArray, sd_after: FloatArray) -> FloatArray:
    """Return panels that resolve both the density of this look and the step to the next."""
    # The density of this look bends on the scale of the last step, the step's kernel on sd / rho.
    return np.minimum(1.0, 3.0 * np.minimum(sd_before, sd_after / np.maximum(rho_after, 1e-6)))


def make_nodes(lower: FloatArray, upper: FloatArray, width: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights, shape (designs, nodes), on panels no wider than asked for.

    Designs of one batch share the number of panels.
    """
    length = np.maximum(upper - lower, 0.0)
    panels = max(1, math.ceil(float(np.max(length / width))))
    unit = ((np.arange(panels)[:, None] + 0.5 * (1.0 + _NODES)) / panels).ravel()
    weights = np.tile(_WEIGHTS, panels) / (2.0 * panels)
    return lower[:, None] + length[:, None] * unit, length[:, None] * weights


def first_grid(lower: FloatArray, upper: FloatArray, width: FloatArray, drift: FloatArray) -> Grid:
    """Return the density of the first look between its bounds.

    Args:
        lower: Where the grid begins, shape (designs,).
        upper: Where it ends.
        width: Widest panel allowed.
        drift: Mean of Z at this look.
    """
    nodes, weights = make_nodes(lower, upper, width)
    return Grid(nodes, weights * np.exp(-0.5 * (nodes - drift[:, None]) ** 2 - _LOG_SQRT_2PI))


def _blocks(shape: tuple[int, ...], sources: int) -> Iterator[tuple[slice, slice]]:
    designs, targets = shape
    rows = max(1, _CHUNK // (min(targets, _BLOCK) * sources))
    for row in range(0, designs, rows):
        for target in range(0, targets, _BLOCK):
            yield slice(row, row + rows), slice(target, target + _BLOCK)


def next_grid(
    grid: Grid,
    lower: FloatArray,
    upper: FloatArray,
    width: FloatArray,
    *,
    rho: FloatArray,
    sd: FloatArray,
    shift: FloatArray,
    symmetric: bool = False,
) -> Grid:
    """Return the density of the next look between its bounds.

    Args:
        grid: Density at the look before.
        lower: Where the new grid begins, shape (designs,).
        upper: Where it ends.
        width: Widest panel allowed.
        rho: Correlation of the two looks.
        sd: sqrt(1 - rho^2), computed without cancellation.
        shift: Mean of Z_k - rho * Z_{k-1}.
        symmetric: Both densities are even functions, so that half of the work suffices.
    """
    nodes, weights = make_nodes(lower, upper, width)
    half = nodes.shape[1] // 2 if symmetric else 0
    right = _propagate(grid, nodes[:, half:], rho, sd, shift)
    density = np.hstack([right[:, ::-1], right]) if symmetric else right
    return Grid(nodes, weights * density / (sd[:, None] * math.sqrt(2.0 * math.pi)))


def _propagate(
    grid: Grid, nodes: FloatArray, rho: FloatArray, sd: FloatArray, shift: FloatArray
) -> FloatArray:
    density = np.empty_like(nodes)
    space = np.empty(0)
    for rows, columns in _blocks(nodes.shape, grid.nodes.shape[1]):
        target, source = nodes[rows, columns], grid.nodes[rows]
        r, s = rho[rows, None], sd[rows, None]
        reach = np.clip(r * target[:, [0, -1]], source[:, :1], source[:, -1:]) + _BAND * s * [-1.0, 1.0]
        first = int(np.count_nonzero(source < reach[:, :1], axis=1).min())
        last = int(np.count_nonzero(source < reach[:, 1:], axis=1).max())
        step = (r * source[:, first:last] + shift[rows, None]) / s
        shape = (*target.shape, last - first)
        if space.size < math.prod(shape):
            space = np.empty(math.prod(shape))
        kernel = space[: math.prod(shape)].reshape(shape)
        np.subtract((target / s)[:, :, None], step[:, None, :], out=kernel)
        np.multiply(kernel, kernel, out=kernel)
        kernel *= -0.5
        np.exp(kernel, out=kernel)
        density[rows, columns] = np.matmul(kernel, grid.mass[rows, first:last, None])[:, :, 0]
    return density


def log_upper_tail(
    grid: Grid, bound: FloatArray, *, rho: FloatArray, sd: FloatArray, shift: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return log P(still running, Z_k > bound) and minus its derivative in the bound.

    Args:
        grid: Density at the look before.
        bound: Bound of this look, shape (designs,).
        rho: Correlation of the two looks.
        sd: sqrt(1 - rho^2).
        shift: Mean of Z_k - rho * Z_{k-1}.
    """
    with np.errstate(divide="ignore"):
        log_mass = np.log(grid.mass)
    distance = ((bound - shift)[:, None] - rho[:, None] * grid.nodes) / sd[:, None]
    terms = log_mass + special.log_ndtr(-distance)
    top = np.max(terms, axis=1)
    total = np.sum(np.exp(terms - top[:, None]), axis=1)
    slopes = log_mass - 0.5 * distance**2 - _LOG_SQRT_2PI - top[:, None]
    return top + np.log(total), np.sum(np.exp(slopes), axis=1) / (sd * total)


def _tail_and_slope(
    distance: FloatArray, log_mass: FloatArray, sd: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what `log_upper_tail` does but for rounding, and by how much the slope grows along the bound.

    The growth is relative: minus the second derivative of the log tail over its slope.
    """
    # Below it the tail is 1 and its slope 0 to all digits, and the scaled tail would overflow.
    near = np.maximum(distance, -_CERTAIN)
    density = log_mass - 0.5 * near**2
    top = np.max(density, axis=1)
    density -= top[:, None]
    # Nodes further below than these add nothing; the scaled tail is what takes time.
    first = int(np.argmax(np.max(density, axis=0) > -_LOG_NEGLIGIBLE))
    near, density = near[:, first:], np.exp(density[:, first:])
    total = 0.5 * np.einsum("ij,ij->i", density, special.erfcx(near * _SQRT_HALF))
    whole = np.sum(density, axis=1)
    slope = whole / (math.sqrt(2.0 * math.pi) * sd * total)
    return top + np.log(total), slope, slope - np.einsum("ij,ij->i", density, near) / (sd * whole)


def solve_upper_bound(
    grid: Grid, log_target: FloatArray, edge: FloatArray, *, rho: FloatArray, sd: FloatArray, mean: FloatArray
) -> FloatArray:
    """Return the bound that the running process exceeds with the probability asked for.

    Halley's method on the log probability: it is concave in the bound (a log-concave density over a convex
    region), so a step of Newton's from above the root stays above it. No step is longer than two of those, and
    from below the root one of Newton's leads above it.

    Args:
        grid: Density at the look before.
        log_target: Log of the probability, shape (designs,).
        edge: Upper bound of the look before: no path is above it.
        rho: Correlation of the two looks.
        sd: sqrt(1 - rho^2).
        mean: Mean of Z_k.
    """
    with np.errstate(divide="ignore"):
        log_mass = np.log(grid.mass)
    quantile, shift = -special.ndtri_exp(log_target), mean * sd**2
    bound = np.minimum(mean + quantile, rho * edge + shift + sd * quantile)
    for _ in range(100):
        distance = ((bound - shift)[:, None] - rho[:, None] * grid.nodes) / sd[:, None]
        log_tail, slope, growth = _tail_and_slope(distance, log_mass, sd)
        newton = (log_target - log_tail) / slope
        step = newton / (1.0 - np.clip(0.5 * newton * growth, 0.0, 0.5))
        bound = bound - step
        if np.all(np.abs(step) <= 1e-5 * sd):  # the error left is of the order of its cube over sd squared
            break
    return bound
