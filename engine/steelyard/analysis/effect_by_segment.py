"""Effects by segment: do they differ, and what is each one's, given all of them?"""

from collections.abc import Iterator

import numpy as np

from steelyard.analysis.insight import Row, insight, metrics_once
from steelyard.analysis.results import Analysis, TestedMetric
from steelyard.stats.heterogeneity import heterogeneity
from steelyard.stats.means import MeanPair
from steelyard.stats.multiplicity import benjamini_hochberg


def segment_insights(analysis: Analysis, minimum_units: int) -> Iterator[Row]:
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
                yield _segment(one, (k, -1, treatment), variant, float(shrunken), str(result.reason))


def _segment(
    one: TestedMetric, at: tuple[int, int, int], variant: str, shrunken: float, not_drawn: str
) -> Row:
    """Return a segment's row.

    Args:
        one: The metric.
        at: Position of segment, day and treatment.
        variant: Name of the treatment.
        shrunken: The effect drawn towards that of all segments.
        not_drawn: Why it could not be; '' where it could.
    """
    dimension, segment = one.means.segments[at[0]]
    pairs = one.means.pairs
    return insight(
        "segment_effect",
        one,
        variant,
        dimension=dimension,
        segment=segment,
        estimate=shrunken,
        std_error=pairs.std_error[at],
        p_value=one.adjusted_p[at] if one.test.hypothesis == "superiority" else None,
        detail="Effect drawn towards that of all segments by its uncertainty; std_error is that of the effect itself.",
        reason=str(pairs.reason[at]) or not_drawn or None,
    )


def _treatments(analysis: Analysis) -> int:
    return len(analysis.calendar.experiment.treatments)


def _smallest(pairs: MeanPair, k: int, treatment: int) -> float:
    return float(min(pairs.n_control[k, -1, treatment], pairs.n_treatment[k, -1, treatment]))
