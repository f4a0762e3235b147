"""Group sequential bounds when successive looks do not have independent increments.

A metric that keeps growing after a unit has entered gives looks whose correlation is not sqrt(I_j / I_k).
With the covariance of successive scores from the warehouse the true correlation is known, and bounds follow
from multivariate normal probabilities of paths that stay inside.
"""

import math
from collections.abc import Sequence

import numpy as np
import scipy
from scipy import optimize, special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats
from steelyard.stats.gst_ledger import LEAST_SPEND

_LOG2_POINTS = 13
_LEAST_VARIANCE = 1e-9  # of a look given those before: below, it tells nothing new
_JITTER = 1e-10  # keeps the factor of nearly equal looks real


def score_correlation(covariance: ArrayLike) -> FloatArray:
    """Return the correlation of the looks from the covariance matrix of their effects.

    Args:
        covariance: Cov(effect_j, effect_k), shape (looks, looks).

    Raises:
        StatisticsError: The matrix is not symmetric or a variance is not positive.

    References:
        Ankargren, Frånberg & Schultzberg (2023), Spotify Engineering, "Bringing Sequential Testing to Experiments
            with Longitudinal Data".

    Examples:
        >>> score_correlation([[4.0, 1.0], [1.0, 1.0]]).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """
    matrix = as_floats(covariance)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.all(np.isfinite(matrix)):
        raise StatisticsError(f"a covariance matrix of looks has shape {matrix.shape} or values missing")
    scale = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    if not np.all(scale > 0.0) or not np.allclose(matrix, matrix.T, rtol=1e-9, atol=0.0):
        raise StatisticsError("a covariance matrix of looks is not symmetric with positive variances")
    correlation = matrix / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(0.5 * (correlation + correlation.T))


def bounds_from_correlation(
    correlation: ArrayLike,
    alpha_spent: Sequence[float],
    *,
    sides: int = 2,
    persisted: Sequence[float | None] = (),
) -> tuple[float | None, ...]:
    """Return the bounds of new looks under any correlation of the looks, given those on record.

    Args:
        correlation: Correlation of all looks, those on record first, shape (looks, looks); only what looks up
            to k have in common matters for look k.
        alpha_spent: Cumulative alpha that each look may have spent, both sides together, non-decreasing, for
            all looks.
        sides: 2 or 1.
        persisted: Bounds on record of the first looks, ``None`` where a look had none.

    Returns:
        One bound for each new look; ``None`` where it would spend less than 1e-300 or is determined by the
        looks before. Bounds are right to about 5e-5 with 14 looks and 5e-4 with 28.

    Raises:
        StatisticsError: The matrix is not a correlation matrix, or the spends do not fit it.

    References:
        Genz (1992), Journal of Computational and Graphical Statistics 1, 141-149, with the look in question
        placed first. Checked against the recursion for independent increments and against SciPy's
        multivariate normal integration.

    Examples:
        >>> [round(c, 2) for c in bounds_from_correlation([[1.0, 0.5], [0.5, 1.0]], [0.025, 0.05])]
        [2.24, 2.18]
    """
    matrix, spent = as_floats(correlation), as_floats(alpha_spent)
    _check(matrix, spent, sides, len(persisted))
    bounds = [math.inf if bound is None else float(bound) for bound in persisted]
    used = float(spent[len(bounds) - 1]) if bounds else 0.0
    for look in range(len(bounds), len(spent)):
        target = (float(spent[look]) - used) / sides
        tested = [j for j in range(look) if math.isfinite(bounds[j])]
        if target < LEAST_SPEND or _is_determined(matrix, tested, look):
            bounds.append(math.inf)
            continue
        bounds.append(_solve(matrix, np.asarray(bounds), look, target=target, sides=sides))
        used = float(spent[look])
    return tuple(float(c) if math.isfinite(c) else None for c in bounds[len(persisted) :])


def _check(correlation: FloatArray, spent: FloatArray, sides: int, recorded: int) -> None:
    looks = len(spent)
    if correlation.shape != (looks, looks) or recorded > looks:
        raise StatisticsError(f"a correlation matrix of shape {correlation.shape} does not fit {looks} looks")
    symmetric = np.allclose(correlation, correlation.T, rtol=0.0, atol=1e-12)
    if not symmetric or not np.allclose(np.diag(correlation), 1.0, rtol=0.0, atol=1e-12):
        raise StatisticsError("the correlation matrix is not symmetric with ones on its diagonal")
    if looks and np.linalg.eigvalsh(correlation)[0] < -1e-9:
        raise StatisticsError("the correlation matrix has a negative eigenvalue")
    if sides not in (1, 2):
        raise StatisticsError(f"a test has 1 or 2 sides, not {sides}")
    if looks and not (spent[0] >= 0.0 and spent[-1] < 1.0 and np.all(np.diff(spent) >= 0.0)):
        raise StatisticsError("cumulative alpha decreases or lies outside [0, 1)")


def _is_determined(correlation: FloatArray, before: Sequence[int], look: int) -> bool:
    """Tell whether the looks before leave (almost) nothing unknown about this one."""
    if not before:
        return False
    given = correlation[look, list(before)]
    explained = given @ np.linalg.pinv(correlation[np.ix_(before, before)], hermitian=True) @ given
    return bool(1.0 - explained <= _LEAST_VARIANCE)


def _solve(correlation: FloatArray, bounds: FloatArray, look: int, *, target: float, sides: int) -> float:
    """Return the bound that the paths still inside exceed at this look with the probability asked for."""
    # Latest first: it says most about this look, and the early factors should carry most of the variance.
    before = np.flatnonzero(np.isfinite(bounds))[::-1]
    order = [look, *before]
    part = correlation[np.ix_(order, order)]
    factor = np.asarray(np.linalg.cholesky(part + _JITTER * (np.eye(len(order)) - part)), dtype=float)
    # scipy loads its parts when they are first named; this one alone takes a third of a second.
    qmc = scipy.stats.qmc
    points = np.clip(qmc.Sobol(len(order), rng=0).random_base2(_LOG2_POINTS).T, 1e-16, 1.0 - 1e-16)

    def excess(bound: float) -> float:
        return _log_tail(factor, bounds[before], points, bound, sides=sides) - math.log(target)

    high = -float(special.ndtri(target))
    low = high - 1.0
    while excess(low) < 0.0:
        low -= 1.0
    return float(optimize.brentq(excess, low, high + 1e-6, xtol=1e-10))


def _log_tail(
    factor: FloatArray, limits: FloatArray, points: FloatArray, bound: float, *, sides: int
) -> float:
    """Return log P(Z_k > bound, all looks before inside their limits)."""
    log_tail = special.log_ndtr(-bound)
    draws = np.empty_like(points)
    # Z_k first, from its own tail: however rare that is, what remains is a moderate probability.
    draws[0] = -special.ndtri_exp(np.log(points[0]) + log_tail)
    weight = np.ones(points.shape[1])
    for j, limit in enumerate(limits, start=1):
        mean, sd = factor[j, :j] @ draws[:j], factor[j, j]
        top = special.ndtr((limit - mean) / sd)
        bottom = special.ndtr((-limit - mean) / sd) if sides == 2 else np.zeros_like(mean)
        weight *= top - bottom
        draws[j] = special.ndtri(np.clip(bottom + points[j] * (top - bottom), 1e-300, 1.0 - 1e-16))
    # Far above the root of nearly equal looks no path is left; any finite value sends the search back.
    return float(log_tail + math.log(max(float(weight.mean()), 1e-300)))
