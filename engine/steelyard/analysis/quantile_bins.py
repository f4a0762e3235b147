"""The answer to a quantile query as arrays, and the running histograms that ranks are read off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from steelyard.analysis.moments import EVERYONE, Segment

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bins:
    """Rows of a quantile query, or some of them, as columns.

    Attributes:
        experiment: Number of the experiment.
        variant: Number of the variant.
        day: Ordinal of the day on which the units count.
        levels: Level of each dimension; None in rows that speak of another dimension.
        number: Number of the bin; greater for greater values.
        smallest, largest: Its values.
        sums: What it adds to the four sums of a `Histogram`, shape (…, 4).
    """

    experiment: IntArray
    variant: IntArray
    day: IntArray
    levels: dict[str, npt.NDArray[np.object_]]
    number: IntArray
    smallest: FloatArray
    largest: FloatArray
    sums: FloatArray

    @classmethod
    def read(cls, rows: Sequence[tuple[Any, ...]], *, dimensions: Sequence[str]) -> Self:
        """Turn the answer to a quantile query into columns."""
        width = 3 + len(dimensions)
        columns = list(zip(*rows, strict=True)) if rows else [()] * (width + 7)
        ordinals = {day: date.toordinal(day) for day in set(columns[2])}
        sums = [np.array(column, dtype=np.float64) for column in columns[width + 3 :]]
        return cls(
            experiment=np.array(columns[0], dtype=np.int64),
            variant=np.array(columns[1], dtype=np.int64),
            day=np.array([ordinals[day] for day in columns[2]], dtype=np.int64),
            levels={
                name: np.array(column, dtype=object)
                for name, column in zip(dimensions, columns[3:width], strict=True)
            },
            number=np.array(columns[width], dtype=np.int64),
            smallest=np.array(columns[width + 1], dtype=np.float64),
            largest=np.array(columns[width + 2], dtype=np.float64),
            sums=np.stack(sums, axis=-1),
        )

    def where(self, chosen: npt.NDArray[Any]) -> "Bins":
        """Return some of the rows, by a mask or by their positions."""
        return Bins(
            experiment=self.experiment[chosen],
            variant=self.variant[chosen],
            day=self.day[chosen],
            levels={name: column[chosen] for name, column in self.levels.items()},
            number=self.number[chosen],
            smallest=self.smallest[chosen],
            largest=self.largest[chosen],
            sums=self.sums[chosen],
        )

    def by_segment(self) -> Iterator[tuple[Segment, "Bins"]]:
        """Yield everyone's rows, which are all levels of any one dimension, and those of each segment."""
        if not self.levels:
            yield EVERYONE, self
        for position, (dimension, column) in enumerate(self.levels.items()):
            own = np.flatnonzero([level is not None for level in column])
            if position == 0:
                yield EVERYONE, self.where(own)
            levels, codes, sizes = np.unique(column[own].astype(str), return_inverse=True, return_counts=True)
            ordered = own[np.argsort(codes, kind="stable")]
            for level, chosen in zip(levels, np.split(ordered, np.cumsum(sizes)), strict=False):
                yield (dimension, str(level)), self.where(chosen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histogram:
    """A variant's rows up to each day, in bins; arrays of shape (days, bins).

    Attributes:
        rows: Rows in each bin.
        smallest, largest: Values in each bin.
        sums: Up to each bin's end, added up over units: its rows, 1, its rows squared, its rows times those
            that it has in all bins; shape (days, bins, 4).
    """

    rows: FloatArray
    smallest: FloatArray
    largest: FloatArray
    sums: FloatArray

    @classmethod
    def of(cls, bins: Bins, *, first_day: int, days: int) -> Self:
        """Add up bins over days; those after the last day are left out.

        Args:
            bins: The bins of one variant, several times each.
            first_day: Ordinal of the first day.
            days: Number of days.
        """
        bins = bins.where(bins.day < first_day + days)
        numbers, column = np.unique(bins.number, return_inverse=True)
        shape = (days, max(len(numbers), 1))
        at = (bins.day - first_day) * shape[1] + column
        smallest, largest = np.full(shape, np.inf), np.full(shape, -np.inf)
        np.minimum.at(smallest.reshape(-1), at, bins.smallest)
        np.maximum.at(largest.reshape(-1), at, bins.largest)
        parts = [np.bincount(at, weights=part, minlength=shape[0] * shape[1]) for part in bins.sums.T]
        added = np.cumsum(np.stack(parts, axis=-1).reshape(*shape, 4), axis=0, dtype=np.float64)
        return cls(
            rows=added[..., 0],
            smallest=np.minimum.accumulate(smallest, axis=0),
            largest=np.maximum.accumulate(largest, axis=0),
            sums=np.cumsum(added, axis=1),
        )

    def position(self, rank: FloatArray) -> IntArray:
        """Return the bin that holds each day's rank, counted from 1."""
        before = self.sums[..., 0] < rank[:, None]
        return np.asarray(np.minimum(before.sum(axis=1), self.rows.shape[1] - 1))

    def value(self, rank: FloatArray) -> FloatArray:
        """Return the value at each day's rank: exact in a bin of one value, and at the ends of any bin.

        Args:
            rank: Ranks from 1, shape (days,); NaN gives NaN.
        """
        at = self.position(rank)
        rows, low, high = (pick(array, at) for array in (self.rows, self.smallest, self.largest))
        before = pick(self.sums[..., 0], at) - rows
        known = np.isfinite(rank) & (rows > 0)
        share = np.where(known & (rows > 1), (rank - before - 1) / np.maximum(rows - 1, 1), 0.0)
        with np.errstate(invalid="ignore"):
            inside = np.where(share == 1, high, low + share * (high - low))
        return np.where(known, inside, np.nan)

    def bounds(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the values at two ranks; where one bin holds both, its ends: it does not tell them apart."""
        low, high = self.value(lower), self.value(upper)
        at = self.position(lower)
        together = (at == self.position(upper)) & np.isfinite(low) & np.isfinite(high)
        return (
            np.where(together, pick(self.smallest, at), low),
            np.where(together, pick(self.largest, at), high),
        )


def pick(array: FloatArray, at: IntArray) -> FloatArray:
    """Return one bin of each day."""
    return np.asarray(array[np.arange(len(at)), at])
