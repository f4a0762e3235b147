"""Moments to means of variants: reduced by the metric's type, adjusted by its covariates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

from steelyard.analysis.moments import EVERYONE, ExperimentMoments, MetricMoments, Segment
from steelyard.compile.measure import Measure
from steelyard.metric_types.base import MetricType
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.spec.design import EPOCH, epoch_and_level, epoch_by
from steelyard.spec.experiment import Experiment
from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.arrays import FloatArray
from steelyard.stats.cluster import compare_clusters
from steelyard.stats.means import MeanPair, VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.poststratification import poststratify
from steelyard.stats.rollout import Weighting, combine_epochs, even_units


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetricMeans:
    """A metric's means in all segments.

    Attributes:
        segments: The segments, in the order of the first axis.
        means: Means of shape (segments, days, variants).
        control: Index of the control.
        pairs: Each treatment beside the control, as the design compares them; shapes (segments, days, treatments).
        units: Units of both, same shape; over epochs those of an even split. They grow like the information, as
            always-valid tests need them to.
    """

    segments: tuple[Segment, ...]
    means: VariantMeans
    control: int
    pairs: MeanPair
    units: FloatArray


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
    control = _control(moments)
    segments = wanted_segments(moments)
    own = None if measure.is_quantile else metric or moments.metrics[measure.name]
    means = _means(moments, measure, own, segments)
    pairs = means.pairs(control)
    units, weighting = pairs.n_control + pairs.n_treatment, weighting_of(experiment)
    if weighting:
        within = {
            k: _means(moments, measure, own, epochs_of(moments, segment)).pairs(control)
            for k, segment in enumerate(segments)
            if segment[0] != EPOCH
        }
        pairs = _with_epochs(pairs, within, weighting)
        for k, parts in within.items():
            units[k] = even_units(*(np.moveaxis(n, 0, -1) for n in (parts.n_control, parts.n_treatment)))
        # Raw means over epochs of different shares say nothing.
        is_epoch = np.array([dimension == EPOCH for dimension, _ in segments])[:, None, None]
        means = replace(means, raw_mean=np.where(is_epoch, means.raw_mean, np.nan))
    elif experiment.design == "cluster":
        pairs = compare_clusters(means, control=control)
    return MetricMeans(segments=segments, means=means, control=control, pairs=pairs, units=units)


def _with_epochs(pairs: MeanPair, within: Mapping[int, MeanPair], weighting: Weighting) -> MeanPair:
    """Return pairs in which all segments but epochs are made up of their epochs, each compared within itself.

    Args:
        pairs: Of all segments, along the first axis.
        within: By the position of a segment, its epochs' pairs, along the first axis.
        weighting: What epochs count by.
    """
    names = [name for name in MeanPair.__dataclass_fields__ if name != "notes"]
    whole = {name: getattr(pairs, name).copy() for name in names}
    noted = {name: array.copy() for name, array in pairs.notes.items()}
    for k, parts in within.items():
        by_day = {name: np.moveaxis(getattr(parts, name), 0, -2) for name in names}
        notes = {name: np.moveaxis(array, 0, -2) for name, array in parts.notes.items()}
        combined = combine_epochs(MeanPair(**by_day, notes=notes), weighting=weighting)
        for name in names:
            whole[name][k] = getattr(combined, name)
        for name, cells in noted.items():
            cells[k] = combined.notes.get(name, False)
    return MeanPair(**whole, notes=noted)


def epochs_of(moments: ExperimentMoments, segment: Segment) -> list[Segment]:
    """Return the parts of everyone or of a segment that lie in one epoch each, in the order of time."""
    dimension, level = segment
    if segment == EVERYONE:
        return sorted(one for one in moments.exposed if one[0] == EPOCH)
    crossed = (one for one in moments.exposed if one[0] == epoch_by(dimension))
    return sorted(one for one in crossed if epoch_and_level(one[1])[1] == level)


def _control(moments: ExperimentMoments) -> int:
    experiment = moments.planned.numbered.spec
    return [variant.name for variant in experiment.variants].index(experiment.control)


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
        return _stack([_stratified(kind, metric, segment, settings.dimensions[0]) for segment in segments])
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


def _stratified(kind: MetricType, metric: MetricMoments, segment: Segment, dimension: str) -> VariantMeans:
    """Return the means of everyone, or of an epoch, weighted to its strata's shares; other segments are as they are."""
    if segment == EVERYONE:
        strata = [one for one in metric.cells if one[0] == dimension]
    elif segment[0] == EPOCH:
        crossed = (one for one in metric.cells if one[0] == epoch_by(dimension))
        strata = [one for one in crossed if epoch_and_level(one[1])[0] == segment[1]]
    else:
        return _unadjusted(kind, metric.cells[segment])
    stacked = Moments.stack([metric.cells[one] for one in sorted(strata)], axis=-2)
    pooled = stacked.pool(-2)
    linear = kind.reduce(stacked, about=pooled[..., None, :])
    return poststratify(linear.moments, reason=kind.reduce(pooled).reason)


def wanted_segments(moments: ExperimentMoments) -> tuple[Segment, ...]:
    """Return everyone and the segments of the dimensions that the experiment names, sorted."""
    experiment = moments.planned.numbered.spec
    dimensions = set(experiment.analysis.dimensions) | ({EPOCH} if experiment.epochs else set())
    others = sorted(segment for segment in moments.exposed if segment[0] in dimensions)
    return (EVERYONE, *others)


def stored_segments(moments: ExperimentMoments) -> tuple[Segment, ...]:
    """Return the segments that results are made of: where the allocation changes, also segments by epoch."""
    experiment = moments.planned.numbered.spec
    crossed = {epoch_by(name) for name in experiment.analysis.dimensions} if experiment.epochs else set()
    return (*wanted_segments(moments), *sorted(one for one in moments.exposed if one[0] in crossed))


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
