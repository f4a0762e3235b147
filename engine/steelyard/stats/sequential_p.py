"""The p-value to show while an experiment runs: valid at every look, and it never grows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray
from steelyard.stats.gst_chain import solve_chains
from steelyard.stats.gst_ledger import Ledger
from steelyard.stats.spending import resolve_spending

Rows = NDArray[np.int64]

LARGEST = 0.999
"""A p-value above this is reported as 1."""

_TOLERANCE = 1e-9  # of log p
_HIGHEST = 1e6  # statistic; far beyond it no bound lies, and its tail has no logarithm
_LOWEST = -700.0  # log of the smallest alpha tried; below 1e-300 no look has a bound


def sequential_p(
    statistic: ArrayLike,
    fractions: ArrayLike,
    information: ArrayLike,
    *,
    sides: int = 2,
    spending: str = "power",
    parameter: float | None = None,
    persisted_p: ArrayLike | None = None,
) -> FloatArray:
    """Return the smallest alpha at which the design would have rejected at this look or before.

    It is at most ``alpha`` exactly where a bound of the design at level ``alpha`` has been reached, so that
    the p-value and the decision cannot disagree. It may be used in Bonferroni, Holm and Benjamini-Hochberg
    corrections.

    Args:
        statistic: Z at each look, shape (designs, looks); NaN where a look gave none.
        fractions: Spending clock, same shape; NaN where a design has no such look.
        information: 1 / Var(effect), same shape.
        sides: 2 uses |Z|, 1 uses Z.
        spending: A key of ``SPENDING``.
        parameter: Parameter of the spending function.
        persisted_p: p-values on record of the first looks, shape (designs, recorded looks). They are kept,
            and only the looks after them are worked on, which is much faster.

    Returns:
        p-values, shape (designs, looks), non-increasing along the looks; 1 as long as none is below 0.999.

    Raises:
        StatisticsError: Shapes or the spending function do not fit.

    References:
        Liu & Anderson (2008), JASA 103, 1621-1630. Checked against R ``gsDesign::sequentialPValue``.

    Examples:
        >>> p = sequential_p([[1.0, 1.5, 2.2]], [[1 / 3, 2 / 3, 1]], [[1, 2, 3]], sides=1,
        ...                  spending="obrien_fleming")
        >>> p.round(4).tolist()
        [[0.4157, 0.139, 0.0148]]
    """
    z, clock, info = (np.atleast_2d(np.asarray(a, dtype=float)) for a in (statistic, fractions, information))
    if not z.shape == clock.shape == info.shape or z.ndim != 2:
        raise StatisticsError(
            f"statistic {z.shape}, fractions {clock.shape} and information {info.shape} differ in shape"
        )
    if sides not in (1, 2):
        raise StatisticsError(f"a test has 1 or 2 sides, not {sides}")
    resolve_spending(spending, parameter)
    reached = np.where(np.isnan(z), -np.inf, np.minimum(np.abs(z) if sides == 2 else z, _HIGHEST))
    family = _Family(reached, clock, info, sides, spending, parameter)
    log_p = np.full(z.shape, np.nan)
    recorded = 0
    if persisted_p is not None:
        known = np.atleast_2d(np.asarray(persisted_p, dtype=float))
        recorded = known.shape[1]
        if len(known) != len(z) or recorded > z.shape[1] or not np.all((known > 0.0) & (known <= 1.0)):
            raise StatisticsError("p-values on record do not match the looks, or lie outside (0, 1]")
        log_p[:, :recorded] = np.log(known)
    return np.exp(_running_log_p(family, log_p, recorded))


@dataclass(frozen=True, slots=True, eq=False)
class _Family:
    """The same designs at every level."""

    statistic: FloatArray
    fractions: FloatArray
    information: FloatArray
    sides: int
    spending: str
    parameter: float | None

    def bounds(self, rows: Rows, log_alpha: FloatArray, last: Rows) -> FloatArray:
        """Return the bounds of some designs up to their look ``last``, infinite after it."""
        beyond = np.arange(self.fractions.shape[1]) > last[:, None]
        ledger = Ledger.keep(
            np.where(beyond, np.nan, self.fractions[rows]),
            self.information[rows],
            np.exp(log_alpha) / self.sides,
            known=(np.full(beyond.shape, np.nan), np.full(beyond.shape, np.nan)),
            spending=self.spending,
            parameter=self.parameter,
        )
        return ledger.unpack(solve_chains(ledger.chains(), sides=self.sides))

    def excess(self, rows: Rows, log_alpha: FloatArray, last: Rows) -> FloatArray:
        """Return by how much look ``last`` passes its bound, in log probability."""
        bound = self.bounds(rows, log_alpha, last)[np.arange(len(rows)), last]
        return _log_excess(self.statistic[rows, last], bound)


def _log_excess(statistic: FloatArray, bound: FloatArray) -> FloatArray:
    """Return log P(Z > bound) - log P(Z > statistic)."""
    return special.log_ndtr(-bound) - special.log_ndtr(-statistic)


def _running_log_p(family: _Family, log_p: FloatArray, recorded: int) -> FloatArray:
    """Fill in log p-values: from one look that lowers p to the next."""
    designs, looks = family.statistic.shape
    if not log_p.size:
        return log_p
    level = log_p[:, recorded - 1].copy() if recorded else np.zeros(designs)
    next_look = np.full(designs, recorded)
    rows = np.arange(designs)
    while rows.size:
        tried = np.minimum(level[rows], np.log(LARGEST))
        bound = family.bounds(rows, tried, np.full(rows.size, looks - 1))
        passed = family.statistic[rows] >= bound
        passed &= np.arange(looks) >= next_look[rows, None]
        found = passed.any(axis=1)
        look = np.where(found, passed.argmax(axis=1), looks)
        for row, end in zip(rows, look, strict=True):
            log_p[row, next_look[row] : end] = level[row]
        rows, look = rows[found], look[found]
        at_high = _log_excess(family.statistic[rows, look], bound[found, look])
        level[rows] = _solve(family, rows, look, high=tried[found], at_high=at_high)
        log_p[rows, look] = level[rows]
        next_look[rows] = look + 1
        rows = rows[next_look[rows] < looks]
    return log_p


def _solve(family: _Family, rows: Rows, look: Rows, *, high: FloatArray, at_high: FloatArray) -> FloatArray:
    """Return the smallest log alpha at which ``look`` rejects; at ``high`` it does.

    The excess rises with a slope near one, so a Newton step of slope one starts a bracketed secant.
    """
    high, at_high, low = high.copy(), at_high.copy(), np.full(len(rows), _LOWEST)
    slope = np.ones(len(rows))
    open_ = np.arange(len(rows))
    guess = high - at_high
    for _ in range(200):
        outside = (guess <= low[open_]) | (guess >= high[open_]) | ~np.isfinite(guess)
        guess = np.where(outside, 0.5 * (low[open_] + high[open_]), guess)
        value = family.excess(rows[open_], guess, look[open_])
        rejects = value >= 0.0
        with np.errstate(invalid="ignore", divide="ignore"):
            secant = (at_high[open_] - value) / (high[open_] - guess)
        slope[open_] = np.where(np.isfinite(secant) & (secant > 0.1), secant, 1.0)
        high[open_] = np.where(rejects, guess, high[open_])
        at_high[open_] = np.where(rejects, value, at_high[open_])
        low[open_] = np.where(rejects, low[open_], guess)
        # Aim a little past the root, on the rejecting side, so that the bracket closes from both ends.
        step = np.where(np.isfinite(value), value, np.inf) / slope[open_]
        done = (np.abs(step) <= _TOLERANCE) & rejects | (high[open_] - low[open_] <= _TOLERANCE)
        guess = (guess - step + 0.5 * _TOLERANCE)[~done]
        open_ = open_[~done]
        if not open_.size:
            break
    return high
