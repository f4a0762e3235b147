"""The effect of a capped metric under other caps than its own, tested as the metric is."""

from collections.abc import Iterator

import numpy as np

from steelyard.analysis.insight import Row, insight
from steelyard.analysis.means import estimate_means
from steelyard.analysis.moments import MetricMoments
from steelyard.analysis.results import Analysis, TestedMetric, compare
from steelyard.stats.caps import same_finding


def other_caps(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
    """Yield the effect under each other cap at the last day, with the interval that the metric has there."""
    for metric in analysis.moments.other_caps.get(one.test.measure.name, []):
        means = estimate_means(analysis.moments, one.test.measure, metric=metric)
        compared = compare(one.test, means.pairs, critical=one.comparison.critical)
        agree = same_finding([one.comparison, compared])
        with np.errstate(divide="ignore", invalid="ignore"):
            left = one.means.pairs.variance / means.pairs.variance
        for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
            at = (0, -1, treatment)
            is_uncapped = metric.measure.winsorize is None
            yield insight(
                "without_cap" if is_uncapped else "other_cap",
                one,
                variant.name,
                hypothesis=one.test.hypothesis,
                dimension="" if is_uncapped else "cap",
                segment="" if is_uncapped else metric.measure.cap,
                estimate=compared.effect[at],
                std_error=compared.std_error[at],
                ci_lower=compared.ci_lower[at],
                ci_upper=compared.ci_upper[at],
                statistic=compared.statistic[at],
                p_value=compared.p_value[at],
                detail=_detail(metric, agrees=bool(agree[at]), left=float(left[at])),
                reason=str(compared.reason[at]) or None,
            )


def _detail(metric: MetricMoments, *, agrees: bool, left: float) -> str:
    """Return what an effect under another cap says.

    Args:
        metric: The metric under that cap.
        agrees: Whether sign and significance are those under the metric's own.
        left: Variance of the effect under the metric's own cap over that under this one.
    """
    word = "the same as" if agrees else "something else than"
    if metric.measure.winsorize is None:
        share = f" The cap leaves {left:.0%} of the variance." if np.isfinite(left) else ""
        return f"The effect without the cap says {word} with it.{share}"
    share = f" Its variance is {1 / left:.0%} of that." if np.isfinite(left) and left > 0 else ""
    return f"The effect with the cap {_limits(metric)} says {word} with the metric's own.{share}"


def _limits(metric: MetricMoments) -> str:
    """Return a cap in words: what it was called, and of a percentile what it came to."""
    named = metric.measure.cap
    if not metric.measure.percentile_caps or len(metric.measure.fills) > 1:
        return named
    values = " to ".join(f"{metric.caps[side]:.6g}" for side in ("lower", "upper") if side in metric.caps)
    return f"{named} ({values})" if values else named
