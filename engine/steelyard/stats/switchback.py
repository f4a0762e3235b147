"""Switchback experiments: a region or the whole market switches between variants from block to block.

The unit is a block of time (in a region). The warehouse gives each block's sums; rows from the minutes after
a switch, in which the previous variant still has an effect, are left out there (the burn-in). What is left of
carry-over is looked for by `carry_over_test`. Blocks are few and follow each other, so the tests lean on the
randomisation itself; `randomisation_test` is the default.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.arrays import (
    Alternative,
    ArrayLike,
    BoolArray,
    FloatArray,
    TextArray,
    as_floats,
    divide,
    together,
)
from steelyard.stats.contrast import Contrast, contrast, interaction_weights
from steelyard.stats.means import MeanPair
from steelyard.stats.moments import Moments
from steelyard.stats.poststratification import poststratify
from steelyard.stats.reasons import ZERO_DENOMINATOR, choose
from steelyard.stats.significance import signs
from steelyard.stats.switchback_designs import assigned, difference_weights

TIE = 1e-9
"""Shifts closer than this share of the largest one are ties: sums in another order differ by rounding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RandomisationTest:
    """A randomisation test of a constant effect on blocks; shapes ``(...)``.

    Attributes:
        effect: Mean of treated blocks minus mean of control blocks, averaged over strata by their blocks.
        p_value: Share of the design's assignments whose difference is at least as extreme; two-sided, twice
            the smaller tail.
        ci_lower, ci_upper: Constant effects that the two-sided test does not reject; NaN where the design
            has too few assignments to reject any.
        assignments: Number of assignments compared, the one that happened among them.
    """

    effect: FloatArray
    p_value: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    assignments: int


def block_values(numerator: ArrayLike, denominator: ArrayLike) -> tuple[FloatArray, TextArray]:
    """Return each block's mean or ratio, and the reason where it has none.

    Args:
        numerator: Sum of the outcome per block, after the burn-in.
        denominator: Number of units, or sum of a ratio's denominator.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Bojinov, Simchi-Levi & Zhao (2023), Management Science 69.

    Examples:
        >>> values, reason = block_values([6.0, 5.0], [3, 0])
        >>> values.tolist(), reason.tolist()
        ([2.0, nan], ['', 'zero_denominator'])
    """
    top, bottom = together(numerator, denominator)
    base = np.where(bottom > 0, bottom, np.nan)
    return divide(top, base), choose(base.shape, (np.isnan(base), ZERO_DENOMINATOR))


def randomisation_test(
    values: ArrayLike,
    treated: ArrayLike,
    assignments: ArrayLike,
    *,
    strata: Sequence[object] | None = None,
    null: ArrayLike = 0.0,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> RandomisationTest:
    """Test by comparing with the assignments that the design could have made instead.

    Exact for any dependence between blocks, without carry-over. The interval inverts the test of a constant
    effect: the difference is linear in it, so each assignment contradicts effects beyond one value and no
    search is needed.

    Args:
        values: Block means or ratios, shape ``(..., T)``.
        treated: Which blocks had the treatment, shape ``(T,)`` or as ``values``.
        assignments: Equally likely assignments, shape ``(D, T)``, from
            `steelyard.stats.switchback_designs`: all of them, or at least 2,000 drawn ones.
        strata: Region or part of the day of each block; differences are taken within.
        null: Constant effect under the null hypothesis.
        alpha: One minus the interval's coverage.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Raises:
        StatisticsError: A block has no value, or shapes do not fit, or no stratum has blocks of both kinds.

    References:
        Fisher (1935), The Design of Experiments; Bojinov, Simchi-Levi & Zhao (2023), Management Science 69.

    Examples:
        >>> from steelyard.stats.switchback_designs import complete_assignments
        >>> design = complete_assignments(8, 4)
        >>> test = randomisation_test([5, 1, 6, 2, 7, 1, 6, 3], [1, 0, 1, 0, 1, 0, 1, 0], design)
        >>> float(test.effect), test.assignments, round(float(test.p_value), 4)
        (4.25, 70, 0.0286)
    """
    outcome, design = as_floats(values), as_floats(assignments)
    actual = assigned(together(treated, outcome)[0])
    if not np.all(np.isfinite(outcome)):
        raise StatisticsError("a block has no value", hint="leave out blocks without a denominator")
    own = difference_weights(actual, strata)
    others = difference_weights(assigned(design), strata)
    usable = np.any(others != 0, axis=-1)
    if not (np.all(np.any(own != 0, axis=-1)) and usable.any()):
        raise StatisticsError("no stratum has blocks of both kinds", hint="use coarser strata")
    others = others[usable]
    effect = (own * outcome).sum(axis=-1)
    gap, reach = effect[..., None] - outcome @ others.T, 1 - actual.astype(np.float64) @ others.T
    # Another assignment's difference exceeds the observed one exactly for effects beyond this.
    same = reach <= TIE
    turning = np.where(same, np.nan, gap / np.where(same, 1.0, reach))
    listed = int(same.any(axis=-1).all())
    equal, total = same.sum(axis=-1) + (1 - listed), len(others) + (1 - listed)
    return RandomisationTest(
        effect=effect,
        p_value=_tails(turning, equal, total, as_floats(null), alternative),
        **_interval(turning, equal, total, alpha),
        assignments=total,
    )


def _tails(
    turning: FloatArray, equal: ArrayLike, total: int, null: FloatArray, alternative: Alternative
) -> FloatArray:
    finite = np.abs(np.where(np.isnan(turning), 0.0, turning))
    slack = TIE * np.maximum(finite.max(axis=-1, initial=0.0), np.abs(null))[..., None]
    greater = ((turning <= null[..., None] + slack).sum(axis=-1) + equal) / total
    less = ((turning >= null[..., None] - slack).sum(axis=-1) + equal) / total
    sign = int(signs(alternative))
    if sign:
        return np.asarray(greater if sign > 0 else less)
    return np.asarray(np.minimum(2 * np.minimum(greater, less), 1.0))


def _interval(turning: FloatArray, equal: ArrayLike, total: int, alpha: float) -> dict[str, FloatArray]:
    if not 0 < alpha < 1:
        raise StatisticsError("alpha must lie between 0 and 1", hint="0.05 means five percent")
    count = (~np.isnan(turning)).sum(axis=-1)
    # The k-th turning point is the first effect that more than alpha / 2 of the assignments do not exceed.
    k = np.floor(alpha / 2 * total + TIE).astype(np.int64) - np.asarray(equal)
    inside = (k >= 0) & (k < count)
    ordered = np.sort(turning, axis=-1)
    low, high = np.where(inside, k, 0), np.where(inside, count - 1 - k, 0)
    return {
        "ci_lower": np.where(inside, np.take_along_axis(ordered, low[..., None], -1)[..., 0], np.nan),
        "ci_upper": np.where(inside, np.take_along_axis(ordered, high[..., None], -1)[..., 0], np.nan),
    }


def block_pairs(values: ArrayLike, treated: ArrayLike, *, strata: Sequence[object] | None = None) -> MeanPair:
    """Compare block means by Welch's test, with strata such as hours of the day weighted alike.

    For effects that do not last beyond a block: successive blocks count as independent.

    Args:
        values: Block means or ratios, shape ``(T,)``.
        treated: Which blocks had the treatment, shape ``(T,)``.
        strata: One label per block.

    Returns:
        One pair, shape ``(1,)``, for `steelyard.stats.comparison`.

    Raises:
        StatisticsError: A block is marked neither 1 nor 0.

    References:
        Bojinov, Simchi-Levi & Zhao (2023), Management Science 69, for the design; Miratrix, Sekhon & Yu (2013),
            JRSS-B 75, for strata.

    Examples:
        >>> pair = block_pairs([5, 1, 6, 2, 7, 1, 6, 3], [1, 0, 1, 0, 1, 0, 1, 0])
        >>> pair.effect.tolist(), pair.std_error.round(3).tolist()
        ([4.25], [0.629])
    """
    outcome, marks = together(values, treated)
    mark = assigned(marks)
    if strata is None:
        return unadjusted(_cells(outcome, [~mark, mark])).pairs()
    labels = np.unique(np.asarray(strata, dtype=str), return_inverse=True)[1]
    by_stratum = [_cells(outcome, [~mark & (labels == s), mark & (labels == s)]) for s in np.unique(labels)]
    return poststratify(Moments.stack(by_stratum, axis=0)).pairs()


def carry_over_test(values: ArrayLike, treated: ArrayLike, *, alpha: float = 0.05) -> Contrast:
    """Test whether the effect in blocks just after a switch differs from that in later blocks.

    Args:
        values: Block means or ratios in the order of time, shape ``(T,)``; the first has no predecessor and
            is left out.
        treated: Which blocks had the treatment, shape ``(T,)``.
        alpha: Level.

    Returns:
        The effect right after a switch minus the effect in blocks without one. Carry-over draws it towards
        the opposite of the effect.

    Raises:
        StatisticsError: A block is marked neither 1 nor 0.

    References:
        Bojinov, Simchi-Levi & Zhao (2023), Management Science 69, on the order of carry-over.

    Examples:
        >>> w = [0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0]
        >>> y = [1, 2, 4, 2.2, 1, 2.1, 3.9, 2, 1.1, 2, 4, 2]
        >>> round(float(carry_over_test(y, w).estimate), 2)
        -2.95
    """
    outcome, marks = together(values, treated)
    outcome, mark = outcome[1:], assigned(marks)
    switched, mark = mark[1:] != mark[:-1], mark[1:]
    cells = [switched_is & mark_is for switched_is in (~switched, switched) for mark_is in (~mark, mark)]
    return contrast(unadjusted(_cells(outcome, cells)), interaction_weights(2), alpha=alpha)


def _cells(values: FloatArray, cells: Sequence[BoolArray]) -> Moments:
    n = as_floats([cell.sum() for cell in cells])
    centre = values.mean()
    sums = as_floats([(values[cell] - centre).sum() for cell in cells])
    squares = as_floats([((values[cell] - centre) ** 2).sum() for cell in cells])
    return Moments.from_sums(n=n, sums=sums[:, None], products=squares[:, None, None], shift=centre)
