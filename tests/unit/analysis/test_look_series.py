"""Looks of group sequential tests: which days, which clock, and what is on record."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.support.matrix_world import DAYS, START, UNITS, experiment, make_rows, moments_of

from steelyard.analysis.calendar import Calendar
from steelyard.analysis.hypotheses import design_tests
from steelyard.analysis.moments import EVERYONE, ExperimentMoments
from steelyard.analysis.results import Analysis, TestedMetric, analyse
from steelyard.errors import StatisticsError

ROWS = {kind: make_rows(kind, seed) for seed, kind in enumerate(("mean", "proportion", "ratio", "windowed"))}


def world(*, lag: int = 0, target: int | None = UNITS, **analysis: Any) -> ExperimentMoments:
    """An experiment on one metric whose windows close after some days; by default its last ones close with it."""
    spec = experiment({"metric": "mean"}, "primary", test="group_sequential", **analysis)
    duration = spec.duration.model_copy(update={"target_sample_size_per_variant": target})
    spec = spec.model_copy(update={"duration": duration, "end": START + timedelta(days=DAYS - 1 - lag)})
    moments = moments_of(spec, ROWS, {})
    moments.lags = {measure.name: lag for _, measure in moments.planned.measures}
    return moments


def superiority(analysis: Analysis) -> TestedMetric:
    return next(one for one in analysis.tests if one.test.hypothesis == "superiority")


def calendar(moments: ExperimentMoments) -> tuple[Calendar, Any]:
    return Calendar(moments), design_tests(moments)[0][0]


def as_recorded(analysis: Analysis, *, until: int) -> dict[tuple[str, str, int], list[dict[str, Any]]]:
    found: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for one in analysis.tests:
        for look in one.critical.looks[:until]:
            found.setdefault((one.test.record, one.test.hypothesis, 0), []).append(look)
    return found


def test_units_count_for_the_clock_once_their_window_has_closed() -> None:
    moments = world(lag=2)
    dates, test = calendar(moments)
    exposed = np.cumsum(moments.exposed[EVERYONE].sum(axis=1))
    assert dates.complete(test).sum(axis=1).tolist() == [0, 0, *exposed[: DAYS - 2]]
    expected = np.minimum([0, 0, *exposed[: DAYS - 3] / (2 * UNITS), 1.0], 1.0)
    assert dates.fraction(test) == pytest.approx(expected)


def test_the_clock_counts_to_the_target_of_the_variant_with_the_smallest_share() -> None:
    moments = world()
    spec = moments.planned.numbered.spec
    variants = (
        spec.variants[0].model_copy(update={"allocation": 9000}),
        spec.variants[1].model_copy(update={"allocation": 1000}),
    )
    uneven = spec.model_copy(update={"variants": variants})
    numbered = replace(moments.planned.numbered, spec=uneven)
    moments.planned = replace(moments.planned, numbered=numbered)
    dates, test = calendar(moments)
    exposed = np.cumsum(moments.exposed[EVERYONE].sum(axis=1))
    assert dates.fraction(test)[:-1] == pytest.approx(exposed[:-1] * 0.1 / UNITS)


def test_without_a_target_the_clock_counts_days() -> None:
    dates, test = calendar(world(lag=1, target=None))
    assert dates.fraction(test) == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])


def test_a_test_ends_when_its_own_windows_have_closed() -> None:
    """The date metric's windows close a day before the other's; both spend what is left on their own last day."""
    moments = world(lag=1, target=100 * UNITS)
    (measure,) = {measure.name for _, measure in moments.planned.measures}
    moments.lags[measure] = 0
    one = superiority(analyse(moments, looks={}))
    looks = one.critical.looks
    assert [look["fraction"] == 1.0 for look in looks] == [False, False, False, True, True]
    assert looks[3]["alpha_spent"] == pytest.approx(0.05)
    assert looks[3]["bound"] is not None
    assert looks[4]["bound"] is None


def test_weekly_looks_still_look_when_the_data_end() -> None:
    one = superiority(analyse(world(looks="weekly"), looks={}))
    assert [look["as_of"] for look in one.critical.looks] == [START + timedelta(days=DAYS - 1)]


def test_looks_on_record_stay_as_they_are() -> None:
    whole = analyse(world(), looks={})
    known = as_recorded(whole, until=3)
    again = analyse(world(), looks=known)
    for old, new in zip(whole.tests, again.tests, strict=True):
        assert [look["look"] for look in new.critical.looks] == [4, 5]
        assert new.critical.value == pytest.approx(old.critical.value)
        for one, other in zip(new.critical.looks, old.critical.looks[3:], strict=True):
            assert {**one, "as_of": 0} == pytest.approx({**other, "as_of": 0})


def test_a_bound_on_record_is_not_computed_again() -> None:
    known = as_recorded(analyse(world(), looks={}), until=3)
    for looks in known.values():
        looks[1] = {**looks[1], "bound": 1.234, "crossed": True, "statistic": 1.3}
    one = superiority(analyse(world(), looks=known))
    assert one.critical.value[1, 0] == 1.234
    assert one.critical.crossed[:, 0].tolist() == [False, True, True, True, True]


def test_information_that_falls_spends_nothing() -> None:
    known = as_recorded(analyse(world(), looks={}), until=3)
    for looks in known.values():
        looks[2] = {**looks[2], "information": 1e9}
    one = superiority(analyse(world(), looks=known))
    assert one.critical.reason[3:, 0].tolist() == ["no_new_information"] * 2
    spent = known[("mean", "superiority", 0)][2]["alpha_spent"]
    assert [look["alpha_spent"] for look in one.critical.looks] == [pytest.approx(spent)] * 2


def test_a_look_before_the_start_is_refused() -> None:
    known = as_recorded(analyse(world(), looks={}), until=1)
    for looks in known.values():
        looks[0] = {**looks[0], "as_of": START - timedelta(days=1)}
    with pytest.raises(StatisticsError, match="before the start"):
        analyse(world(), looks=known)


def test_a_look_with_few_units_is_too_early() -> None:
    moments = world()
    for metric in moments.metrics.values():
        cell = metric.cells[EVERYONE]
        metric.cells[EVERYONE] = replace(cell, n=np.minimum(cell.n, [99.0, np.inf]))
    one = superiority(analyse(moments, looks={}))
    assert set(one.critical.reason[:, 0]) == {"too_early"}
    assert not one.critical.crossed.any()


def test_decision_and_interval_agree_where_the_statistic_is_at_the_bound() -> None:
    one = superiority(analyse(world(), looks={}))
    statistic = np.abs(one.comparison.statistic[0])
    excludes_zero = (one.comparison.ci_lower[0] > 0) | (one.comparison.ci_upper[0] < 0)
    has_look = np.isfinite(one.critical.value)
    assert has_look.any()
    assert (excludes_zero == (statistic >= one.critical.value))[has_look].all()


def test_p_values_on_record_are_not_worked_out_again() -> None:
    known = as_recorded(analyse(world(), looks={}), until=3)
    for looks in known.values():
        looks[:] = [{**look, "p_value": 0.3} for look in looks]
    one = superiority(analyse(world(), looks=known))
    assert one.critical.p_value[:3, 0].tolist() == [0.3] * 3
    without = {key: [{**look, "p_value": None} for look in looks] for key, looks in known.items()}
    assert superiority(analyse(world(), looks=without)).critical.p_value[2, 0] < 0.3
