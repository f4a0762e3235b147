"""Moments to means of variants: reduced by the metric's type, adjusted by its covariates."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

from steelyard.analysis.moments import EVERYONE, ExperimentMoments, MetricMoments, Segment
from steelyard.compile.measure import Measure
from steelyard.metric_types.base import MetricType
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.spec.design import EPOCH
from steelyard.spec.experiment import Experiment
from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.cluster import compare_clusters
from steelyard.stats.means import MeanPair, VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.poststratification import poststratify
from steelyard.stats.rollout import Weighting, combine_epochs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetricMeans:
    """A metric's means in all segments.

    Attributes:
        segments: The segments, in the order of the first axis.
        means: Means of shape (segments, days, variants).
        control: Index of the control.
        pairs: Each treatment beside the control, as the design compares them; shapes (segments, days, treatments).
    """

    segments: tuple[Segment, ...]
    means: VariantMeans
    control: int
    pairs: MeanPair


def _with_epochs(pairs: MeanPair, weighting: Weighting) -> MeanPair:
    """Return pairs whose first segment, everyone, is made up of the others: epochs are compared each within itself."""
    arrays = {name: getattr(pairs, name) for name in MeanPair.__dataclass_fields__ if name != "notes"}
    by_day = {name: np.moveaxis(array[1:], 0, -2) for name, array in arrays.items()}
    notes = {name: np.moveaxis(array[1:], 0, -2) for name, array in pairs.notes.items()}
    everyone = combine_epochs(MeanPair(**by_day, notes=notes), weighting=weighting)
    whole = {
        name: np.concatenate([getattr(everyone, name)[None], array[1:]]) for name, array in arrays.items()
    }
    noted = {
        name: np.concatenate([everyone.notes[name][None], array[1:]]) for name, array in pairs.notes.items()
    }
    return MeanPair(**whole, notes=noted)


def estimate_means(
    moments: ExperimentMoments, measure: Measure, *, metric: MetricMoments | None = None
) -> MetricMeans:
    """Return a metric's means, everyone first and then each segment.

    Args:
        moments: The experiment.
        measure: The metric.
        metric: Other moments of it than those that decide, such as those under another cap.
    """
    experiment = moments.planned.numbered.spec
    control = [variant.name for variant in experiment.variants].index(experiment.control)
    segments = wanted_segments(moments)
    own = None if measure.is_quantile else metric or moments.metrics[measure.name]
    means = _means(moments, measure, own, segments)
    pairs = means.pairs(control)
    weighting = weighting_of(experiment)
    if weighting:
        pairs = _with_epochs(pairs, weighting)
        # Raw means over epochs of different shares say nothing.
        means = replace(means, raw_mean=np.concatenate([means.raw_mean[:1] * np.nan, means.raw_mean[1:]]))
    elif experiment.design == "cluster":
        pairs = compare_clusters(means, control=control)
    return MetricMeans(segments=segments, means=means, control=control, pairs=pairs)


def _means(
    moments: ExperimentMoments,
    measure: Measure,
    metric: MetricMoments | None,
    segments: Sequence[Segment],
) -> VariantMeans:
    """Return the variants' means, shape (segments, days, variants)."""
    settings = moments.planned.numbered.spec.analysis
    if metric is None:
        cells = moments.quantiles[measure.name]
        return _stack([cells[one] for one in segments])
    kind = _kind(measure)
    if settings.adjustment == "post_stratify":
        others = [_unadjusted(kind, metric.cells[segment]) for segment in segments[1:]]
        return _stack([_poststratified(kind, metric, settings.dimensions[0]), *others])
    stacked = Moments.stack([metric.cells[segment] for segment in segments], axis=0)
    return means_of(stacked, measure, moments)


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


def weighting_of(experiment: Experiment) -> Weighting | Literal[""]:
    """Return how the epochs of an experiment are combined; '' where its allocation never changes.

    By their units under a fixed test, which estimates the mean effect over them. By their information under a
    sequential one: only then do the increments of the score not depend on each other. A bandit's batches add up their
    statistics, because its shares follow the outcomes before.

    References:
        Zhang, Janson & Murphy (2020), "Inference for Batched Bandits", NeurIPS. Jennison & Turnbull
        (2000), Group Sequential Methods, chapter 3.
    """
    if not experiment.epochs:
        return ""
    if experiment.design == "bandit":
        return "batches"
    return "units" if experiment.analysis.test == "fixed" else "information"


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
    experiment = moments.planned.numbered.spec
    dimensions = (EPOCH,) if experiment.epochs else experiment.analysis.dimensions
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
