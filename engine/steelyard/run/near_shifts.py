"""The constants that a state's squares are taken about: near enough to today's means, or no better than new ones."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from steelyard.analysis.moments import ExperimentMoments, MomentRows
from steelyard.compile.plan import SAMPLE
from steelyard.errors import StatisticsError

# Beyond so many standard deviations between a constant and the mean, sums about it would lose digits that count.
FARTHEST_SHIFT = 100.0
# A new constant is the mean of a sample of all variants: so many of its standard errors it may lie off.
FRESH_ERRORS = 3.0

FloatArray = npt.NDArray[np.float64]


def require_near_shifts(answers: Sequence[MomentRows], experiments: Mapping[str, ExperimentMoments]) -> None:
    """Raise where a constant has come so far from a mean that squares about it lose digits, and a new one is nearer.

    Args:
        answers: Rows of the moment queries, with the constants.
        experiments: Their moments.

    Raises:
        StatisticsError: The state cannot give the numbers to their digits.
    """
    shifts: dict[str, list[float]] = {}
    for answer in answers:
        for layout in answer.query.layouts:
            if answer.query.by_day or layout.sums[0] is not None:
                shifts[layout.measure] = [answer.shifts.get(f"shift_{name}", 0.0) for name in layout.vector]
    for experiment in experiments.values():
        for name, metric in experiment.metrics.items():
            moments = metric.cells["", ""]
            squares = np.diagonal(moments.m2[-1], axis1=1, axis2=2)
            if _is_any_far(moments.n[-1], moments.mean[-1], squares, np.array(shifts[name])):
                raise StatisticsError(
                    f"the values of {name} have moved far away from the constant that their squares are taken about",
                    where=experiment.name,
                    hint="run once with --full-refresh",
                )


def _is_any_far(n: FloatArray, mean: FloatArray, squares: FloatArray, constants: FloatArray) -> bool:
    """Return whether any variant's values are far from their constant, and would be nearer to a new one.

    Args:
        n: Units, shape (variants,).
        mean: Means, shape (variants, columns).
        squares: Sums of squares about the means, likewise.
        constants: Shape (columns,).

    Examples:
        >>> n, squares = np.array([50.0, 50.0]), np.array([[50.0], [50.0]])
        >>> _is_any_far(n, np.array([[1000.0], [1001.0]]), squares, np.array([0.0]))
        True

        Where the variants themselves are far from each other, no constant is near both.

        >>> _is_any_far(n, np.array([[0.0], [1000.0]]), squares, np.array([600.0]))
        False
    """
    counted = n >= 2
    if not counted.any():
        return False
    n, mean, squares = n[counted, None], mean[counted], np.maximum(squares[counted], 0.0)
    total = n.sum()
    pooled = (n * mean).sum(axis=0) / total
    spread = np.sqrt((squares + n * (mean - pooled) ** 2).sum(axis=0) / total)
    fresh = np.abs(mean - pooled) + FRESH_ERRORS * spread / np.sqrt(min(float(total), SAMPLE))
    gap = np.abs(mean - constants)
    is_far = (gap > FARTHEST_SHIFT * np.sqrt(squares / n) + 1e-6 * np.abs(mean)) & (gap > FARTHEST_SHIFT)
    return bool((is_far & (gap > 2 * fresh)).any())
