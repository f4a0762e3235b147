"""Effects over time: on units that came late, and on the later part of each unit's window."""

from collections.abc import Iterator, Sequence

import numpy as np

from steelyard.analysis.insight import Row, insight
from steelyard.analysis.means import means_of
from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis, TestedMetric
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.comparison import superiority
from steelyard.stats.means import MeanPair, satterthwaite
from steelyard.stats.moments import Moments
from steelyard.stats.novelty import half_weights, pattern, time_contrast
from steelyard.stats.reasons import ZERO_VARIANCE
from steelyard.stats.significance import critical_value, p_value

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
    half = int(np.abs(n - n[-1] / 2).argmin())
    reason = OPEN_WINDOW if measure.entry != "matured" else NO_COHORTS if not 0 < n[half] < n[-1] else ""
    parts = [] if reason else [means_of(part, measure, moments) for part in split(cell, half)]
    cohorts = [part.pairs(one.means.control) for part in parts]
    for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
        if reason:
            yield insight("cohort_change", one, variant.name, reason=reason)
            continue
        change = _change(cohorts, treatment)
        word = str(pattern(one.means.pairs.effect[0, -1, treatment], change["estimate"], change["p_value"]))
        after = f"Effect on units that count after {moments.days[half]}, less that on those before"
        detail = f"{after}: {word or 'unknown'}."
        yield insight("cohort_change", one, variant.name, detail=detail, **change)


def novelty_insights(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
    """Yield the effect on each unit's later half of the window less its earlier half."""
    found = analysis.moments.halves.get(one.test.measure.name)
    compared = None
    if found is not None:
        contrast = time_contrast(found.cells[EVERYONE][-1], half_weights(2))
        compared = superiority(unadjusted(contrast).pairs(one.means.control), alpha=one.test.alpha)
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
            detail=f"Effect on a unit's later half of the window less that on its earlier half: {word or 'unknown'}.",
            reason=str(compared.reason[treatment]) or None,
        )


def split(cell: Moments, day: int) -> tuple[Moments, Moments]:
    """Return the moments of the units that count by a day, and of those that come to count after it.

    Args:
        cell: Running moments, shape (days, variants), of values that do not change once they count.
        day: Position of the day.

    Returns:
        Both, shape (variants,).
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


def _change(cohorts: Sequence[MeanPair], treatment: int) -> Row:
    """Return the columns of the difference between two cohorts' effects, which share no unit."""
    early, late = cohorts
    change = float(late.effect[treatment] - early.effect[treatment])
    pieces = np.array([early.variance[treatment], late.variance[treatment]])
    error = float(np.sqrt(pieces.sum()))
    df = satterthwaite(pieces, np.array([early.df[treatment], late.df[treatment]]))
    reason = str(early.reason[treatment] or late.reason[treatment])
    if reason or not error > 0:
        return {"estimate": change, "p_value": np.nan, "reason": reason or ZERO_VARIANCE}
    half = float(critical_value(0.05, df)) * error
    return {
        "estimate": change,
        "std_error": error,
        "ci_lower": change - half,
        "ci_upper": change + half,
        "statistic": change / error,
        "p_value": float(p_value(change / error, df)),
    }
