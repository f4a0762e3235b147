"""Factorial experiments: all main effects and interactions from the means of the cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import BoolArray, FloatArray, as_floats
from steelyard.stats.contrast import Contrast, contrast
from steelyard.stats.means import VariantMeans

INTERACTION_ALPHA = 0.1
"""Level at which an interaction is worth a remark beside the main effects; it is no gate."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorialEffect:
    """A main effect or an interaction.

    Attributes:
        factors: Positions of the factors; one for a main effect.
        contrast: Estimate and test.
        flagged: For interactions, whether the main effects of these factors depend on each other noticeably.
    """

    factors: tuple[int, ...]
    contrast: Contrast
    flagged: BoolArray


def factorial_effects(
    cells: VariantMeans, factors: int, *, alpha: float = 0.05, interaction_alpha: float = INTERACTION_ALPHA
) -> tuple[FactorialEffect, ...]:
    """Estimate all effects of a two-level factorial experiment, averaged over the other factors equally.

    Args:
        cells: Means of the cells, adjusted or not, shape ``(..., 2^factors)``, ordered 0…00, 0…01, 0…10, …
        factors: Number of factors.
        alpha: Level of main effects and of all intervals.
        interaction_alpha: Level at which interactions are flagged.

    Returns:
        Main effects first, then interactions of two factors, and so on.

    Raises:
        StatisticsError: The number of cells does not fit.

    References:
        Box, Hunter & Hunter (2005), Statistics for Experimenters, chapter 5.

    Examples:
        >>> cells = VariantMeans.independent(n=[100] * 4, mean=[1.0, 1.1, 1.2, 1.5], variance=[0.01] * 4)
        >>> [(e.factors, round(float(e.contrast.estimate), 3)) for e in factorial_effects(cells, 2)]
        [((0,), 0.3), ((1,), 0.2), ((0, 1), 0.2)]
    """
    if cells.n.shape[-1] != 2**factors:
        raise StatisticsError(
            f"{cells.n.shape[-1]} cells do not fit {factors} factors with two levels", hint="2^factors cells"
        )
    effects = []
    for order in range(1, factors + 1):
        for subset in combinations(range(factors), order):
            result = contrast(cells, factorial_weights(factors, subset), alpha=alpha)
            flagged = np.asarray((order > 1) & (result.p_value <= interaction_alpha), dtype=np.bool_)
            effects.append(FactorialEffect(factors=subset, contrast=result, flagged=flagged))
    return tuple(effects)


def factorial_weights(factors: int, subset: Sequence[int]) -> FloatArray:
    """Weights of the interaction of some two-level factors, averaged over the others equally.

    Args:
        factors: Number of factors.
        subset: Positions of the factors, counted from 0; one of them gives its main effect.

    Raises:
        StatisticsError: There is no such factor, or one is named twice.

    References:
        Yates (1937), The Design and Analysis of Factorial Experiments.

    Examples:
        >>> factorial_weights(3, [0, 2]).tolist()
        [0.5, -0.5, 0.5, -0.5, -0.5, 0.5, -0.5, 0.5]
    """
    chosen = sorted(set(subset))
    if not chosen or len(chosen) != len(subset) or chosen[0] < 0 or chosen[-1] >= factors:
        raise StatisticsError(f"{list(subset)} are not factors among {factors}", hint="count from 0")
    signs = [prod(1 if cell[f] else -1 for f in chosen) for cell in product((0, 1), repeat=factors)]
    return np.asarray(as_floats(signs) / 2 ** (factors - len(chosen)))


def crossed_weights(
    levels: Sequence[int], chosen: Mapping[int, int], *, shares: Sequence[Sequence[float]] | None = None
) -> FloatArray:
    """Weights of the interaction of some factors' levels, each against the factor's first, averaged over the others.

    Args:
        levels: Number of levels of each factor; cells are ordered with the last factor running fastest.
        chosen: Level of each factor that interacts, by its position, both counted from 0; one gives its main effect.
        shares: For each factor, the weight of each of its levels when it is averaged over; equal if not given.

    Raises:
        StatisticsError: There is no such factor or level, or shares do not fit or are not positive.

    References:
        Scheffé (1959), The Analysis of Variance, chapter 4.

    Examples:
        >>> crossed_weights([3, 2], {0: 2, 1: 1}).tolist()
        [1.0, -1.0, 0.0, 0.0, -1.0, 1.0]
        >>> crossed_weights([3, 2], {0: 2}, shares=[[1, 1, 1], [3, 1]]).tolist()
        [-0.75, -0.25, 0.0, 0.0, 0.75, 0.25]
    """
    fits = bool(chosen) and all(
        0 <= factor < len(levels) and 0 < level < levels[factor] for factor, level in chosen.items()
    )
    if not fits:
        raise StatisticsError(
            f"no levels {dict(chosen)} in {list(levels)}", hint="count from 0; 0 is the base"
        )
    given = [[1.0] * count for count in levels] if shares is None else [list(one) for one in shares]
    if [len(one) for one in given] != list(levels) or not all(min(one) >= 0 < sum(one) for one in given):
        raise StatisticsError(f"shares do not fit the levels {list(levels)}", hint="one list per factor")

    def part(factor: int, level: int) -> float:
        if factor in chosen:
            return {chosen[factor]: 1.0, 0: -1.0}.get(level, 0.0)
        return given[factor][level] / sum(given[factor])

    cells = product(*map(range, levels))
    weights = [prod(part(factor, level) for factor, level in enumerate(cell)) for cell in cells]
    # No level is -0.0.
    return as_floats(weights) + 0.0


def level_weights(
    levels: Sequence[int],
    factor: int,
    level: int,
    *,
    base: int = 0,
    shares: Sequence[Sequence[float]] | None = None,
) -> FloatArray:
    """Weights of one level's effect against another of the same factor, averaged over the other factors.

    Args:
        levels: Number of levels of each factor; cells are ordered with the last factor running fastest.
        factor: Position of the factor.
        level: The level.
        base: The level that it is compared with.
        shares: For each factor, the weight of each of its levels when it is averaged over, such as its share
            of the units; equal if not given.

    Raises:
        StatisticsError: There is no such factor or level, or shares do not fit or are not positive.

    References:
        Scheffé (1959), The Analysis of Variance, chapter 4.

    Examples:
        >>> level_weights([3, 2], 0, 2).tolist()
        [-0.5, -0.5, 0.0, 0.0, 0.5, 0.5]
    """
    if not 0 <= factor < len(levels) or not {level, base} <= set(range(levels[factor])) or level == base:
        raise StatisticsError(
            f"no level {level} to compare with {base} in factor {factor} of {list(levels)}",
            hint="count factors and levels from 0",
        )
    given = [[1.0] * count for count in levels] if shares is None else [list(one) for one in shares]
    fits = [len(one) for one in given] == list(levels) and all(min(one) >= 0 < sum(one) for one in given)
    if not fits:
        raise StatisticsError(f"shares do not fit the levels {list(levels)}", hint="one list per factor")
    others = [k for k in range(len(levels)) if k != factor]
    sign = {level: 1.0, base: -1.0}
    weights = [
        sign.get(cell[factor], 0.0) * prod(given[k][cell[k]] / sum(given[k]) for k in others)
        for cell in product(*map(range, levels))
    ]
    return as_floats(weights)
