"""A long-term holdback beside the effects that were shipped in its time: does the whole equal the sum of its parts?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from steelyard.analysis.insight import Row, insight, metrics_once
from steelyard.analysis.results import Analysis
from steelyard.stats.holdback import compare_with_shipped

NOT_SHIPPED = "shipped_effect_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What is published of an experiment that was shipped.

    Attributes:
        experiment: Its name.
        variants: The variants that its latest decision ships; one, where it is clear which one runs.
        effects: By metric, effect and standard error: the estimate at stopping where there is one, else the effect.
    """

    experiment: str
    variants: tuple[str, ...] = ()
    effects: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def holdback_rows(analysis: Analysis, shipped: Sequence[Shipped]) -> Iterator[Row]:
    """Yield, for each metric, the holdback's effect less the sum of what was shipped.

    A change is taken to have reached all units outside the holdback where its ``reach`` says nothing else.

    Args:
        analysis: The holdback; its control is what is held back.
        shipped: The experiments that it names.
    """
    settings, reach = analysis.calendar.experiment.analysis, analysis.calendar.experiment.reach
    if not shipped or (settings.test == "fixed" and not analysis.calendar.is_stopped):
        return
    for one in metrics_once(analysis):
        lacking = [each.experiment for each in shipped if one.test.label not in each.effects]
        pairs = one.means.pairs
        for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
            at = (0, -1, treatment)
            if lacking:
                detail = f"No variant with an effect on {one.test.label} is shipped by {', '.join(lacking)}."
                yield insight("shipped_gap", one, variant.name, detail=detail, reason=NOT_SHIPPED)
                continue
            if pairs.reason[at]:
                yield insight("shipped_gap", one, variant.name, reason=str(pairs.reason[at]))
                continue
            effects, errors = zip(*(each.effects[one.test.label] for each in shipped), strict=True)
            gap = compare_with_shipped(
                pairs.effect[at],
                pairs.std_error[at],
                shipped=effects,
                shipped_errors=errors,
                shares=[reach.get(each.experiment, 1.0) for each in shipped],
                alpha=settings.alpha,
            )
            yield insight(
                "shipped_gap",
                one,
                variant.name,
                estimate=gap.gap,
                std_error=gap.std_error,
                ci_lower=gap.ci_lower,
                ci_upper=gap.ci_upper,
                p_value=gap.p_value,
                detail=f"{len(shipped)} shipped changes promised {float(gap.expected):+.4g} together.",
            )
