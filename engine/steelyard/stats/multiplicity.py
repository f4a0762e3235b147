"""Corrections for testing several hypotheses, as adjusted p-values along the last axis.

A hypothesis is rejected at level alpha when its adjusted p-value is at most alpha. NaN marks a test without
a result: it stays NaN and is not counted, as in R's ``p.adjust``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, together


def bonferroni(p: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Bonferroni: ``p / w``, at most 1. Controls the family-wise error under any dependence.

    Args:
        p: p-values, shape ``(..., m)``.
        weights: Shares of alpha, positive, summing to 1; equal without them.

    Raises:
        StatisticsError: Weights are not positive or do not sum to 1.

    References:
        Dunn (1961), JASA 56, 52-64. Checked against R ``p.adjust``.

    Examples:
        >>> bonferroni([0.01, 0.02, 0.03], weights=[0.8, 0.1, 0.1]).round(4).tolist()
        [0.0125, 0.2, 0.3]
    """
    values = as_floats(p)
    return np.minimum(values / _weights(values, weights), 1.0)


def holm(p: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Holm's step-down procedure. Rejects whatever Bonferroni does, and more; has no simple intervals.

    Args:
        p: p-values, shape ``(..., m)``.
        weights: Shares of alpha, positive, summing to 1; equal without them.

    Raises:
        StatisticsError: Weights are not positive or do not sum to 1.

    References:
        Holm (1979), Scandinavian Journal of Statistics 6. Checked against R ``p.adjust``.

    Examples:
        >>> holm([0.01, 0.02, 0.03], weights=[0.5, 0.25, 0.25]).round(4).tolist()
        [0.02, 0.04, 0.04]
    """
    values = as_floats(p)
    share = np.broadcast_to(_weights(values, weights), values.shape)
    ratio = values / share
    order = np.argsort(ratio, axis=-1, kind="stable")
    ratio, share = np.take_along_axis(ratio, order, axis=-1), np.take_along_axis(share, order, axis=-1)
    share = np.where(np.isnan(ratio), 0.0, share)
    remaining = np.flip(np.cumsum(np.flip(share, axis=-1), axis=-1), axis=-1)
    stepped = np.maximum.accumulate(ratio * remaining, axis=-1)
    return _unsort(np.minimum(stepped, 1.0), order)


def benjamini_hochberg(p: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Benjamini-Hochberg: controls the false discovery rate of independent or positively dependent tests.

    Args:
        p: p-values, shape ``(..., m)``.
        weights: Positive, summing to 1; equal without them.

    Raises:
        StatisticsError: Weights are not positive or do not sum to 1.

    References:
        Benjamini & Hochberg (1995), JRSS-B 57; Genovese, Roeder & Wasserman (2006), Biometrika 93, for
        weights. Checked against R ``p.adjust``.

    Examples:
        >>> benjamini_hochberg([0.01, 0.02, 0.03, 0.5]).round(4).tolist()
        [0.04, 0.04, 0.04, 0.5]
    """
    values = as_floats(p)
    return _step_up(values / _weights(values, weights))


def benjamini_yekutieli(p: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Benjamini-Yekutieli: controls the false discovery rate under any dependence.

    Args:
        p: p-values, shape ``(..., m)``.
        weights: Positive, summing to 1; equal without them.

    Raises:
        StatisticsError: Weights are not positive or do not sum to 1.

    References:
        Benjamini & Yekutieli (2001), Annals of Statistics 29. Checked against R ``p.adjust``.

    Examples:
        >>> benjamini_yekutieli([0.001, 0.008, 0.039, 0.041, 0.27]).round(4).tolist()
        [0.0114, 0.0457, 0.117, 0.117, 0.6165]
    """
    values = as_floats(p)
    positions = np.arange(1, values.shape[-1] + 1)
    count = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    harmonic = np.where(positions <= count, 1 / positions, 0.0).sum(axis=-1, keepdims=True)
    return _step_up(values * harmonic / _weights(values, weights))


def e_benjamini_hochberg(e: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """e-BH: controls the false discovery rate of e-values, such as those of always-valid tests, under any
    dependence.

    Args:
        e: e-values, at least 0, shape ``(..., m)``.
        weights: Positive, summing to 1; equal without them. Each e-value is multiplied by m times its weight.

    Returns:
        Adjusted p-values: a hypothesis is among the largest k with ``e_(k) >= m / (alpha k)`` when its value
        here is at most alpha.

    Raises:
        StatisticsError: Weights are not positive or do not sum to 1.

    References:
        Wang & Ramdas (2022), JRSS-B 84; section 3 for weights.

    Examples:
        >>> e_benjamini_hochberg([100.0, 50.0, 1.0]).round(4).tolist()
        [0.03, 0.03, 1.0]
    """
    values = as_floats(e)
    with np.errstate(divide="ignore"):
        inverse = 1 / values
    return _step_up(inverse / _weights(values, weights))


def uncorrected(p: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Return the p-values as they are."""
    return as_floats(p)


CORRECTIONS: Final[Mapping[str, Callable[[ArrayLike, ArrayLike | None], FloatArray]]] = MappingProxyType(
    {
        "none": uncorrected,
        "bonferroni": bonferroni,
        "holm": holm,
        "bh": benjamini_hochberg,
        "by": benjamini_yekutieli,
    }
)


def _weights(p: FloatArray, weights: ArrayLike | None) -> FloatArray:
    if weights is None:
        known = ~np.isnan(p)
        return as_floats(1 / np.maximum(known.sum(axis=-1, keepdims=True), 1.0))
    share = as_floats(weights)
    together(p, share)
    if not (np.all(share > 0) and np.allclose(share.sum(axis=-1), 1.0, rtol=0, atol=1e-9)):
        raise StatisticsError(
            "weights of a correction must be positive and sum to 1", hint="divide them by their sum"
        )
    return share


def _step_up(scaled: FloatArray) -> FloatArray:
    """Divide by the rank and take running minima from the largest value down."""
    order = np.argsort(scaled, axis=-1, kind="stable")
    sorted_values = np.take_along_axis(scaled, order, axis=-1) / np.arange(1, scaled.shape[-1] + 1)
    stepped = np.flip(np.fmin.accumulate(np.flip(sorted_values, axis=-1), axis=-1), axis=-1)
    missing = np.isnan(np.take_along_axis(scaled, order, axis=-1))
    return _unsort(np.where(missing, np.nan, np.minimum(stepped, 1.0)), order)


def _unsort(values: FloatArray, order: npt.NDArray[np.intp]) -> FloatArray:
    answer = np.empty_like(values)
    np.put_along_axis(answer, order, values, axis=-1)
    return answer
