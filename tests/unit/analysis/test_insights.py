"""What stands around the effects, from rows that the test can see."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats as sp
from tests.support.matrix_world import (
    DAYS,
    START,
    STRATA,
    FloatArray,
    Rows,
    experiment,
    make_rows,
    moments_of,
)

from steelyard.analysis.around_effect import around_effect
from steelyard.analysis.effect_over_time import split
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis, analyse
from steelyard.analysis.stopping import futility_bound, stopping_rows
from steelyard.stats.group_sequential import Look
from steelyard.stats.moments import Moments
from steelyard.stats.stagewise import stagewise

ROWS = {kind: make_rows(kind, seed) for seed, kind in enumerate(("mean", "proportion", "ratio", "windowed"))}
LAST = DAYS - 1
Row = dict[str, Any]


def analysed(metric: str = "mean", rows: dict[str, Rows] = ROWS, **settings: Any) -> Analysis:
    chosen = {"test": "group_sequential", "adjustment": "none", **settings}
    return analyse(moments_of(experiment({"metric": metric}, "primary", **chosen), rows, {}), looks={})


def insights(
    analysis: Analysis, kind: str, *, counts: LogCounts | None = None, minimum: int = 0
) -> list[Row]:
    rows = around_effect(analysis, counts or LogCounts(), minimum_units=minimum)
    return [row for row in rows if row["kind"] == kind]


def outcome(rows: Rows, variant: int, keep: Any = slice(None)) -> FloatArray:
    return rows.values[variant][keep][:, 0]


def difference(rows: Rows, keeps: list[Any]) -> tuple[float, float]:
    """Return effect and squared standard error over the rows kept of each variant."""
    parts = [outcome(rows, variant, keep) for variant, keep in enumerate(keeps)]
    return float(parts[1].mean() - parts[0].mean()), float(sum(p.var(ddof=1) / len(p) for p in parts))


def test_segments_are_compared_by_cochrans_q_and_drawn_together() -> None:
    rows = ROWS["mean"]
    found = [difference(rows, [rows.strata[v] == s for v in (0, 1)]) for s in range(len(STRATA))]
    effect, variance = (np.array(column) for column in zip(*found, strict=True))
    weight = 1 / variance
    centre = (weight * effect).sum() / weight.sum()
    q = float((weight * (effect - centre) ** 2).sum())
    tau = max(0.0, (q - 2) / (weight.sum() - (weight**2).sum() / weight.sum()))
    analysis = analysed()
    (row,) = insights(analysis, "heterogeneity")
    assert row["statistic"] == pytest.approx(q)
    assert row["p_value"] == pytest.approx(sp.chi2.sf(q, 2))
    assert row["estimate"] == pytest.approx(np.sqrt(tau))
    shrunken = {one["segment"]: one["estimate"] for one in insights(analysis, "segment_effect")}
    expected = centre + tau / (tau + variance) * (effect - centre)
    assert [shrunken[name] for name in STRATA] == pytest.approx(expected)


def test_planted_differences_between_segments_are_found_and_segments_carry_corrected_p_values() -> None:
    rows = make_rows("mean", 0)
    values = rows.values.copy()
    values[1, rows.strata[1] == 1, 0] += 3.0
    analysis = analysed(rows={**ROWS, "mean": replace(rows, values=values)})
    (row,) = insights(analysis, "heterogeneity")
    assert row["p_value"] < 1e-6
    one = analysis.tests[0]
    adjusted = {name: one.adjusted_p[k, LAST, 0] for k, (_, name) in enumerate(one.means.segments) if name}
    shown = {one["segment"]: one["p_value"] for one in insights(analysis, "segment_effect")}
    assert shown == pytest.approx(adjusted)
    assert {name for name, p in shown.items() if p <= 0.05} == {
        name for k, (_, name) in enumerate(one.means.segments) if name and one.significant[k, LAST, 0]
    }


def test_heterogeneity_is_corrected_over_metrics() -> None:
    both = insights(analysed("proportion"), "heterogeneity")
    alone = [row["p_value"] for row in insights(analysed("mean"), "heterogeneity")]
    raw = {row["metric"]: sp.chi2.sf(row["statistic"], 2) for row in both}
    assert set(raw) == {"mean", "proportion"}
    assert alone[0] == pytest.approx(raw["mean"])
    ordered = sorted(raw, key=lambda name: raw[name])
    first = min(2 * raw[ordered[0]], raw[ordered[1]], 1.0)
    assert {row["metric"]: row["p_value"] for row in both} == pytest.approx(
        {ordered[0]: first, ordered[1]: raw[ordered[1]]}
    )


def test_small_segments_are_not_shown() -> None:
    shown = insights(analysed(), "segment_effect", minimum=10**6)
    assert shown == []
    assert len(insights(analysed(), "segment_effect")) == len(STRATA)


def test_later_units_are_compared_with_earlier_ones() -> None:
    rows = ROWS["mean"]
    n = np.array([(rows.day <= day).sum() for day in range(DAYS)])
    half = int(np.abs(n - n[-1] / 2).argmin())
    early, late = (
        difference(rows, [keep(rows.day[v]) for v in (0, 1)])
        for keep in (lambda day: day <= half, lambda day: day > half)
    )
    (row,) = insights(analysed(), "cohort_change")
    assert row["estimate"] == pytest.approx(late[0] - early[0])
    assert row["std_error"] == pytest.approx(np.sqrt(early[1] + late[1]))
    assert str(START + timedelta(days=half)) in row["detail"]


@pytest.mark.parametrize(("later", "word"), [(2.0, "growing"), (-2.0, "fading")])
def test_an_effect_that_changes_is_called_so(later: float, word: str) -> None:
    rows = make_rows("mean", 0)
    values = rows.values.copy()
    values[1, rows.day[1] >= 3, 0] += later
    values[1, :, 0] += 1.0
    (row,) = insights(analysed(rows={**ROWS, "mean": replace(rows, values=values)}), "cohort_change")
    assert row["p_value"] < 1e-4
    assert row["detail"].endswith(f"{word}.")


def test_splitting_moments_by_day_gives_those_of_the_rows_after_it() -> None:
    random = np.random.default_rng(3)
    values = 1e6 + random.normal(size=(400, 2))
    early, late = split(
        Moments.stack([Moments.from_rows(values[:150]), Moments.from_rows(values)], axis=0), 0
    )
    assert np.array_equal(early.n, 150)
    expected = Moments.from_rows(values[150:])
    assert late.mean == pytest.approx(expected.mean, rel=1e-13)
    assert late.m2 == pytest.approx(expected.m2, rel=1e-6)


def test_a_value_that_varies_among_early_units_only_leaves_no_variance_of_rounding() -> None:
    random = np.random.default_rng(4)
    values = random.normal(size=(500, 2)) * [1.0, 1e3] + [0.0, 0.1]
    values[200:, 1] = 0.0
    _, late = split(Moments.stack([Moments.from_rows(values[:200]), Moments.from_rows(values)], axis=0), 0)
    assert late.m2[1].tolist() == [0.0, 0.0]
    assert late.m2[:, 1].tolist() == [0.0, 0.0]
    assert late.m2[0, 0] == pytest.approx(Moments.from_rows(values[200:]).m2[0, 0])


def test_values_that_still_change_make_no_cohorts() -> None:
    (row,) = insights(analysed(test="fixed"), "cohort_change")
    assert (row["estimate"], row["reason"]) == (None, "window_not_closed")


def test_a_posterior_weighs_the_effect_with_a_weak_prior() -> None:
    analysis = analysed()
    effect, squared = difference(ROWS["mean"], [slice(None)] * 2)
    base = float(outcome(ROWS["mean"], 0).mean())
    weight = 1 / squared + 1 / (0.3 * base) ** 2
    mean, sd = effect / squared / weight, weight**-0.5
    (row,) = insights(analysis, "posterior")
    assert (row["estimate"], row["std_error"]) == pytest.approx((mean, sd))
    (chance,) = insights(analysis, "chance_to_win")
    assert chance["estimate"] == pytest.approx(sp.norm.cdf(mean / sd))
    draws = np.random.default_rng(1).normal(mean, sd, 400_000)
    (loss,), (other,) = insights(analysis, "loss_of_variant"), insights(analysis, "loss_of_control")
    # Monte-Carlo error of the mean of 400,000 draws is about sd / 600.
    assert loss["estimate"] == pytest.approx(np.maximum(-draws, 0).mean(), abs=0.01 * sd)
    assert other["estimate"] == pytest.approx(np.maximum(draws, 0).mean(), abs=0.01 * sd)


def triggered(metric: str, assigned: dict[int, int]) -> list[Row]:
    spec = experiment({"metric": metric}, "primary", test="group_sequential", adjustment="none")
    spec = spec.model_copy(update={"analysis": spec.analysis.model_copy(update={"trigger": "met"})})
    analysis = analyse(moments_of(spec, ROWS, {}), looks={})
    rows = insights(analysis, "site_wide_effect", counts=LogCounts(assigned=assigned))
    return [row for row in rows if row["metric"] == metric]


def test_an_effect_on_triggered_units_is_diluted_by_the_others() -> None:
    effect, squared = difference(ROWS["mean"], [slice(None)] * 2)
    (row,) = triggered("mean", {0: 3000, 1: 3000})
    assert row["estimate"] == pytest.approx(effect * 0.2)
    assert row["std_error"] == pytest.approx(np.sqrt(squared) * 0.2)
    assert "20.0%" in row["detail"]


def test_a_ratio_is_not_diluted_without_the_other_units_totals() -> None:
    (row,) = triggered("ratio", {0: 3000, 1: 3000})
    assert (row["estimate"], row["reason"]) == (None, "needs_all_units")


def test_experiments_without_a_trigger_have_no_site_wide_effect() -> None:
    assert insights(analysed(), "site_wide_effect") == []


def test_a_fixed_test_that_runs_shows_no_insight() -> None:
    spec = experiment({"metric": "mean"}, "primary", test="fixed")
    spec = spec.model_copy(update={"end": START + timedelta(days=300)})
    moments = moments_of(spec, ROWS, {})
    assert list(around_effect(analyse(moments, looks={}), LogCounts(), minimum_units=0)) == []


def stopping(analysis: Analysis, kind: str) -> list[Row]:
    return [row for row in stopping_rows(analysis) if row["kind"] == kind]


def matured(shift: float, *, target: int = 600, **settings: Any) -> Analysis:
    """Analyse units whose windows close at once, the treatment moved."""
    chosen = {"test": "group_sequential", "adjustment": "none", **settings}
    spec = experiment({"metric": "mean", "mde": 0.2}, "primary", **chosen)
    duration = spec.duration.model_copy(update={"target_sample_size_per_variant": target})
    moments = moments_of(
        spec.model_copy(update={"duration": duration, "end": None, "status": "running"}), ROWS, {}
    )
    moments.lags = {measure.name: 0 for _, measure in moments.planned.measures}
    for metric in moments.metrics.values():
        for segment, cell in metric.cells.items():
            metric.cells[segment] = replace(cell, mean=cell.mean + np.array([[0, 0], [shift, 0]]))
    return analyse(moments, looks={})


@pytest.mark.parametrize("shift", [0.6, -0.6])
def test_a_test_that_stopped_shows_what_its_look_found(shift: float) -> None:
    analysis = matured(shift, target=3000)
    one = analysis.tests[0]
    hit = next(k for k, look in enumerate(one.critical.looks) if look["crossed"])
    looks, last = one.critical.looks[: hit + 1], one.critical.looks[hit]
    assert hit < len(one.critical.looks) - 1
    names = ("information", "fraction", "alpha_spent", "bound")
    expected = stagewise([Look(**{name: look[name] for name in names}) for look in looks], last["statistic"])
    (row,) = stopping(analysis, "stagewise")
    assert (row["estimate"], row["ci_lower"], row["ci_upper"], row["p_value"]) == pytest.approx(
        (expected.estimate, expected.ci_lower, expected.ci_upper, expected.p_value)
    )
    (seen,) = stopping(analysis, "repeated_interval")
    at = (0, analysis.calendar.days.index(last["as_of"]), 0)
    assert seen["estimate"] == pytest.approx(one.comparison.effect[at])
    assert (seen["ci_lower"], seen["ci_upper"]) == pytest.approx(
        (one.comparison.ci_lower[at], one.comparison.ci_upper[at])
    )
    # Stopping early exaggerates: the estimate that allows for it is nearer to zero.
    assert abs(row["estimate"]) < abs(seen["estimate"])
    assert stopping(analysis, "futility") == []


def test_a_one_sided_test_for_a_decrease_keeps_the_sign_of_its_effect() -> None:
    spec = experiment(
        {"metric": "mean", "alternative": "decrease"}, "primary", test="group_sequential", adjustment="none"
    )
    moments = moments_of(spec, ROWS, {})
    moments.lags = {measure.name: 0 for _, measure in moments.planned.measures}
    for metric in moments.metrics.values():
        cell = metric.cells[EVERYONE]
        metric.cells[EVERYONE] = replace(cell, mean=cell.mean + np.array([[0, 0], [-2.0, 0]]))
    (row,) = stopping(analyse(moments, looks={}), "stagewise")
    assert row["ci_lower"] < row["estimate"] < row["ci_upper"] < 0
    assert row["p_value"] < 0.001


def test_looks_on_record_count_for_what_a_stopped_test_shows() -> None:
    first = matured(0.6, target=3000)
    one = first.tests[0]
    stored = {(one.test.record, "superiority", 0): [{**look} for look in one.critical.looks[:2]]}
    again = analyse(first.moments, looks=stored)
    assert len(again.tests[0].critical.record) == len(one.critical.record)
    (row,), (expected,) = stopping(again, "stagewise"), stopping(first, "stagewise")
    assert row["estimate"] == pytest.approx(expected["estimate"])


def test_a_test_on_its_way_shows_its_futility_bound() -> None:
    analysis = matured(-0.19, target=1000)
    (row,) = stopping(analysis, "futility")
    one = analysis.tests[0]
    last = one.critical.looks[-1]
    bound = futility_bound(
        last["fraction"], looks=DAYS, alpha=0.025, power=1 - one.test.beta, spending="power", parameter=2.0
    )
    assert row["estimate"] == pytest.approx(bound)
    assert row["statistic"] == pytest.approx(last["statistic"])
    assert "advice only" in row["detail"]
    below = [matured(-0.19 - 0.05 * k, target=1000) for k in range(4)]
    words = [stopping(each, "futility")[0]["detail"] for each in below if stopping(each, "futility")]
    assert any(": Below" in text for text in words)


@pytest.mark.parametrize(("target", "word"), [(300, "over"), (3000, "within")])
def test_a_plan_that_is_overrun_says_so(target: int, word: str) -> None:
    (row,) = stopping(matured(0.0, target=target), "plan_reached")
    assert row["estimate"] == pytest.approx(600 / target)
    assert f": {word} the plan" in row["detail"]


@pytest.mark.parametrize("kind", ["fixed", "always_valid"])
def test_other_tests_have_no_stopping(kind: str) -> None:
    assert list(stopping_rows(analysed(test=kind))) == []


def test_a_dimension_of_one_segment_has_nothing_to_be_drawn_towards() -> None:
    spec = experiment({"metric": "mean"}, "primary", test="group_sequential", adjustment="none")
    moments = moments_of(spec, ROWS, {})
    for segment in [one for one in moments.exposed if one[1] in STRATA[1:]]:
        del moments.exposed[segment]
    analysis = analyse(moments, looks={})
    (one,) = insights(analysis, "segment_effect")
    (test,) = insights(analysis, "heterogeneity")
    assert (one["segment"], one["estimate"], test["p_value"]) == (STRATA[0], None, None)
    assert one["reason"] == test["reason"] == "insufficient_segments"
