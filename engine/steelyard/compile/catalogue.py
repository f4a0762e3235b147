"""The rows of the catalogue tables ``metrics`` and ``experiments``."""

from typing import Any

from steelyard.compile.lock import meaning_of
from steelyard.compile.measure import MetricKey
from steelyard.compile.metric_query import MetricQuery
from steelyard.spec.experiment import Experiment


def metric_row(key: MetricKey, query: MetricQuery) -> dict[str, Any]:
    """Return a metric's row."""
    config = query.source.config
    return {
        "name": key.name,
        "version": key.version,
        "fingerprint": meaning_of(query).fingerprint,
        "owner": config.owner,
        "description": config.description,
        "sql": query.source.text,
        "metric_type": config.type,
        "unit": config.unit,
        "direction": config.direction,
        "tags": list(config.tags),
    }


def experiment_row(spec: Experiment) -> dict[str, Any]:
    """Return an experiment's row."""
    whole = spec.model_dump(mode="json")
    return {
        "experiment_id": spec.name,
        "hypothesis": spec.hypothesis,
        "owner": spec.owner,
        "surface": spec.surface,
        "status": spec.status,
        "start_date": spec.start,
        "end_date": spec.end,
        "exposures": spec.exposures,
        "variants": whole["variants"],
        "metrics": whole["metrics"],
        "analysis": whole["analysis"],
    }
