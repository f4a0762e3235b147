"""The assignments that a switchback design could have made."""

import math
from collections.abc import Sequence
from itertools import combinations, product

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, BoolArray, FloatArray

MOST_LISTED = 20_000
"""Designs with at most this many assignments are listed in full."""
DRAWS = 2_000


def complete_assignments(
    blocks: int,
    treated: int | Sequence[int],
    *,
    strata: Sequence[object] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> BoolArray:
    """Assignments that treat a fixed number of blocks, within each stratum.

    Args:
        blocks: Number of blocks T.
        treated: Treated blocks; with strata one number for each, in the sorted order of their labels.
        strata: One label per block.
        draws: How many to draw where there are more than 20,000; at least 2,000.
        seed: Seed of the drawing.

    Returns:
        Shape ``(D, T)``: all assignments, or drawn ones.

    Raises:
        StatisticsError: Numbers do not fit, or too few draws are asked for.

    References:
        Fisher (1935), The Design of Experiments: complete randomisation within blocks.

    Examples:
        >>> complete_assignments(3, 1).astype(int).tolist()
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    """
    labels = np.zeros(blocks, dtype=np.int64) if strata is None else _labels(strata, blocks)
    members = [np.flatnonzero(labels == label) for label in range(labels.max(initial=-1) + 1)]
    wanted = [treated] if isinstance(treated, int) else list(treated)
    if len(wanted) != len(members) or any(not 0 <= k <= len(m) for k, m in zip(wanted, members, strict=True)):
        raise StatisticsError(
            f"{wanted} treated blocks do not fit {[len(m) for m in members]} blocks per stratum",
            hint="one number for each stratum",
        )
    total = math.prod(math.comb(len(m), k) for k, m in zip(wanted, members, strict=True))
    if total <= MOST_LISTED:
        choices = [combinations(m.tolist(), k) for k, m in zip(wanted, members, strict=True)]
        return _marked(blocks, [[block for part in one for block in part] for one in product(*choices)])
    found = np.zeros((_enough(draws), blocks), dtype=np.bool_)
    rng = np.random.default_rng(seed)
    for k, m in zip(wanted, members, strict=True):
        order = rng.random((draws, len(m))).argsort(axis=1)
        np.put_along_axis(found, m[order[:, :k]], True, axis=1)
    return found


def coin_assignments(
    blocks: int,
    *,
    share: float = 0.5,
    switch_points: Sequence[bool] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> BoolArray:
    """Assignments by independent coins, one at each block where the variant may change.

    Args:
        blocks: Number of blocks T.
        share: Probability of the treatment.
        switch_points: Whether a new coin is tossed at a block, shape ``(T,)``; at every block if not given.
        draws: How many to draw where there are more than 20,000 (or the coin is not fair); at least 2,000.
        seed: Seed of the drawing.

    Returns:
        Shape ``(D, T)``, equally likely: all assignments of fair coins, or drawn ones.

    Raises:
        StatisticsError: The share is not a probability, or too few draws are asked for.

    References:
        Bojinov, Simchi-Levi & Zhao (2023), Management Science 69: the regular design.

    Examples:
        >>> coin_assignments(3, switch_points=[True, False, True]).astype(int).tolist()
        [[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]]
    """
    coins = coin_numbers(blocks, switch_points)
    if not 0 < share < 1:
        raise StatisticsError("the share of the treatment must lie between 0 and 1", hint="such as 0.5")
    tosses = int(coins[-1]) + 1
    if share == 0.5 and tosses <= math.log2(MOST_LISTED):
        return np.asarray(list(product((False, True), repeat=tosses)), dtype=np.bool_)[:, coins]
    return np.asarray(np.random.default_rng(seed).random((_enough(draws), tosses)) < share)[:, coins]


def coin_numbers(
    blocks: int, switch_points: Sequence[bool] | None
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the number of the coin that decided each block, counted from 0.

    Raises:
        StatisticsError: There is not one switch point per block.
    """
    if switch_points is None:
        return np.arange(blocks)
    if len(switch_points) != blocks:
        raise StatisticsError(
            f"{len(switch_points)} switch points do not fit {blocks} blocks", hint="one per block"
        )
    toss = np.asarray(switch_points, dtype=np.bool_).copy()
    toss[0] = True
    return np.asarray(np.cumsum(toss) - 1, dtype=np.int64)


def assigned(treated: ArrayLike) -> BoolArray:
    """Return an assignment as booleans.

    Raises:
        StatisticsError: A mark is neither 0 nor 1.
    """
    marks = np.asarray(treated)
    if not np.all((marks == 0) | (marks == 1)):
        raise StatisticsError("blocks are marked 1 (treatment) or 0 (control)", hint="no other marks")
    return marks.astype(np.bool_)


def difference_weights(treated: BoolArray, strata: Sequence[object] | None) -> FloatArray:
    """Return the weights of the blocks in the difference of means, shape as ``treated``.

    Strata count by their blocks; those with blocks of one kind only are left out.
    """
    labels = np.zeros(treated.shape[-1], int) if strata is None else _labels(strata, treated.shape[-1])
    weights, used = np.zeros(treated.shape), np.zeros(treated.shape[:-1])
    for label in range(labels.max(initial=-1) + 1):
        here = labels == label
        size, ones = here.sum(), (treated & here).sum(axis=-1)
        both = (ones > 0) & (ones < size)
        one = np.where(both, size / np.where(both, ones, 1), 0.0)[..., None]
        zero = np.where(both, size / np.where(both, size - ones, 1), 0.0)[..., None]
        weights += here * np.where(treated, one, -zero)
        used += np.where(both, size, 0)
    return weights / np.where(used > 0, used, 1.0)[..., None]


def _labels(strata: Sequence[object], blocks: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if len(strata) != blocks:
        raise StatisticsError(f"{len(strata)} strata do not fit {blocks} blocks", hint="one label per block")
    return np.unique(np.asarray(strata, dtype=str), return_inverse=True)[1]


def _marked(blocks: int, chosen: Sequence[Sequence[int]]) -> BoolArray:
    marks = np.zeros((len(chosen), blocks), dtype=np.bool_)
    for row, members in enumerate(chosen):
        marks[row, list(members)] = True
    return marks


def _enough(draws: int) -> int:
    if draws < DRAWS:
        raise StatisticsError(f"{draws} draws are too few", hint="take at least 2000")
    return draws
