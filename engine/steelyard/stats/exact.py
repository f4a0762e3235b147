"""Moments from whole-number or decimal sums, without losing a digit."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.moments import Moments

Exact = int | Decimal | Fraction


def moments_from_exact_sums(*, n: int, sums: Sequence[Exact], products: Sequence[Sequence[Exact]]) -> Moments:
    """Build the moments of one cell from exact sums that were not shifted.

    The subtraction that ruins floating-point sums is done in rational numbers here, so only the result is
    rounded.

    Args:
        n: Number of units, at least 1.
        sums: Sums of the k columns.
        products: Sums of their products, k rows of k.

    Returns:
        The moments of one cell.

    Raises:
        StatisticsError: There are no units, a sum is a float, or a variance is negative.

    Examples:
        >>> values = [10**9 + extra for extra in (4, 7, 13, 16)]
        >>> exact = moments_from_exact_sums(n=4, sums=[sum(values)], products=[[sum(v * v for v in values)]])
        >>> exact.variance.tolist()
        [30.0]
    """
    if n < 1:
        raise StatisticsError("exact sums need at least one unit", hint="leave the empty cell out")
    totals = [_fraction(value) for value in sums]
    squares = [[_fraction(value) for value in row] for row in products]
    m2 = [[squares[i][j] - totals[i] * totals[j] / n for j in range(len(totals))] for i in range(len(totals))]
    if any(m2[i][i] < 0 for i in range(len(totals))):
        raise StatisticsError(
            "inconsistent aggregates: a variance is negative",
            hint="sums and sums of products must be taken over the same units",
        )
    return Moments(
        n=np.asarray(n, dtype=np.float64),
        mean=np.array([float(total / n) for total in totals]),
        m2=np.array([[float(value) for value in row] for row in m2]),
    )


def _fraction(value: Exact) -> Fraction:
    if isinstance(value, float):
        raise StatisticsError(
            f"exact sums must be whole numbers or decimals, not the float {value!r}",
            hint="use Moments.from_sums with a shift",
        )
    return Fraction(value)
