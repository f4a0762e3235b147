"""The rows of the table ``moments``: everything that an analysis needs of the data, to be recomputed from."""

from collections.abc import Iterator
from typing import Any

from steelyard.analysis.means import stored_segments
from steelyard.analysis.moments import ExperimentMoments, MetricMoments


def moment_rows(moments: ExperimentMoments) -> Iterator[dict[str, Any]]:
    """Yield one row per metric, variant, segment and day."""
    experiment = moments.planned.numbered.spec
    for metric in moments.metrics.values():
        names = column_names(metric)
        for dimension, segment in stored_segments(moments):
            cell = metric.cells[(dimension, segment)]
            n, mean, m2 = cell.n.tolist(), cell.mean.tolist(), cell.m2.tolist()
            for d, day in enumerate(moments.days):
                for v, variant in enumerate(experiment.variants):
                    yield {
                        "experiment_id": experiment.name,
                        "as_of": day,
                        "metric": metric.measure.key.name,
                        "metric_version": metric.measure.key.version,
                        "variant": variant.name,
                        "dimension": dimension,
                        "segment": segment,
                        "n": round(n[d][v]),
                        "columns": names,
                        "means": mean[d][v],
                        "m2": m2[d][v],
                    }


def column_names(metric: MetricMoments) -> list[str]:
    """Return the names of the moments' columns: outcome or numerator and denominator, then covariates."""
    outcomes = ["numerator", "denominator"] if len(metric.measure.fills) == 2 else ["outcome"]
    width = metric.cells[("", "")].mean.shape[-1]
    return [*outcomes, *(f"covariate_{number}" for number in range(1, width - len(outcomes) + 1))]
