"""One row of the table ``insights``, and which tests it may speak of."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from steelyard.analysis.results import Analysis, TestedMetric

Row = dict[str, Any]
NUMBERS = ("estimate", "std_error", "ci_lower", "ci_upper", "statistic", "p_value")


def insight(kind: str, one: TestedMetric | None, variant: str, **values: Any) -> Row:
    """Return a row; numbers that are not finite are null.

    Args:
        kind: What the row holds.
        one: The test of the metric; None for rows of no metric.
        variant: Treatment variant.
        values: Other columns.
    """
    row: Row = {
        "kind": kind,
        "metric": "" if one is None else one.test.label,
        "metric_version": 0 if one is None else one.test.measure.key.version,
        "hypothesis": "",
        "variant": variant,
        "dimension": "",
        "segment": "",
        "detail": None,
        "reason": None,
        **dict.fromkeys(NUMBERS),
        **values,
    }
    for name in NUMBERS:
        value = row[name]
        row[name] = float(value) if value is not None and np.isfinite(value) else None
    return row


def metrics_once(analysis: Analysis) -> Iterator[TestedMetric]:
    """Yield the first test of each metric that the experiment decides by, quality metrics aside."""
    seen = set()
    for one in analysis.tests:
        if one.test.decides_as != "quality" and one.test.measure.name not in seen:
            seen.add(one.test.measure.name)
            yield one
