"""The rows of the tables ``results``, ``timeseries`` and ``looks``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.analysis.critical import NOT_STOPPED, Calendar, Critical, Evidence, always, fixed, sequential
from steelyard.analysis.hypotheses import Test, design_tests
from steelyard.analysis.means import MetricMeans, estimate_means
from steelyard.analysis.moments import ExperimentMoments
from steelyard.analysis.planned_n import PlannedSize, planned_size
from steelyard.stats.arrays import optional
from steelyard.stats.comparison import Comparison, deterioration, non_inferiority, superiority
from steelyard.stats.decision import DecisionDesign
from steelyard.stats.means import MeanPair
from steelyard.stats.multiplicity import benjamini_hochberg, holm
from steelyard.stats.reasons import fine, first

Looks = Mapping[tuple[str, str, int], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestedMetric:
    """One test with everything that is known of it.

    Attributes:
        test: The test.
        means: The metric's means.
        comparison: On all segments, days and treatments: shape (segments, days, treatments).
        critical: Bounds on everyone: shape (days, treatments).
        significant: Shape (segments, days, treatments).
        size: Planned sample size.
    """

    __test__ = False

    test: Test
    means: MetricMeans
    comparison: Comparison
    critical: Critical
    significant: npt.NDArray[np.bool_]
    size: PlannedSize


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """An experiment, analysed.

    Attributes:
        moments: What it was analysed from.
        calendar: Its looks.
        tests: All tests.
        design: Levels.
    """

    moments: ExperimentMoments
    calendar: Calendar
    tests: list[TestedMetric]
    design: DecisionDesign


def analyse(moments: ExperimentMoments, *, looks: Looks) -> Analysis:
    """Test every metric of an experiment on every day.

    Args:
        moments: The experiment's moments.
        looks: Looks on record by (metric, hypothesis, treatment), in order.
    """
    tests, design = design_tests(moments)
    calendar = Calendar(moments)
    means = {test.measure.name: estimate_means(moments, test.measure) for test in tests}
    pairs = {name: one.pairs for name, one in means.items()}
    evidences = [(test, _evidence(test, pairs[test.measure.name])) for test in tests]
    kind = calendar.experiment.analysis.test
    if kind == "group_sequential":
        bounds = sequential(evidences, calendar, looks)
    else:
        method = fixed if kind == "fixed" else always
        bounds = [method(evidence, test, calendar) for test, evidence in evidences]
    tested = [
        _tested(test, means[test.measure.name], pairs[test.measure.name], critical, calendar)
        for (test, _), critical in zip(evidences, bounds, strict=True)
    ]
    return Analysis(moments=moments, calendar=calendar, tests=_corrected(tested, calendar), design=design)


def _evidence(test: Test, pairs: MeanPair) -> Evidence:
    """Return the evidence of a test on everyone."""
    compared = _compare(test, pairs, critical=1.0)
    everyone = _everyone(pairs)
    signed = compared.statistic[0] if test.sides == 2 else compared.evidence[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = everyone.std_error**2
        if test.hypothesis == "non_inferiority":
            margin = _margin(test)
            share = (
                1 - test.direction * margin if test.use.margin and test.use.margin.kind == "relative" else 1.0
            )
            variance = (
                everyone.var_treatment + share**2 * everyone.var_control - 2 * share * everyone.covariance
            )
    return Evidence.of(everyone, signed, variance)


def _everyone(pairs: MeanPair) -> MeanPair:
    arrays = {name: getattr(pairs, name)[0] for name in MeanPair.__dataclass_fields__ if name != "notes"}
    return MeanPair(**arrays, notes={})


def _margin(test: Test) -> float:
    assert test.use.margin is not None
    return test.use.margin.value


def _compare(test: Test, pairs: MeanPair, *, critical: Any) -> Comparison:
    if test.hypothesis == "non_inferiority":
        assert test.use.margin is not None
        return non_inferiority(
            pairs,
            margin=test.use.margin.value,
            direction=test.direction,
            relative=test.use.margin.kind == "relative",
            critical=critical,
        )
    if test.hypothesis == "deterioration":
        return deterioration(pairs, direction=test.direction, critical=critical)
    return superiority(pairs, alternative=test.alternative, critical=critical)


def _tested(
    test: Test, means: MetricMeans, pairs: MeanPair, critical: Critical, calendar: Calendar
) -> TestedMetric:
    nominal = fixed_levels(test, pairs)
    everyone = critical.interval[None]
    values = np.concatenate([everyone, nominal[1:]]) if len(nominal) > 1 else everyone
    comparison = _compare(test, pairs, critical=values)
    segments = comparison.p_value[1:]
    adjusted = _benjamini_hochberg(segments)
    with np.errstate(invalid="ignore"):
        exploratory = adjusted <= test.alpha
    significant = (
        np.concatenate([critical.crossed[None], exploratory]) if len(segments) else critical.crossed[None]
    )
    size = planned_size(test, pairs, calendar)
    return TestedMetric(
        test=test, means=means, comparison=comparison, critical=critical, significant=significant, size=size
    )


def fixed_levels(test: Test, pairs: MeanPair) -> npt.NDArray[np.float64]:
    """Return the critical values of single looks at the test's level, for segments."""
    found = (
        _compare(test, pairs, critical=None)
        if test.hypothesis != "superiority"
        else superiority(pairs, alpha=test.alpha, alternative=test.alternative)
    )
    if test.hypothesis == "non_inferiority":
        assert test.use.margin is not None
        found = non_inferiority(
            pairs,
            margin=test.use.margin.value,
            direction=test.direction,
            relative=test.use.margin.kind == "relative",
            alpha=test.alpha,
        )
    elif test.hypothesis == "deterioration":
        found = deterioration(pairs, direction=test.direction, alpha=test.alpha)
    return found.critical


def _benjamini_hochberg(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Adjust p-values over the segments (first axis), day by day and treatment by treatment."""
    adjusted = np.full(p.shape, np.nan)
    for day in range(p.shape[1] if p.ndim == 3 else 0):
        for treatment in range(p.shape[2]):
            column = p[:, day, treatment]
            known = ~np.isnan(column)
            if known.any():
                adjusted[known, day, treatment] = benjamini_hochberg(column[known])
    return adjusted


def _corrected(tested: list[TestedMetric], calendar: Calendar) -> list[TestedMetric]:
    """Apply Holm's or Benjamini and Hochberg's correction to the success metrics, over metrics and treatments."""
    correction = calendar.experiment.analysis.correction
    if correction not in ("holm", "bh"):
        return tested
    adjust = holm if correction == "holm" else benjamini_hochberg
    chosen = [one for one in tested if one.test.decides_as == "success"]
    alpha = calendar.experiment.analysis.alpha
    stacked = np.stack([one.critical.p_value for one in chosen])
    rejected = np.zeros(stacked.shape, dtype=bool)
    for day in range(stacked.shape[1]):
        p = stacked[:, day, :].ravel()
        known = ~np.isnan(p)
        if known.any():
            flat = np.zeros(p.shape, dtype=bool)
            flat[known] = adjust(p[known]) <= alpha
            rejected[:, day, :] = flat.reshape(stacked[:, day, :].shape)
    for position, one in enumerate(chosen):
        shown = rejected[position] & (
            fine(one.critical.reason) | (calendar.experiment.analysis.test != "fixed")
        )
        one.significant[0] = shown
    return tested


def result_rows(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield one row per test, segment, treatment and day; the table ``timeseries``."""
    for one in analysis.tests:
        yield from _rows(one, analysis)


def _rows(one: TestedMetric, analysis: Analysis) -> Iterator[dict[str, Any]]:
    experiment, calendar = analysis.calendar.experiment, analysis.calendar
    compared = one.comparison
    hidden = experiment.analysis.test == "fixed" and not calendar.is_stopped
    state = np.broadcast_to(one.critical.reason, compared.p_value.shape).copy()
    state[1:] = np.where(state[1:] == NOT_STOPPED, NOT_STOPPED, "")
    reason = first(np.where(state == NOT_STOPPED, NOT_STOPPED, ""), compared.reason)
    pairs = one.means.pairs
    columns = {
        "n_control": pairs.n_control,
        "n_variant": pairs.n_treatment,
        "mean_control": compared.mean_control,
        "mean_variant": compared.mean_treatment,
        "effect": compared.effect,
        "effect_ci_lower": compared.ci_lower,
        "effect_ci_upper": compared.ci_upper,
        "relative_effect": compared.relative_effect,
        "relative_effect_ci_lower": compared.relative_ci_lower,
        "relative_effect_ci_upper": compared.relative_ci_upper,
        "std_error": compared.std_error,
        "df": compared.df,
        "statistic": compared.statistic,
        "p_value": _shown_p(one),
        "log10_p_value": compared.log10_p_value,
        "nominal_p_value": compared.p_value,
        "variance_reduction": compared.variance_reduction,
        "required_n": one.size.required_n,
        "powered": one.size.powered,
        "bound": np.where(np.isfinite(one.critical.value), one.critical.value, np.nan)[None].repeat(
            len(one.means.segments), axis=0
        ),
        "reason": reason,
        "relative_reason": np.where(fine(reason), compared.relative_reason, ""),
        "test_state": state,
        "significant": one.significant,
        "look": np.broadcast_to(one.critical.look_number, compared.p_value.shape),
    }
    shown = {name: optional(array) for name, array in columns.items()}
    fixed_columns = _fixed_columns(one, analysis)
    raw = _raw_means(one.means)
    for s, (dimension, segment) in enumerate(one.means.segments):
        for t, variant in enumerate(experiment.treatments):
            for d, day in enumerate(calendar.days):
                row = {name: values[s][d][t] for name, values in shown.items()}
                row.update(
                    fixed_columns, as_of=day, dimension=dimension, segment=segment, variant=variant.name
                )
                row.update(mean_control_raw=raw[0][s][d][t], mean_variant_raw=raw[1][s][d][t])
                yield _clean(row, is_hidden=hidden)


def _shown_p(one: TestedMetric) -> npt.NDArray[np.float64]:
    """Return the p-values to show: on everyone that of all looks together, in segments that of one look."""
    p = one.comparison.p_value.copy()
    p[0] = np.where(
        fine(one.comparison.reason[0]) | np.isfinite(one.critical.p_value), one.critical.p_value, np.nan
    )
    p[0] = np.where(np.isnan(one.comparison.statistic[0]), np.nan, p[0])
    return p


def _fixed_columns(one: TestedMetric, analysis: Analysis) -> dict[str, Any]:
    experiment, test = analysis.calendar.experiment, one.test
    query = test.measure.query
    return {
        "experiment_id": experiment.name,
        "metric": test.label,
        "metric_version": test.measure.key.version,
        "metric_type": query.source.config.type,
        "role": test.use.tier or test.use.role,
        "hypothesis": test.hypothesis,
        "control": experiment.control,
        "alpha": test.alpha,
        "margin": None
        if test.use.margin is None or test.hypothesis != "non_inferiority"
        else test.use.margin.value,
        "mde": test.use.mde if test.hypothesis == "superiority" else None,
        "alternative": test.shown_alternative,
        "test": experiment.analysis.test,
        "adjustment": "none" if one.means.means.method in ("none", "quantile") else "cuped",
    }


def _raw_means(means: MetricMeans) -> tuple[Any, Any]:
    raw = means.means.raw_mean
    treated = [k for k in range(raw.shape[-1]) if k != means.control]
    base = np.broadcast_to(raw[..., [means.control]], raw[..., treated].shape)
    n = means.means.n
    known = np.where(n > 0, raw, np.nan)
    return optional(np.where(n[..., [means.control]] > 0, base, np.nan)), optional(known[..., treated])


_HIDDEN = (
    "mean_variant",
    "effect",
    "effect_ci_lower",
    "effect_ci_upper",
    "relative_effect",
    "relative_effect_ci_lower",
    "mean_control",
    "relative_effect_ci_upper",
    "std_error",
    "statistic",
    "p_value",
    "log10_p_value",
    "nominal_p_value",
    "df",
    "variance_reduction",
    "mean_control_raw",
    "mean_variant_raw",
    "bound",
)


def _clean(row: dict[str, Any], *, is_hidden: bool) -> dict[str, Any]:
    """Return a row as the tables hold it: whole numbers of units, one reason, nothing of a test still running."""
    relative = row.pop("relative_reason")
    row["n_control"], row["n_variant"] = round(row["n_control"]), round(row["n_variant"])
    row["required_n"] = None if row["required_n"] is None else round(row["required_n"])
    row["look"] = row["look"] or None
    if is_hidden:
        row.update(dict.fromkeys(_HIDDEN), significant=None, reason=NOT_STOPPED)
        return row
    if row["reason"]:
        if row["statistic"] is None:
            row["significant"] = None
    elif relative:
        row["reason"] = f"relative_effect: {relative}"
    row["reason"] = row["reason"] or None
    return row


def look_rows(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield the looks that are new; the table ``looks``."""
    experiment = analysis.calendar.experiment
    for one in analysis.tests:
        for look in one.critical.looks:
            row = {name: value for name, value in look.items() if name != "treatment"}
            yield {
                **row,
                "experiment_id": experiment.name,
                "metric": one.test.label,
                "variant": experiment.treatments[look["treatment"]].name,
                "hypothesis": one.test.hypothesis,
            }
