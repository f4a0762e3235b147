"""What an effect on the units that met a trigger means for all units that were exposed."""

from collections.abc import Iterator

from steelyard.analysis.insight import Row, insight
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.stats.arrays import TextArray
from steelyard.stats.dilution import diluted, diluted_means

NEEDS_ALL_UNITS = "needs_all_units"


def site_wide(one: TestedMetric, analysis: Analysis, counts: LogCounts) -> Iterator[Row]:
    """Yield the effect of each variant on all exposed units.

    Args:
        one: The test of the metric.
        analysis: The experiment, which has a trigger.
        counts: What its log holds: all exposed units.
    """
    triggered = float(analysis.moments.exposed[EVERYONE].sum())
    all_units = float(sum(counts.assigned.values()))
    if not all_units:
        return
    share = min(triggered / all_units, 1.0)
    found = _effects(one, analysis, share)
    for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
        detail = f"Of {all_units:,.0f} exposed units {share:.1%} met the trigger."
        reason = NEEDS_ALL_UNITS if found is None else str(found[2][treatment])
        if found is None or reason:
            yield insight("site_wide_effect", one, variant.name, detail=detail, reason=reason)
            continue
        effect, error = found[0][treatment], found[1][treatment]
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


def _effects(
    one: TestedMetric, analysis: Analysis, share: float
) -> tuple[FloatArray, FloatArray, TextArray] | None:
    """Return effects, standard errors and reasons at the last day; None where the other units would be needed.

    Of a ratio both parts are diluted, with what the others' parts add up to. Of a quantile, or a mean of those that
    have a value, what the others hold matters, too, and is not at hand.
    """
    moments, measure = analysis.moments, one.test.measure
    if measure.name in moments.others and analysis.calendar.experiment.epochs:
        # What the other units add up to is known over all epochs together, whose shares differ.
        return None
    if measure.name in moments.others:
        is_adjusted = one.means.means.method == "full"
        hit, rest = moments.metrics[measure.name].cells[EVERYONE][-1], moments.others[measure.name][-1]
        pairs = diluted_means(hit, rest, ratio=True, share=share, adjusted=is_adjusted).pairs(
            one.means.control
        )
        return pairs.effect, pairs.std_error, pairs.reason
    if measure.query.source.config.type not in ("mean", "proportion") or not measure.is_always_counted:
        return None
    at = (0, -1)
    effect, error = diluted(one.means.pairs.effect[at], one.means.pairs.std_error[at], share)
    return effect, error, one.means.pairs.reason[at]
