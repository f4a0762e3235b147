"""Quantile metrics: from bins to estimates per experiment, segment, day and variant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.analysis.moments import ExperimentMoments
from steelyard.analysis.quantile_bins import Bins, Histogram, pick
from steelyard.compile.quantile_sql import QuantileQuery
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.arrays import TextArray
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.quantile import clustered_ranks, quantile_means, quantile_ranks
from steelyard.stats.reasons import NO_DATA, ONLY_LAST_DAY, choose, first

FloatArray = npt.NDArray[np.float64]

# The product of level and rows may be off in its last place, and must not be rounded up for that.
_ROUNDING = 1 - 2.0**-50


def add_quantiles(
    experiments: Iterable[ExperimentMoments],
    query: QuantileQuery,
    rows: Sequence[tuple[Any, ...]],
    *,
    dimensions: Sequence[str],
) -> None:
    """Add a metric's quantiles to every experiment that uses it.

    Args:
        experiments: The experiments of a group.
        query: The metric's query.
        rows: Its answer.
        dimensions: The group's dimensions.
    """
    bins = Bins.read(rows, dimensions=dimensions)
    for moments in experiments:
        if any(measure.name == query.measure.name for _, measure in moments.planned.measures):
            found = dict(bins.where(bins.experiment == moments.planned.numbered.number).by_segment())
            nothing = bins.where(np.empty(0, dtype=np.int64))
            moments.quantiles[query.measure.name] = {
                segment: estimate(found.get(segment, nothing), query, moments) for segment in moments.exposed
            }


def estimate(bins: Bins, query: QuantileQuery, moments: ExperimentMoments) -> VariantMeans:
    """Return one segment's quantiles, shape (days, variants).

    Args:
        bins: The segment's bins.
        query: What they answer.
        moments: Days and variants of the experiment.
    """
    level = query.measure.query.source.config.quantile
    assert level is not None
    first_day, days = moments.days[0].toordinal(), len(moments.days)
    if query.is_last_day_only:
        # All bins bear the last day of the run, which may come after that of the experiment.
        first_day, days = int(bins.day.max(initial=0)), 1
    found = []
    for number in range(len(moments.planned.numbered.spec.variants)):
        histogram = Histogram.of(bins.where(bins.variant == number), first_day=first_day, days=days)
        found.append(_read_off(histogram, level, is_per_unit=query.is_per_unit))
    read = {
        field.name: np.stack([getattr(one, field.name) for one in found], axis=-1)
        for field in fields(_Quantiles)
    }
    if query.is_last_day_only:
        read = {name: _on_last_day(name, array, len(moments.days)) for name, array in read.items()}
    return quantile_means(**read)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Quantiles:
    """Arguments of `quantile_means` for one variant, each of shape (days,)."""

    n: FloatArray
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    resolution: FloatArray
    reason: TextArray


def _read_off(histogram: Histogram, level: float, *, is_per_unit: bool) -> _Quantiles:
    """Return a variant's quantiles and their bounds."""
    total = histogram.sums[:, -1]
    rows, units = total[:, 0], total[:, 1]
    rank = np.where(rows > 0, np.maximum(np.ceil(rows * level * _ROUNDING), 1), np.nan)
    at = histogram.position(rank)
    if is_per_unit:
        ranks, reason = quantile_ranks(units, level), choose(units.shape)
    else:
        reduced = METRIC_TYPES["quantile"].reduce(_shares(histogram.sums[np.arange(len(at)), at], total))
        ranks, reason = clustered_ranks(reduced.moments, level, rows=rows), reduced.reason
    lower, upper = histogram.bounds(ranks.lower, ranks.upper)
    width = np.where(rows > 0, pick(histogram.largest, at) - pick(histogram.smallest, at), 0.0)
    return _Quantiles(
        n=units,
        estimate=histogram.value(rank),
        lower=lower,
        upper=upper,
        resolution=width,
        reason=first(choose(units.shape, (rows == 0, NO_DATA)), reason, ranks.reason),
    )


def _shares(below: FloatArray, total: FloatArray) -> Moments:
    """Return the moments of each unit's rows up to a value and of all its rows."""
    squares = np.empty((*total.shape[:-1], 2, 2))
    squares[..., 0, 0], squares[..., 1, 1] = below[..., 2], total[..., 3]
    squares[..., 0, 1] = squares[..., 1, 0] = below[..., 3]
    sums = np.stack([below[..., 0], total[..., 0]], axis=-1)
    return Moments.from_sums(n=total[..., 1], sums=sums, products=squares)


def _on_last_day(name: str, array: npt.NDArray[Any], days: int) -> npt.NDArray[Any]:
    """Put the only day's row behind days without numbers, on which no unit counts."""
    empty: Any = {"reason": ONLY_LAST_DAY, "n": 0.0}.get(name, np.nan)
    earlier = np.full((days - 1, *array.shape[1:]), empty, dtype=array.dtype)
    return np.concatenate([earlier, array])
