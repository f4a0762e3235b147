"""What stands around an effect: segments, time, a trigger's dilution, and belief.

Nothing here decides. Under a fixed test it is shown with the results, once the experiment is stopped.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from steelyard.analysis.insight import Row, insight, metrics_once
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.means import means_of
from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.bayes import normal_posterior
from steelyard.stats.caps import cap_sensitivity
from steelyard.stats.comparison import superiority
from steelyard.stats.dilution import diluted
from steelyard.stats.heterogeneity import heterogeneity
from steelyard.stats.means import MeanPair, satterthwaite
from steelyard.stats.moments import Moments
from steelyard.stats.multiplicity import benjamini_hochberg
from steelyard.stats.novelty import half_weights, pattern, time_contrast
from steelyard.stats.reasons import ZERO_VARIANCE
from steelyard.stats.significance import critical_value, p_value

WEAK_PRIOR = 0.3
"""Standard deviation of relative effects before the data (STATISTICS 17: weak)."""

NO_COHORTS = "one_cohort"
NO_HALVES = "window_without_halves"
OPEN_WINDOW = "window_not_closed"
NEEDS_ALL_UNITS = "needs_all_units"
NO_BASE = "control_mean_not_positive"


def around_effect(analysis: Analysis, counts: LogCounts, *, minimum_units: int) -> Iterator[Row]:
    """Yield the insights of an experiment at its last day.

    Args:
        analysis: The experiment.
        counts: What its log holds beside the analysed units.
        minimum_units: Segments with fewer units in a variant are not shown.
    """
    if analysis.calendar.experiment.analysis.test == "fixed" and not analysis.calendar.is_stopped:
        return
    yield from _differences(analysis, minimum_units)
    for one in metrics_once(analysis):
        yield from _cohorts(one, analysis)
        if analysis.calendar.experiment.analysis.novelty:
            yield from _novelty(one, analysis)
        yield from _belief(one, analysis)
        yield from _without_cap(one, analysis)
        if analysis.calendar.experiment.analysis.trigger is not None:
            yield from _dilution(one, analysis, counts)


def _differences(analysis: Analysis, minimum_units: int) -> Iterator[Row]:
    """Yield whether effects differ between segments, corrected for all such questions, and each segment's own."""
    asked: list[tuple[TestedMetric, int, str, list[int]]] = []
    for one in metrics_once(analysis):
        for dimension in dict.fromkeys(name for name, _ in one.means.segments if name):
            at = [k for k, (name, _) in enumerate(one.means.segments) if name == dimension]
            asked += [(one, treatment, dimension, at) for treatment in range(_treatments(analysis))]
    found = [
        heterogeneity(one.means.pairs.effect[at, -1, treatment], one.means.pairs.std_error[at, -1, treatment])
        for one, treatment, _, at in asked
    ]
    corrected = benjamini_hochberg([float(one.p_value) for one in found]) if found else np.empty(0)
    for (one, treatment, dimension, at), result, p in zip(asked, found, corrected, strict=True):
        variant = analysis.calendar.experiment.treatments[treatment].name
        yield insight(
            "heterogeneity",
            one,
            variant,
            dimension=dimension,
            estimate=np.sqrt(result.tau_squared),
            statistic=result.statistic,
            p_value=p,
            detail="Standard deviation of true effects between segments; p-value of their being equal.",
            reason=str(result.reason) or None,
        )
        for k, shrunken in zip(at, result.shrunken, strict=True):
            if _smallest(one.means.pairs, k, treatment) >= minimum_units:
                yield _segment(one, k, treatment, variant, float(shrunken))


def _segment(one: TestedMetric, k: int, treatment: int, variant: str, shrunken: float) -> Row:
    dimension, segment = one.means.segments[k]
    pairs = one.means.pairs
    return insight(
        "segment_effect",
        one,
        variant,
        dimension=dimension,
        segment=segment,
        estimate=shrunken,
        std_error=pairs.std_error[k, -1, treatment],
        p_value=one.adjusted_p[k, -1, treatment] if one.test.hypothesis == "superiority" else None,
        detail="Effect drawn towards that of all segments by its uncertainty; std_error is that of the effect itself.",
        reason=str(pairs.reason[k, -1, treatment]) or None,
    )


def _cohorts(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
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


def _novelty(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
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
    late = Moments.from_sums(
        n=all_units.n - early.n, sums=-early.n[..., None] * gap, products=products, shift=shift
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


def _without_cap(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
    """Yield the effect without the metric's cap, unadjusted, from the same pass over the rows."""
    moments, measure = analysis.moments, one.test.measure
    found = moments.uncapped.get(measure.name)
    limits = moments.metrics[measure.name].caps if found is not None else {}
    if found is None or not limits:
        return
    kind = METRIC_TYPES[measure.query.source.config.type]
    outcomes = list(range(len(measure.fills)))
    cells = [metric.cells[EVERYONE][-1].select(outcomes) for metric in (moments.metrics[measure.name], found)]
    reduced = [kind.reduce(cell) for cell in cells]
    pairs = [unadjusted(part.moments, reason=part.reason).pairs(one.means.control) for part in reduced]
    compared = cap_sensitivity(
        pairs, [limits.get("upper", limits.get("lower", np.nan)), np.nan], alpha=one.test.alpha
    )
    plain = compared.comparisons[1]
    for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
        word = "the same as" if compared.is_stable[treatment] else "something else than"
        gain = compared.precision[0][treatment]
        detail = f"The effect without the cap says {word} with it."
        if np.isfinite(gain):
            detail += f" The cap leaves {gain:.0%} of the variance."
        yield insight(
            "without_cap",
            one,
            variant.name,
            estimate=plain.effect[treatment],
            std_error=plain.std_error[treatment],
            ci_lower=plain.ci_lower[treatment],
            ci_upper=plain.ci_upper[treatment],
            statistic=plain.statistic[treatment],
            p_value=plain.p_value[treatment],
            detail=detail,
            reason=str(plain.reason[treatment]) or None,
        )


def _dilution(one: TestedMetric, analysis: Analysis, counts: LogCounts) -> Iterator[Row]:
    """Yield what the effect on triggered units means for all exposed ones."""
    triggered, all_units = (
        float(analysis.moments.exposed[EVERYONE].sum()),
        float(sum(counts.assigned.values())),
    )
    if not all_units:
        return
    share = min(triggered / all_units, 1.0)
    # A ratio, a quantile, or a mean of those that have a value: what the other units hold matters, too.
    measure = one.test.measure
    is_mean = measure.query.source.config.type in ("mean", "proportion") and measure.is_always_counted
    pairs = one.means.pairs
    for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
        at = (0, -1, treatment)
        detail = f"Of {all_units:,.0f} exposed units {share:.1%} met the trigger."
        reason = str(pairs.reason[at]) if is_mean else NEEDS_ALL_UNITS
        if reason:
            yield insight("site_wide_effect", one, variant.name, detail=detail, reason=reason)
            continue
        effect, error = diluted(pairs.effect[at], pairs.std_error[at], share)
        half = one.critical.interval[-1, treatment] * error
        yield insight(
            "site_wide_effect",
            one,
            variant.name,
            estimate=effect,
            std_error=error,
            ci_lower=effect - half,
            ci_upper=effect + half,
            detail=detail,
        )


def _belief(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
    """Yield posterior, chance to win and expected losses under a weak prior on the relative scale."""
    if one.test.direction == 0:
        return
    pairs = one.means.pairs
    for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
        at = (0, -1, treatment)
        base, reason = float(pairs.mean_control[at]), str(pairs.reason[at])
        if reason or not base > 0:
            yield insight("posterior", one, variant.name, reason=reason or NO_BASE)
            continue
        belief = normal_posterior(
            pairs.effect[at], pairs.std_error[at], prior_sd=WEAK_PRIOR * base, direction=one.test.direction
        )
        yield from _posterior(one, variant.name, belief.mean, belief.sd)
        told: Sequence[tuple[str, FloatArray, str]] = (
            ("chance_to_win", belief.chance_to_win, "Probability that the variant is better than control."),
            ("loss_of_variant", belief.loss_of_treatment, "Expected loss of choosing the variant."),
            ("loss_of_control", belief.loss_of_control, "Expected loss of staying with control."),
        )
        for kind, value, detail in told:
            yield insight(kind, one, variant.name, estimate=value, detail=detail)


def _posterior(one: TestedMetric, variant: str, mean: FloatArray, sd: FloatArray) -> Iterator[Row]:
    half = float(critical_value(0.05)) * sd
    yield insight(
        "posterior",
        one,
        variant,
        estimate=mean,
        std_error=sd,
        ci_lower=mean - half,
        ci_upper=mean + half,
        detail=f"Normal posterior; relative effects have a prior standard deviation of {WEAK_PRIOR:.0%}.",
    )


def _treatments(analysis: Analysis) -> int:
    return len(analysis.calendar.experiment.treatments)


def _smallest(pairs: MeanPair, k: int, treatment: int) -> float:
    return float(min(pairs.n_control[k, -1, treatment], pairs.n_treatment[k, -1, treatment]))
