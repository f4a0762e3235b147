"""Main effects and interactions of a factorial, from the means of its cells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations, product

import numpy as np

from steelyard.analysis.critical import tuning_of
from steelyard.analysis.insight import Row, insight, metrics_once
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.spec.experiment import Experiment
from steelyard.stats import always_valid
from steelyard.stats.contrast import Contrast, contrast
from steelyard.stats.factorial import INTERACTION_ALPHA, crossed_weights
from steelyard.stats.means import VariantMeans
from steelyard.stats.reasons import TOO_EARLY


def factorial_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield each factor's effect averaged over the others, and the interactions of factors.

    Under a sequential test p-values and intervals are always valid; a fixed test has them once it is stopped.
    """
    experiment = analysis.calendar.experiment
    if experiment.design != "factorial":
        return
    if experiment.analysis.test == "fixed" and not analysis.calendar.is_stopped:
        return
    for one in metrics_once(analysis):
        found = [(question, _answer(one, analysis, question)) for question in _questions(experiment)]
        depends = {
            name: " and ".join(other for other in question.factors if other != name)
            for question, row in found
            for name in question.factors
            if len(question.factors) == 2 and _is_noticeable(row)
        }
        for question, row in found:
            yield {**row, "detail": _detail(question, row, experiment, depends)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Question:
    """A main effect or an interaction.

    Attributes:
        name: Levels, or factors where each has two levels.
        factors: Names of the factors.
        weights: Of the cells, in the order of the variants.
    """

    name: str
    factors: tuple[str, ...]
    weights: FloatArray

    @property
    def kind(self) -> str:
        return "main_effect" if len(self.factors) == 1 else "interaction"


def _questions(experiment: Experiment) -> Iterator[_Question]:
    """Yield each level's effect against the control's, and the interactions of levels of several factors."""
    base = next(one for one in experiment.variants if one.name == experiment.control).factors
    levels = {
        name: [
            base[name],
            *dict.fromkeys(v.factors[name] for v in experiment.variants if v.factors[name] != base[name]),
        ]
        for name in base
    }
    names, counts = list(levels), [len(one) for one in levels.values()]
    crossing = list(product(*levels.values()))
    order = [
        crossing.index(tuple(variant.factors[name] for name in levels)) for variant in experiment.variants
    ]
    shares = _level_shares(experiment, levels) if experiment.averaging == "population" else None
    for size in range(1, len(counts) + 1):
        for subset in combinations(range(len(counts)), size):
            for chosen in product(*(range(1, counts[k]) for k in subset)):
                said = [
                    f"{names[k]}={levels[names[k]][level]}" for k, level in zip(subset, chosen, strict=True)
                ]
                is_plain = size > 1 and set(counts) == {2}
                yield _Question(
                    name=" x ".join(names[k] for k in subset) if is_plain else " x ".join(said),
                    factors=tuple(names[k] for k in subset),
                    weights=crossed_weights(counts, dict(zip(subset, chosen, strict=True)), shares=shares)[
                        order
                    ],
                )


def _level_shares(experiment: Experiment, levels: Mapping[str, Sequence[str]]) -> list[list[float]]:
    """Return the share of the units that the allocation gives each level of each factor."""
    return [
        [float(sum(v.share for v in experiment.variants if v.factors[name] == level)) for level in found]
        for name, found in levels.items()
    ]


def _is_noticeable(row: Row) -> bool:
    return row["p_value"] is not None and row["p_value"] <= INTERACTION_ALPHA


def _detail(question: _Question, row: Row, experiment: Experiment, depends: Mapping[str, str]) -> str:
    """Return what is averaged over, and whether factors depend on each other noticeably, which decides nothing."""
    how = "each by its share" if experiment.averaging == "population" else "each counting the same"
    text = f"Averaged over the levels of the other factors, {how}."
    if question.kind == "interaction" and _is_noticeable(row):
        return f"{text} Noticeable (p at most {INTERACTION_ALPHA:g}): read the cells beside the main effects."
    if question.kind == "main_effect" and question.factors[0] in depends:
        return f"{text} It depends on {depends[question.factors[0]]}: read the cells."
    return text


def _answer(one: TestedMetric, analysis: Analysis, question: _Question) -> Row:
    cells = _everyone(one.means.means)
    alpha = analysis.calendar.experiment.analysis.alpha
    found = contrast(cells, question.weights, alpha=alpha)
    p, half = float(found.p_value[-1]), float(found.ci_upper[-1] - found.estimate[-1])
    if analysis.calendar.experiment.analysis.test != "fixed":
        p, half = _at_any_time(one, analysis, cells, found)
    reason = str(found.reason[-1]) or ("" if np.isfinite(half) else TOO_EARLY)
    return insight(
        question.kind,
        one,
        question.name,
        estimate=found.estimate[-1],
        std_error=found.std_error[-1],
        ci_lower=found.estimate[-1] - half,
        ci_upper=found.estimate[-1] + half,
        statistic=found.statistic[-1],
        p_value=p,
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
