"""Effects over time: on units that came late, and on the later part of each unit's window."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from steelyard.analysis.insight import Row, insight
from steelyard.analysis.means import means_of
from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis, TestedMetric
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.cluster import compare_clusters
from steelyard.stats.comparison import superiority
from steelyard.stats.means import MeanPair, VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.novelty import change_of_effect, half_weights, pattern, time_contrast

DAY = timedelta(days=1)
NO_COHORTS = "one_cohort"
NO_HALVES = "window_without_halves"
OPEN_WINDOW = "window_not_closed"
# Share of all units' sum of squares that taking the early ones' away may leave of nothing.
ROUNDING = 1e-11


def cohort_insights(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
    """Yield whether units exposed late show another effect than those exposed early."""
    measure, moments = one.test.measure, analysis.moments
    if measure.is_quantile or analysis.calendar.experiment.epochs:
        return
    cell = moments.metrics[measure.name].cells[EVERYONE]
    n = cell.n.sum(axis=-1)
    half = halfway(cell)
    reason = OPEN_WINDOW if measure.entry != "matured" else NO_COHORTS if not 0 < n[half] < n[-1] else ""
    parts = [] if reason else [means_of(part, measure, moments) for part in split(cell, half)]
    change = None if reason else change_of_effect(*(_pairs(part, one, analysis) for part in parts))
    for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
        if change is None:
            yield insight("cohort_change", one, variant.name, reason=reason)
            continue
        effect = one.means.pairs.effect[0, -1, treatment]
        word = str(pattern(effect, change.change[treatment], change.p_value[treatment]))
        after = f"Effect on units that count after {moments.days[half]}, less that on those before"
        yield insight(
            "cohort_change",
            one,
            variant.name,
            estimate=change.change[treatment],
            std_error=change.std_error[treatment],
            ci_lower=change.ci_lower[treatment],
            ci_upper=change.ci_upper[treatment],
            statistic=change.statistic[treatment],
            p_value=change.p_value[treatment],
            detail=f"{after}: {word or 'unknown'}.",
            reason=str(change.reason[treatment]) or None,
        )


def novelty_insights(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
    """Yield the effect on the mean day of each unit's later half of the window less its earlier half."""
    found = analysis.moments.halves.get(one.test.measure.name)
    compared = None
    if found is not None:
        start, end = found.measure.windows[0]
        assert end is not None
        # The values are what the halves add up to.
        weights = half_weights(2) / ((end - start) / DAY)
        contrast = time_contrast(found.cells[EVERYONE][-1], weights)
        compared = superiority(unadjusted(contrast).pairs(one.means.control))
    for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
        if compared is None:
            yield insight("novelty", one, variant.name, reason=NO_HALVES)
            continue
        effect = one.means.pairs.effect[0, -1, treatment]
        word = pattern(effect, compared.effect[treatment], compared.p_value[treatment])
        yield insight(
            "novelty",
            one,
            variant.name,
            estimate=compared.effect[treatment],
            std_error=compared.std_error[treatment],
            ci_lower=compared.ci_lower[treatment],
            ci_upper=compared.ci_upper[treatment],
            statistic=compared.statistic[treatment],
            p_value=compared.p_value[treatment],
            detail=f"Effect per day of a unit's later half of the window less the earlier: {word or 'unknown'}.",
            reason=str(compared.reason[treatment]) or None,
        )


def _pairs(means: VariantMeans, one: TestedMetric, analysis: Analysis) -> MeanPair:
    """Return a cohort's pairs as the design compares them."""
    if analysis.calendar.experiment.design == "cluster":
        return compare_clusters(means, control=one.means.control)
    return means.pairs(one.means.control)


def halfway(cell: Moments) -> int:
    """Return the position of the day by which the number of units that count is nearest to half of all.

    It does not depend on any value.

    Args:
        cell: Running moments, shape (days, variants).
    """
    n = cell.n.sum(axis=-1)
    return int(np.abs(n - n[-1] / 2).argmin())


def split(cell: Moments, day: int) -> tuple[Moments, Moments]:
    """Return the moments of the units that count by a day, and of those that come to count after it.

    Args:
        cell: Running moments, shape (days, ..., variants), of values that do not change once they count.
        day: Position of the day.

    Returns:
        Both, shape (..., variants).
    """
    early, all_units = cell[day], cell[-1]
    # Sums about the mean of all units, so that nothing is lost where the mean is large.
    shift = all_units.mean
    gap = early.mean - shift
    products = all_units.m2 - early.m2 - early.n[..., None, None] * gap[..., :, None] * gap[..., None, :]
    n, sums = all_units.n - early.n, -early.n[..., None] * gap
    m2 = products - sums[..., :, None] * sums[..., None, :] / np.maximum(n, 1.0)[..., None, None]
    # What is left of a value that never varies among the late units is rounding, not variance.
    left, whole = (np.diagonal(one, axis1=-2, axis2=-1) for one in (m2, all_units.m2))
    varies = left > ROUNDING * whole
    late = Moments.from_sums(
        n=n,
        sums=np.zeros_like(sums),
        products=np.where(varies[..., :, None] & varies[..., None, :], m2, 0.0),
        shift=shift + sums / np.maximum(n, 1.0)[..., None],
    )
    return early, late
