"""Whether a holdback's two sides kept their units: those that left because of a change are missing from its means."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.analysis.health_check import check
from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.spec.project import Health
from steelyard.stats.holdback import attrition_test
from steelyard.stats.srm import CONCENTRATIONS, sequential


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survivors:
    """Units that are still there, by one metric; arrays end in (variants,).

    Attributes:
        metric: The metric's name.
        units: Units that were to be seen by the last day, shape (variants,).
        kept: Those of them that are still there, cumulative, shape (days, variants).
    """

    metric: str
    units: FloatArray
    kept: FloatArray


def attrition(analysis: Analysis, thresholds: Health) -> Iterator[dict[str, Any]]:
    """Yield the metric by which the sides of a holdback differ most in the units that are still there.

    Who is still there is said by the metric of ``retention``, and by each metric that leaves out units without rows.
    Bonferroni over metrics. Once a fixed test is stopped the shares of survivors are compared, else the survivors are
    held against the allocation, at every look together. It warns: changes may lose units without any fault of the
    data, but then the means of those that stay compare different units.
    """
    experiment = analysis.calendar.experiment
    if experiment.design != "holdback":
        return
    found = [(*_tested(one, analysis), one) for one in _survivors(analysis)]
    found = [one for one in found if np.isfinite(one[0])]
    if not found:
        return
    p, statistic, worst = min(found, key=lambda one: one[0])
    adjusted = min(1.0, p * len(found))
    rates = ", ".join(
        f"{variant.name} {kept / units:.2%}"
        for variant, kept, units in zip(experiment.variants, worst.kept[-1], worst.units, strict=True)
        if units
    )
    yield check(
        "attrition",
        "warn" if adjusted < thresholds.srm_alpha else "pass",
        f"Of {len(found)} metrics {worst.metric} differs most in the units that are still there: {rates}.",
        statistic=statistic,
        p_value=adjusted,
        threshold=thresholds.srm_alpha,
    )


def _survivors(analysis: Analysis) -> Iterator[Survivors]:
    """Yield who is still there by each metric that tells."""
    retention = analysis.calendar.experiment.retention
    for one in {one.test.measure.name: one for one in reversed(analysis.tests)}.values():
        metric = analysis.moments.metrics.get(one.test.measure.name)
        if metric is None:
            continue
        cell = metric.cells[EVERYONE]
        if retention is not None and one.test.measure.key.name == retention.name:
            kept = np.round(cell.n * np.where(cell.n > 0, cell.mean[..., 0], 0.0))
            yield Survivors(metric=one.test.label, units=cell.n[-1], kept=kept)
        elif not one.test.measure.is_always_counted:
            units = np.maximum(_to_be_seen(one, analysis), cell.n[-1])
            yield Survivors(metric=one.test.label, units=units, kept=cell.n)


def _to_be_seen(one: TestedMetric, analysis: Analysis) -> FloatArray:
    """Return the units that would count by the last day if all had rows."""
    if one.test.measure.entry == "matured":
        return np.asarray(analysis.calendar.complete(one.test)[-1])
    return np.asarray(analysis.moments.exposed[EVERYONE].sum(axis=0))


def _tested(one: Survivors, analysis: Analysis) -> tuple[float, float]:
    """Return p-value and chi-square; NaN where nobody or everybody is still there."""
    experiment = analysis.calendar.experiment
    conditional = attrition_test(one.units, one.kept[-1])
    p, statistic = float(conditional.p_value), float(conditional.statistic)
    if experiment.analysis.test == "fixed" and analysis.calendar.is_stopped:
        return p, statistic
    # A value that can fall back, such as that of an open window, gives no arrivals; it is left to the last day.
    arrivals = np.maximum(np.diff(np.maximum.accumulate(one.kept, axis=0), axis=0, prepend=0.0), 0.0)
    shares = [float(variant.share) for variant in experiment.variants]
    series = sequential(arrivals, shares, concentration=CONCENTRATIONS)
    return float(series.p_value[-1]) if np.isfinite(p) else np.nan, statistic
