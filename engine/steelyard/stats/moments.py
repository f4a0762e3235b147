"""Counts, means and centred products: all that the statistics ever see of the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, BoolArray, FloatArray, TextArray, as_floats, divide, together
from steelyard.stats.reasons import INCONSISTENT_AGGREGATES, INSUFFICIENT_N, NO_DATA, choose

NEGATIVE_TOLERANCE = 1e-12
"""A variance as far below zero as this share of the mean square is rounding; further below, the sums are
wrong, unless so many values were added up that their rounding explains it."""

ROUNDING_LIMIT = 1e-9
"""No number of values explains more than this share."""

Index = int | slice | EllipsisType | npt.NDArray[Any] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Moments of a vector of columns, in as many cells as the leading dimensions have.

    A cell may be a variant, a segment, a day, or all of these. Cells without units have ``n = 0``, mean 0 and
    products 0, so that merging needs no special case. Cells whose sums cannot come from real rows have
    NaN in ``m2``; it spreads to everything they are merged into, and `reasons` names them.

    Attributes:
        n: Number of units, shape ``(...)``.
        mean: Means, shape ``(..., k)``.
        m2: Sums of products of deviations from the means, not divided by anything, shape ``(..., k, k)``.

    References:
        Chan, Golub & LeVeque (1983), "Algorithms for Computing the Sample Variance", Amer. Statist. 37.

    Examples:
        >>> monday = Moments.from_sums(n=3, sums=[6.0], products=[[14.0]])
        >>> tuesday = Moments.from_sums(n=1, sums=[6.0], products=[[36.0]])
        >>> both = monday.merge(tuesday)
        >>> float(both.n), both.mean.tolist(), both.m2.tolist()
        (4.0, [3.0], [[14.0]])
    """

    n: FloatArray
    mean: FloatArray
    m2: FloatArray

    def __post_init__(self) -> None:
        for name in ("n", "mean", "m2"):
            object.__setattr__(self, name, as_floats(getattr(self, name)))
        columns = self.mean.shape[-1:]
        if self.mean.shape != self.n.shape + columns or self.m2.shape != self.n.shape + columns * 2:
            raise StatisticsError(
                f"n {self.n.shape}, means {self.mean.shape} and products {self.m2.shape} do not fit together",
                hint="n is (...), means (..., k), products (..., k, k)",
            )

    @classmethod
    def from_sums(cls, *, n: ArrayLike, sums: ArrayLike, products: ArrayLike, shift: ArrayLike = 0.0) -> Self:
        """Build moments from sums of ``v - c`` and of ``(u - c)(v - c)``.

        Args:
            n: Number of units, shape ``(...)``.
            sums: Sums of ``v - shift``, shape ``(..., k)``.
            products: Sums of products of ``v - shift``, shape ``(..., k, k)``.
            shift: The constants c, near the means; broadcast to ``sums``. Without them, digits are lost
                as the mean grows beside the standard deviation.

        Returns:
            The moments. Variances within rounding of zero are zero.
        """
        count, totals, squares = as_floats(n), as_floats(sums), as_floats(products)
        some = count > 0
        average = totals / np.where(some, count, 1.0)[..., None]
        with np.errstate(invalid="ignore", over="ignore"):
            centred = squares - totals[..., :, None] * average[..., None, :]
        mean = np.where(some[..., None] | (count < 0)[..., None], as_floats(shift) + average, 0.0)
        scale = np.diagonal(squares, axis1=-2, axis2=-1)
        return cls(n=count, mean=mean, m2=_guarded(count, centred, scale))

    @classmethod
    def from_variances(cls, *, n: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Self:
        """Build the moments of one column from means and variances with divisor ``n - 1``.

        Examples:
            >>> Moments.from_variances(n=100, mean=1.0, variance=4.0).m2.tolist()
            [[396.0]]
        """
        count, average, spread = together(n, mean, variance)
        return cls(n=count, mean=average[..., None], m2=(spread * (count - 1))[..., None, None])

    @classmethod
    def from_counts(cls, *, n: ArrayLike, successes: ArrayLike) -> Self:
        """Build the moments of a 0/1 column from the number of ones.

        Examples:
            >>> Moments.from_counts(n=[10, 20], successes=[5, 5]).m2[..., 0, 0].tolist()
            [2.5, 3.75]
        """
        ones = as_floats(successes)
        return cls.from_sums(n=n, sums=ones[..., None], products=ones[..., None, None])

    @classmethod
    def from_rows(cls, rows: ArrayLike) -> Self:
        """Build moments from unit rows, shape ``(..., n, k)``."""
        values = as_floats(rows)
        mean = values.mean(axis=-2)
        centred = values - mean[..., None, :]
        n = np.full(mean.shape[:-1], float(values.shape[-2]))
        return cls(n=n, mean=mean, m2=np.swapaxes(centred, -1, -2) @ centred)

    @classmethod
    def stack(cls, cells: "Sequence[Moments]", axis: int = -1) -> Self:
        """Put moments of equal shape side by side along a new batch axis."""
        position = axis if axis >= 0 else cells[0].n.ndim + 1 + axis
        n, mean, m2 = (
            np.stack([getattr(cell, name) for cell in cells], axis=position) for name in ("n", "mean", "m2")
        )
        return cls(n=n, mean=mean, m2=m2)

    def __getitem__(self, index: Index | tuple[Index, ...]) -> "Moments":
        """Select cells; the index speaks of the batch dimensions only."""
        position = index if isinstance(index, tuple) else (index,)
        if Ellipsis not in [item for item in position if isinstance(item, EllipsisType)]:
            position = (*position, Ellipsis)
        mean = self.mean[(*position, slice(None))]
        return Moments(n=self.n[position], mean=mean, m2=self.m2[(*position, slice(None), slice(None))])

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of units together."""
        return Moments.stack([self, other]).pool(-1)

    def pool(self, axis: int) -> "Moments":
        """Return the moments of all units along one batch axis.

        Args:
            axis: A batch dimension; negative numbers count from the last batch dimension.
        """
        position = axis if axis >= 0 else self.n.ndim + axis
        n = self.n.sum(axis=position)
        safe = np.where(n > 0, n, 1.0)[..., None]
        mean = (self.n[..., None] * self.mean).sum(axis=position) / safe
        gap = self.mean - np.expand_dims(mean, position)
        between = (self.n[..., None] * gap)[..., :, None] * gap[..., None, :]
        return Moments(n=n, mean=mean, m2=(self.m2 + between).sum(axis=position))

    def select(self, columns: Sequence[int]) -> "Moments":
        """Keep some columns, in the order named."""
        chosen = list(columns)
        return Moments(n=self.n, mean=self.mean[..., chosen], m2=self.m2[..., chosen, :][..., :, chosen])

    def linear(self, matrix: ArrayLike) -> "Moments":
        """Return the moments of linear combinations of the columns.

        Args:
            matrix: Weights, shape ``(..., j, k)``, one row per new column.
        """
        weights = as_floats(matrix)
        mean = (weights @ self.mean[..., None])[..., 0]
        return Moments(n=self.n, mean=mean, m2=weights @ self.m2 @ np.swapaxes(weights, -1, -2))

    @property
    def cov(self) -> FloatArray:
        """Covariance matrix with divisor ``n - 1``, shape ``(..., k, k)``; NaN where ``n < 2``."""
        freedom = np.where(self.n >= 2, self.n - 1, np.nan)
        return divide(self.m2, freedom[..., None, None])

    @property
    def variance(self) -> FloatArray:
        """Variances with divisor ``n - 1``, shape ``(..., k)``; NaN where ``n < 2``."""
        return np.diagonal(self.cov, axis1=-2, axis2=-1)

    def inconsistent(self, column: int = 0) -> BoolArray:
        """Tell which cells' sums of a column cannot come from real rows, shape ``(...)``."""
        spread = self.m2[..., column, column]
        sound = (self.n >= 0) & np.isfinite(self.mean[..., column]) & (spread >= 0) & np.isfinite(spread)
        return np.asarray(~sound, dtype=np.bool_)

    def reasons(self, column: int = 0) -> TextArray:
        """Say why a column's variance is unknown, '' where it is known; shape ``(...)``."""
        return choose(
            self.n.shape,
            (self.n == 0, NO_DATA),
            (self.inconsistent(column), INCONSISTENT_AGGREGATES),
            (self.n < 2, INSUFFICIENT_N),
        )


def _guarded(n: FloatArray, m2: FloatArray, scale: FloatArray) -> FloatArray:
    """Set rows and columns without variance to zero, and those with an impossible one to NaN."""
    spread = np.diagonal(m2, axis1=-2, axis2=-1)
    count = np.maximum(n, 0.0)[..., None]
    # A naive sum of n times the same value, whose roundings all point one way, is off by up to n units in the last
    # place.
    rounding = np.minimum(np.finfo(np.float64).eps * (8 + count), ROUNDING_LIMIT) * scale
    below = np.maximum(rounding, NEGATIVE_TOLERANCE * scale)
    zero = ((spread >= -below) & (spread <= rounding)) | (count == 0)
    wrong = ~zero & ~(np.isfinite(spread) & (spread > 0)) | (n < 0)[..., None]
    guarded = np.where(zero[..., :, None] | zero[..., None, :], 0.0, m2)
    return np.where(wrong[..., :, None] | wrong[..., None, :], np.nan, guarded)
