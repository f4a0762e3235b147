"""The rows of the tables ``results``, ``timeseries`` and ``looks``."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from steelyard.analysis.critical import LAST_DAY_DECIDES, NOT_STOPPED
from steelyard.analysis.labels import label_of
from steelyard.analysis.means import MetricMeans
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.spec.experiment import Experiment
from steelyard.stats.arrays import optional
from steelyard.stats.comparison import Comparison
from steelyard.stats.means import MeanPair
from steelyard.stats.reasons import fine, first
from steelyard.stats.relative import delta_std_error

_ADJUSTMENTS = {
    "none": "none",
    "quantile": "none",
    "full": "cuped",
    "pooled": "cuped",
    "post_stratify": "post_stratify",
}


def result_rows(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield one row per test, segment, treatment and day; the table ``timeseries``."""
    for one in analysis.tests:
        yield from _rows(one, analysis)


def _rows(one: TestedMetric, analysis: Analysis) -> Iterator[dict[str, Any]]:
    experiment, calendar = analysis.calendar.experiment, analysis.calendar
    compared = one.comparison
    hidden = experiment.analysis.test == "fixed" and not calendar.is_stopped
    state = np.broadcast_to(one.critical.reason, compared.p_value.shape).copy()
    is_withheld = (state == NOT_STOPPED) | (state == LAST_DAY_DECIDES)
    state[1:] = np.where(is_withheld[1:], state[1:], "")
    reason = first(np.where(is_withheld, state, ""), compared.reason)
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
        "relative_std_error": _relative_std_error(pairs),
        "df": compared.df,
        "statistic": compared.statistic,
        "p_value": np.where(np.isnan(compared.statistic), np.nan, one.p_value),
        "log10_p_value": compared.log10_p_value,
        "nominal_p_value": compared.p_value,
        "variance_reduction": compared.variance_reduction,
        "required_n": one.size.required_n,
        "powered": one.size.powered,
        "bound": _on_everyone(
            np.where(np.isfinite(one.critical.value), one.critical.value, np.nan), compared
        ),
        "reason": reason,
        "relative_reason": np.where(fine(reason), compared.relative_reason, ""),
        "test_state": state,
        "significant": one.significant,
        "look": _on_everyone(
            np.where(one.critical.look_number > 0, one.critical.look_number, np.nan), compared
        ),
    }
    shown = {name: optional(array) for name, array in columns.items()}
    fixed_columns = _fixed_columns(one, analysis)
    raw = _raw_means(one.means)
    for s, (dimension, segment) in enumerate(one.means.segments):
        for t, variant in enumerate(experiment.treatments):
            for d, day in enumerate(calendar.days):
                row = {name: values[s][d][t] for name, values in shown.items()}
                row.update(
                    fixed_columns,
                    as_of=day,
                    dimension=dimension,
                    segment=segment,
                    variant=variant.name,
                    test=_test_of_segment(experiment) if dimension else experiment.analysis.test,
                )
                row.update(mean_control_raw=raw[0][s][d][t], mean_variant_raw=raw[1][s][d][t])
                yield _clean(row, is_hidden=hidden)


def _test_of_segment(experiment: Experiment) -> str:
    """Return the kind of test of segments: without a plan of their own to spend alpha by, they are always valid."""
    return "fixed" if experiment.analysis.test == "fixed" else "always_valid"


def _on_everyone(values: FloatArray, compared: Comparison) -> FloatArray:
    """Return values of shape (days, treatments) for everyone, and none for segments."""
    shown = np.full(compared.p_value.shape, np.nan)
    shown[0] = values
    return shown


def _relative_std_error(pairs: MeanPair) -> FloatArray:
    """Return the standard error of the relative effect by the delta method."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = delta_std_error(
            pairs.mean_treatment,
            pairs.var_treatment,
            pairs.mean_control,
            pairs.var_control,
            covariance=pairs.covariance,
        )
    return np.where(pairs.reason == "", found, np.nan)


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
        "adjustment": _ADJUSTMENTS[one.means.means.method],
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
    "relative_std_error",
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
    row["look"] = None if row["look"] is None else round(row["look"])
    if is_hidden:
        row.update(dict.fromkeys(_HIDDEN), significant=None, reason=NOT_STOPPED)
        return {**row, "label": label_of(row)}
    if row["reason"]:
        if row["statistic"] is None or row["reason"] == LAST_DAY_DECIDES:
            row["significant"] = None
    elif relative:
        row["reason"] = f"relative_effect: {relative}"
    row["reason"] = row["reason"] or None
    return {**row, "label": label_of(row)}


def look_rows(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield the looks that are new; the table ``looks``."""
    experiment = analysis.calendar.experiment
    for one in analysis.tests:
        for look in one.critical.looks:
            row = {name: value for name, value in look.items() if name != "treatment"}
            yield {
                **row,
                "experiment_id": experiment.name,
                "metric": one.test.record,
                "metric_version": one.test.measure.key.version,
                "variant": experiment.treatments[look["treatment"]].name,
                "hypothesis": one.test.hypothesis,
            }
