"""Switchback experiments as a series: effects with carry-over, and standard errors under autocorrelation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, root
from steelyard.stats.significance import critical_value, p_value
from steelyard.stats.switchback_designs import assigned, coin_numbers

SHORTEST_SERIES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesEffect:
    """An effect on a series of blocks, treated as normal.

    Attributes:
        effect: Estimate.
        std_error: Its standard error; conservative for `horvitz_thompson`.
        p_value: Two-sided.
        ci_lower, ci_upper: Interval.
        blocks: Number of blocks that the estimate averages over.
    """

    effect: float
    std_error: float
    p_value: float
    ci_lower: float
    ci_upper: float
    blocks: int


def horvitz_thompson(
    values: ArrayLike,
    treated: ArrayLike,
    *,
    carry_over: int = 0,
    share: float = 0.5,
    switch_points: Sequence[bool] | None = None,
    centre: float = 0.0,
    alpha: float = 0.05,
) -> SeriesEffect:
    """Estimate the effect of always treating, where a block feels the variants of some blocks before it.

    Only blocks whose whole past window had one variant count, weighted by the inverse of that window's
    probability under the design.

    Args:
        values: Block means or ratios in the order of time, shape ``(T,)``.
        treated: Which blocks had the treatment.
        carry_over: Number of earlier blocks that still have an effect.
        share: Probability of the treatment of each coin.
        switch_points: Blocks at which a new coin was tossed; every block if not given.
        centre: A constant from before the experiment, near the mean, subtracted from the values: the estimate
            stays unbiased and its variance shrinks.
        alpha: One minus the interval's coverage.

    Returns:
        The effect. The variance is an upper bound, from squared sums that do not overlap.

    Raises:
        StatisticsError: There are not more blocks than the carry-over is long, all terms are zero, or an
            input is out of range.

    References:
        Bojinov, Simchi-Levi & Zhao (2023), "Design and Analysis of Switchback Experiments", Management
        Science 69.

    Examples:
        >>> result = horvitz_thompson([3, 1, 3, 1, 1, 3, 3, 1], [1, 0, 1, 0, 0, 1, 1, 0], centre=2.0)
        >>> result.effect, round(result.std_error, 4)
        (2.0, 0.7071)
    """
    outcome, mark = _series(values, treated)
    coins = coin_numbers(len(mark), switch_points)
    if not 0 <= carry_over < len(mark):
        raise StatisticsError(
            f"a carry-over of {carry_over} does not fit {len(mark)} blocks", hint="0 means none"
        )
    if not 0 < share < 1:
        raise StatisticsError("the share of the treatment must lie between 0 and 1", hint="such as 0.5")
    ends = np.arange(carry_over, len(mark))
    windows = np.lib.stride_tricks.sliding_window_view(mark, carry_over + 1)
    tosses = coins[ends] - coins[ends - carry_over] + 1
    weight = windows.all(axis=1) / share**tosses - (~windows).all(axis=1) / (1 - share) ** tosses
    terms = (outcome[ends] - centre) * weight
    independent = carry_over == 0 and coins[-1] == len(mark) - 1
    starts = _chunk_starts(coins, carry_over)
    squares = (np.add.reduceat(terms, starts - carry_over) ** 2).sum()
    error = float(np.sqrt(squares * (1.0 if independent else 2.0))) / len(terms)
    return _result(float(terms.mean()), error, alpha, len(terms))


def hac_effect(
    values: ArrayLike, treated: ArrayLike, *, lag: int | None = None, alpha: float = 0.05
) -> SeriesEffect:
    """Compare treated and control blocks with a standard error that allows for autocorrelation.

    Args:
        values: Block means or ratios in the order of time, shape ``(T,)``, at least 200.
        treated: Which blocks had the treatment.
        lag: Number of autocovariances; ``⌊4 (T/100)^(2/9)⌋`` if not given.
        alpha: One minus the interval's coverage.

    Raises:
        StatisticsError: There are fewer than 200 blocks, for which the standard error is too small, or only
            one variant.

    References:
        Newey & West (1987), Econometrica 55. Checked against statsmodels.

    Examples:
        >>> hour = np.arange(240)
        >>> result = hac_effect(np.sin(hour / 5) + 0.5 * (hour % 2), hour % 2)
        >>> round(result.effect, 2), round(result.std_error, 3)
        (0.5, 0.036)
    """
    outcome, mark = _series(values, treated)
    if len(mark) < SHORTEST_SERIES:
        raise StatisticsError(
            f"{len(mark)} blocks are too few for autocorrelation-robust errors, which need 200",
            hint="use randomisation_test",
        )
    if mark.all() or not mark.any():
        raise StatisticsError("all blocks have the same variant", hint="check the assignment")
    level = np.where(mark, outcome[mark].mean(), outcome[~mark].mean())
    influence = (outcome - level) * np.where(mark, 1 / mark.mean(), -1 / (~mark).mean())
    error = float(newey_west(influence, lag=default_lag(len(mark)) if lag is None else lag))
    return _result(float(outcome[mark].mean() - outcome[~mark].mean()), error, alpha, len(mark))


def newey_west(values: ArrayLike, *, lag: int) -> FloatArray:
    """Standard error of the mean of an autocorrelated series, with Bartlett weights.

    Args:
        values: Series, shape ``(..., T)``.
        lag: Number of autocovariances, less than T.

    Raises:
        StatisticsError: The lag is negative or not less than the series is long.

    References:
        Newey & West (1987), Econometrica 55. Checked against R ``sandwich::NeweyWest``.

    Examples:
        >>> round(float(newey_west([1, 2, 3, 2, 1, 2, 3, 2], lag=1)), 4)
        0.25
    """
    series = as_floats(values)
    length = series.shape[-1]
    if not 0 <= lag < length:
        raise StatisticsError(f"a lag of {lag} does not fit {length} values", hint="see default_lag")
    gap = series - series.mean(axis=-1, keepdims=True)
    total = (gap**2).sum(axis=-1)
    for step in range(1, lag + 1):
        total = total + 2 * (1 - step / (lag + 1)) * (gap[..., step:] * gap[..., :-step]).sum(axis=-1)
    return np.asarray(root(total) / length)


def default_lag(blocks: int) -> int:
    """Return the usual number of autocovariances for a series.

    Examples:
        >>> default_lag(600)
        5
    """
    return int(4 * (blocks / 100) ** (2 / 9))


def _series(
    values: ArrayLike, treated: ArrayLike
) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    outcome, mark = as_floats(values), assigned(treated)
    if outcome.ndim != 1 or outcome.shape != mark.shape:
        raise StatisticsError(
            f"values {outcome.shape} and assignment {mark.shape} are not two series of one length",
            hint="one value and one mark per block",
        )
    if not np.all(np.isfinite(outcome)):
        raise StatisticsError("a block has no value", hint="leave out blocks without a denominator")
    return outcome, mark


def _chunk_starts(
    coins: np.ndarray[tuple[int], np.dtype[np.int64]], carry_over: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Cut the blocks so that sums of every second chunk share no coin.

    Sums of neighbouring chunks may, so the variance of all is at most twice the sum of their squares.
    """
    starts, last = [carry_over], len(coins) - 1
    while starts[-1] < last:
        before = coins[starts[-1] - 1] if starts[-1] else -1
        after = np.arange(starts[-1] + 1, last + 1)
        free = after[coins[after - carry_over] > before]
        if not len(free):
            break
        starts.append(int(free[0]))
    return np.asarray(starts)


def _result(effect: float, error: float, alpha: float, blocks: int) -> SeriesEffect:
    if not error > 0:
        raise StatisticsError("the blocks do not vary", hint="check the values and the assignment")
    reach = float(critical_value(alpha)) * error
    return SeriesEffect(
        effect=effect,
        std_error=error,
        p_value=float(p_value(effect / error)),
        ci_lower=effect - reach,
        ci_upper=effect + reach,
        blocks=blocks,
    )
