"""Main effects and interactions of a factorial, from the means of its cells."""

from collections.abc import Iterator
from dataclasses import fields
from itertools import combinations, product

import numpy as np

from steelyard.analysis.critical import tuning_of
from steelyard.analysis.insight import Row, insight, metrics_once
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.stats import always_valid
from steelyard.stats.contrast import Contrast, contrast
from steelyard.stats.factorial import factorial_weights, level_weights
from steelyard.stats.means import VariantMeans
from steelyard.stats.reasons import TOO_EARLY


def factorial_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield each factor's effect averaged over the others, and the interactions of two-level factors.

    Under a sequential test p-values and intervals are always valid; a fixed test has them once it is stopped.
    """
    experiment = analysis.calendar.experiment
    if experiment.design != "factorial":
        return
    if experiment.analysis.test == "fixed" and not analysis.calendar.is_stopped:
        return
    for one in metrics_once(analysis):
        for kind, name, weights in _questions(analysis):
            yield _answer(one, analysis, kind, name, weights)


def _questions(analysis: Analysis) -> Iterator[tuple[str, str, FloatArray]]:
    """Yield kind, name and weights of each effect, the weights in the order of the variants."""
    experiment = analysis.calendar.experiment
    base = next(one for one in experiment.variants if one.name == experiment.control).factors
    levels = {
        name: [
            base[name],
            *dict.fromkeys(v.factors[name] for v in experiment.variants if v.factors[name] != base[name]),
        ]
        for name in base
    }
    crossing = list(product(*levels.values()))
    order = [
        crossing.index(tuple(variant.factors[name] for name in levels)) for variant in experiment.variants
    ]
    counts = [len(one) for one in levels.values()]
    for position, (name, found) in enumerate(levels.items()):
        for level in range(1, len(found)):
            yield "main_effect", f"{name}={found[level]}", level_weights(counts, position, level)[order]
    if set(counts) == {2}:
        for size in range(2, len(counts) + 1):
            for subset in combinations(range(len(counts)), size):
                named = " x ".join(list(levels)[k] for k in subset)
                yield "interaction", named, factorial_weights(len(counts), subset)[order]


def _answer(one: TestedMetric, analysis: Analysis, kind: str, name: str, weights: FloatArray) -> Row:
    cells = _everyone(one.means.means)
    alpha = analysis.calendar.experiment.analysis.alpha
    found = contrast(cells, weights, alpha=alpha)
    p, half = float(found.p_value[-1]), float(found.ci_upper[-1] - found.estimate[-1])
    if analysis.calendar.experiment.analysis.test != "fixed":
        p, half = _at_any_time(one, analysis, cells, found)
    reason = str(found.reason[-1]) or ("" if np.isfinite(half) else TOO_EARLY)
    return insight(
        kind,
        one,
        name,
        estimate=found.estimate[-1],
        std_error=found.std_error[-1],
        ci_lower=found.estimate[-1] - half,
        ci_upper=found.estimate[-1] + half,
        statistic=found.statistic[-1],
        p_value=p,
        detail="Averaged over the levels of the other factors, each counting the same.",
        reason=reason or None,
    )


def _at_any_time(
    one: TestedMetric, analysis: Analysis, cells: VariantMeans, found: Contrast
) -> tuple[float, float]:
    """Return the always-valid p-value of all days so far, and half the width of the last day's interval."""
    n, smallest = cells.n.sum(axis=-1), cells.n.min(axis=-1)
    tuning = tuning_of(one.test, analysis.calendar)
    each = always_valid.p_value(found.statistic, n, tuning, smallest_n=smallest)
    alpha = analysis.calendar.experiment.analysis.alpha
    reach = always_valid.critical_value(n[-1], tuning, alpha=alpha, smallest_n=smallest[-1])
    return float(always_valid.running_p(each)[-1]), float(reach * found.std_error[-1])


def _everyone(means: VariantMeans) -> VariantMeans:
    """Return everyone's means, shape (days, variants)."""
    arrays = {
        field.name: np.asarray(getattr(means, field.name)[0])
        for field in fields(means)
        if field.name not in ("notes", "method")
    }
    return VariantMeans(**arrays, notes={}, method=means.method)
