"""Moments to means of variants: reduced by the metric's type, adjusted by its covariates."""

from dataclasses import dataclass, fields

import numpy as np

from steelyard.analysis.moments import EVERYONE, ExperimentMoments, MetricMoments, Segment
from steelyard.compile.measure import Measure
from steelyard.metric_types.base import MetricType
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.means import MeanPair, VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.poststratification import poststratify


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetricMeans:
    """A metric's means in all segments.

    Attributes:
        segments: The segments, in the order of the first axis.
        means: Means of shape (segments, days, variants).
        control: Index of the control.
    """

    segments: tuple[Segment, ...]
    means: VariantMeans
    control: int

    @property
    def pairs(self) -> MeanPair:
        """Each treatment beside the control; shapes (segments, days, treatments)."""
        return self.means.pairs(self.control)


def estimate_means(moments: ExperimentMoments, measure: Measure) -> MetricMeans:
    """Return a metric's means, everyone first and then each segment."""
    experiment = moments.planned.numbered.spec
    control = [variant.name for variant in experiment.variants].index(experiment.control)
    segments = wanted_segments(moments)
    if measure.is_quantile:
        cells = moments.quantiles[measure.name]
        return MetricMeans(segments=segments, means=_stack([cells[one] for one in segments]), control=control)
    metric = moments.metrics[measure.name]
    kind = _kind(measure)
    if experiment.analysis.adjustment == "post_stratify":
        others = [_unadjusted(kind, metric.cells[segment]) for segment in segments[1:]]
        everyone = _poststratified(kind, metric, experiment.analysis.dimensions[0])
        return MetricMeans(segments=segments, means=_stack([everyone, *others]), control=control)
    stacked = Moments.stack([metric.cells[segment] for segment in segments], axis=0)
    return MetricMeans(segments=segments, means=means_of(stacked, measure, moments), control=control)


def means_of(cells: Moments, measure: Measure, moments: ExperimentMoments) -> VariantMeans:
    """Reduce a metric's moments, and adjust them where the experiment does so by covariates.

    Args:
        cells: Moments of shape (…, variants).
        measure: The metric.
        moments: The experiment.
    """
    reduced = _kind(measure).reduce(cells)
    settings = moments.planned.numbered.spec.analysis
    is_adjusted = settings.adjustment == "cuped" and reduced.moments.mean.shape[-1] > 1
    return (full if is_adjusted else unadjusted)(reduced.moments, reason=reduced.reason)


def _kind(measure: Measure) -> MetricType:
    return METRIC_TYPES[measure.query.source.config.type]


def _unadjusted(kind: MetricType, cell: Moments) -> VariantMeans:
    reduced = kind.reduce(cell)
    return unadjusted(reduced.moments, reason=reduced.reason)


def _poststratified(kind: MetricType, metric: MetricMoments, dimension: str) -> VariantMeans:
    """Return everyone's means weighted to the shares of a dimension's segments."""
    strata = [metric.cells[segment] for segment in sorted(metric.cells) if segment[0] == dimension]
    stacked = Moments.stack(strata, axis=-2)
    pooled = stacked.pool(-2)
    linear = kind.reduce(stacked, about=pooled[..., None, :])
    return poststratify(linear.moments, reason=kind.reduce(pooled).reason)


def wanted_segments(moments: ExperimentMoments) -> tuple[Segment, ...]:
    """Return everyone and the segments of the dimensions that the experiment names, sorted."""
    dimensions = moments.planned.numbered.spec.analysis.dimensions
    others = sorted(segment for segment in moments.exposed if segment[0] in dimensions)
    return (EVERYONE, *others)


def _stack(cells: list[VariantMeans]) -> VariantMeans:
    """Put the means of segments side by side along a new first axis."""
    first = cells[0]
    arrays = {
        field.name: np.stack([getattr(cell, field.name) for cell in cells])
        for field in fields(first)
        if field.name not in ("notes", "method")
    }
    names = dict.fromkeys(name for cell in cells for name in cell.notes)
    none = np.zeros(first.n.shape, dtype=bool)
    notes = {name: np.stack([cell.notes.get(name, none) for cell in cells]) for name in names}
    return VariantMeans(**arrays, notes=notes, method=first.method)
