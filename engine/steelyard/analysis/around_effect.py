"""What stands around an effect: segments, time, caps, a trigger's dilution, and belief.

Nothing here decides. Under a fixed test it is shown with the results, once the experiment is stopped.
"""

from collections.abc import Iterator, Sequence

from steelyard.analysis.effect_by_segment import segment_insights
from steelyard.analysis.effect_over_time import cohort_insights, novelty_insights
from steelyard.analysis.insight import Row, insight, metrics_once
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.other_caps import other_caps
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.analysis.site_wide import site_wide
from steelyard.stats.bayes import normal_posterior
from steelyard.stats.significance import critical_value

WEAK_PRIOR = 0.3
"""Standard deviation of relative effects before the data (STATISTICS 17: weak)."""

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
    yield from segment_insights(analysis, minimum_units)
    for one in metrics_once(analysis):
        yield from cohort_insights(one, analysis)
        if analysis.calendar.experiment.analysis.novelty:
            yield from novelty_insights(one, analysis)
        yield from _belief(one, analysis)
        yield from other_caps(one, analysis)
        if analysis.calendar.experiment.analysis.trigger is not None:
            yield from site_wide(one, analysis, counts)


def _belief(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
    """Yield posterior, chance to win and expected losses under a weak prior on the relative scale.

    What is the same can neither win nor lose, so that an A/A has none.
    """
    if one.test.direction == 0 or analysis.calendar.experiment.design == "aa":
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
