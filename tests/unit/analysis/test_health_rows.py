"""Health checks that are looked at every day and must not cry wolf for it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats
from tests.support.matrix_world import DAYS, START, experiment, make_rows, moments_of

from steelyard.analysis.health import health_rows
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis, analyse
from steelyard.spec.project import Health
from steelyard.stats.srm import sequential

ROWS = {"mean": make_rows("mean")}
LIMITS = Health()


def analysed(*, kind: str = "group_sequential", end: int = DAYS - 1) -> Analysis:
    spec = experiment({"metric": "mean"}, "primary", test=kind)
    moments = moments_of(spec.model_copy(update={"end": START + timedelta(days=end)}), ROWS, {})
    numbered = replace(moments.planned.numbered, as_of=START + timedelta(days=DAYS - 1))
    moments.planned = replace(moments.planned, numbered=numbered)
    return analyse(moments, looks={})


def checks(analysis: Analysis, name: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = health_rows(analysis, LogCounts(), LIMITS)
    return {(row["dimension"], row["segment"]): row for row in rows if row["check_name"] == name}


def test_the_split_is_tested_at_every_look_together_until_a_fixed_test_is_stopped() -> None:
    for kind, end, is_single in (
        ("group_sequential", DAYS - 1, False),
        ("fixed", 30, False),
        ("fixed", DAYS - 1, True),
    ):
        analysis = analysed(kind=kind, end=end)
        daily = analysis.moments.exposed[EVERYONE]
        row = checks(analysis, "srm")[EVERYONE]
        single = float(stats.chisquare(daily.sum(axis=0)).pvalue)
        every = float(sequential(daily, [0.5, 0.5]).p_value[-1])
        assert row["p_value"] == pytest.approx(single if is_single else every)
        assert row["statistic"] == pytest.approx(
            float(stats.chisquare(daily.sum(axis=0)).statistic), abs=1e-12
        )


def test_a_broken_split_fails_and_a_broken_segment_warns() -> None:
    analysis = analysed()
    analysis.moments.exposed[EVERYONE][:, 1] *= 0.5
    analysis.moments.exposed[("stratum", "a")][:, 1] *= 0.05
    found = checks(analysis, "srm")
    assert found[EVERYONE]["status"] == "fail"
    assert found[("stratum", "a")]["status"] == "warn"
    assert found[("stratum", "b")]["status"] == "pass"


def test_no_exposures_is_a_warning() -> None:
    analysis = analysed()
    analysis.moments.exposed[EVERYONE][:] = 0
    assert checks(analysis, "srm")[EVERYONE]["status"] == "warn"


def shifted(analysis: Analysis, by: float) -> Analysis:
    """Move the treatment's covariate."""
    for metric in analysis.moments.metrics.values():
        cell = metric.cells[EVERYONE]
        metric.cells[EVERYONE] = replace(cell, mean=cell.mean + np.array([[0, 0], [0, by]]))
    return analysis


@pytest.mark.parametrize(("by", "status"), [(0.0, "pass"), (1.0, "fail")])
def test_a_difference_before_the_exposure_fails(by: float, status: str) -> None:
    assert checks(shifted(analysed(), by), "pre_exposure")[EVERYONE]["status"] == status


def test_a_difference_before_the_exposure_is_remembered() -> None:
    analysis = analysed()
    for metric in analysis.moments.metrics.values():
        cell = metric.cells[EVERYONE]
        moved = cell.mean.copy()
        moved[2, 1, 1] += 1.0
        metric.cells[EVERYONE] = replace(cell, mean=moved)
    assert checks(analysis, "pre_exposure")[EVERYONE]["status"] == "fail"


def test_a_difference_before_the_exposure_is_welch_once_a_fixed_test_is_stopped() -> None:
    analysis = shifted(analysed(kind="fixed"), 0.2)
    (metric,) = analysis.moments.metrics.values()
    cell = metric.cells[EVERYONE]
    before = [
        (cell.mean[-1, v, 1], cell.m2[-1, v, 1, 1] / (cell.n[-1, v] - 1), cell.n[-1, v]) for v in (0, 1)
    ]
    (m0, v0, n0), (m1, v1, n1) = before
    expected = stats.ttest_ind_from_stats(m1, np.sqrt(v1), n1, m0, np.sqrt(v0), n0, equal_var=False)
    row = checks(analysis, "pre_exposure")[EVERYONE]
    assert row["p_value"] == pytest.approx(float(expected.pvalue))
    peeked = checks(shifted(analysed(kind="fixed", end=30), 0.2), "pre_exposure")[EVERYONE]
    assert peeked["p_value"] > row["p_value"]


def test_days_before_any_window_has_closed_have_no_check_before_the_exposure() -> None:
    analysis = analysed()
    for metric in analysis.moments.metrics.values():
        cell = metric.cells[EVERYONE]
        metric.cells[EVERYONE] = replace(cell, n=np.zeros_like(cell.n))
    assert checks(analysis, "pre_exposure") == {}


def test_daily_checks_of_a_fair_split_rarely_fail() -> None:
    """A chi-square at 1 % looked at on 28 days would alarm in about one experiment of thirteen."""
    rng = np.random.default_rng(20260401)
    failed = naive = 0
    for _ in range(400):
        daily = rng.binomial(200, 0.5, 28)
        counts = np.column_stack([daily, 200 - daily]).astype(float)
        failed += bool(sequential(counts, [0.5, 0.5]).p_value[-1] < 0.01)
        running = counts.cumsum(axis=0)
        naive += bool((stats.chisquare(running, axis=1).pvalue < 0.01).any())
    assert failed / 400 <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / 400)
    assert naive / 400 > 0.04


@pytest.mark.parametrize(("treated", "status"), [(30, "pass"), (150, "warn")])
def test_leaving_out_units_seen_twice_is_measured_against_an_uneven_split(treated: int, status: str) -> None:
    """Assigned anew at each visit, units of a small variant are seen in the other more often."""
    analysis = analysed()
    spec = analysis.calendar.experiment
    uneven = tuple(
        variant.model_copy(update={"allocation": share})
        for variant, share in zip(spec.variants, (9000, 1000), strict=True)
    )
    analysis.calendar.experiment = spec.model_copy(update={"variants": uneven})
    limits = LIMITS.model_copy(update={"multiple_exposure_share": 0.5})
    counts = LogCounts(multiple={0: 300 - treated, 1: treated})
    (row,) = [
        one for one in health_rows(analysis, counts, limits) if one["check_name"] == "multiple_exposure"
    ]
    assert row["status"] == status
    assert row["p_value"] == pytest.approx(float(stats.chisquare([300 - treated, treated], [270, 30]).pvalue))
