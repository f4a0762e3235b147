"""How much a result depends on where the values were capped."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, BoolArray, FloatArray, as_floats
from steelyard.stats.comparison import Comparison, superiority
from steelyard.stats.means import MeanPair


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CapSensitivity:
    """The same comparison under several caps.

    Attributes:
        caps: The caps, shape ``(C,)``; NaN stands for no cap.
        comparisons: One per cap.
        is_stable: Whether all caps give the effect the same sign and the same significance, shape of the
            pairs; False where one has no result.
        precision: Variance under each cap over that of the last, shape ``(C, ...)``; what a cap gains.
    """

    caps: FloatArray
    comparisons: tuple[Comparison, ...]
    is_stable: BoolArray
    precision: FloatArray


def cap_sensitivity(pairs: Sequence[MeanPair], caps: ArrayLike, *, alpha: ArrayLike = 0.05) -> CapSensitivity:
    """Put results under several caps side by side, from the same pass over the rows.

    Each capped mean is an estimand of its own: the caps are declared beforehand, one of them decides, and the
    others only show how much hangs on it.

    Args:
        pairs: Means under each cap, all of one shape, adjusted or not.
        caps: The caps in the same order; NaN for none.
        alpha: Level of each comparison.

    Raises:
        StatisticsError: There are not as many pairs as caps, or fewer than two.

    References:
        Ghosh & Vogt (2012), Proceedings of the JSM, on means of winsorised values.

    Examples:
        >>> from steelyard.stats.means import VariantMeans
        >>> pairs = [
        ...     VariantMeans.independent(n=[100, 100], mean=[1.0, 1.4], variance=v).pairs()
        ...     for v in ([0.01, 0.01], [0.09, 0.09])]
        >>> result = cap_sensitivity(pairs, [50, np.nan])
        >>> result.is_stable.tolist(), result.precision.round(3).tolist()
        ([False], [[0.111], [1.0]])
    """
    limits = as_floats(caps)
    if limits.shape != (len(pairs),) or len(pairs) < 2:
        raise StatisticsError(
            f"{len(pairs)} results do not fit {limits.size} caps", hint="two caps or more, one result each"
        )
    results = tuple(superiority(pair, alpha=alpha) for pair in pairs)
    variances = np.stack([pair.variance for pair in pairs])
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = variances / variances[-1]
    return CapSensitivity(
        caps=limits,
        comparisons=results,
        is_stable=same_finding(results),
        precision=np.where(np.isfinite(precision), precision, np.nan),
    )


def same_finding(results: Sequence[Comparison]) -> BoolArray:
    """Return where all comparisons have the same sign of the effect and the same significance.

    Args:
        results: Comparisons of one shape, each with the bounds that it was made with.

    Returns:
        False where one has no result.
    """
    signs = np.stack([np.sign(result.effect) for result in results])
    significant = np.stack([result.significant for result in results])
    known = np.stack([result.reason == "" for result in results]).all(axis=0)
    agree = (signs == signs[0]).all(axis=0) & (significant == significant[0]).all(axis=0)
    return np.asarray(known & agree, dtype=np.bool_)
