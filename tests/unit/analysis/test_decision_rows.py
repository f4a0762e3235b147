"""From tests to decisions: what counts as finished, improved, and missing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.support.matrix_world import DAYS, START, experiment, make_rows, moments_of

from steelyard.analysis.decisions import decision_rows
from steelyard.analysis.learning import learning_row
from steelyard.analysis.result_rows import result_rows
from steelyard.analysis.results import Analysis, analyse

ROWS = {kind: make_rows(kind, seed) for seed, kind in enumerate(("mean", "proportion", "ratio", "windowed"))}
FAILED = {"status": "fail", "check_name": "srm", "metric": ""}


def analysed(
    *, as_of: int | None = None, end: int = DAYS - 1, shift: float = 0.0, target: int = 600, **settings: Any
) -> Analysis:
    """Analyse an experiment on one metric, its windows closing at once; ``shift`` moves the treatment."""
    spec = experiment({"metric": "mean"}, "primary", **{"test": "group_sequential", **settings})
    duration = spec.duration.model_copy(update={"target_sample_size_per_variant": target})
    spec = spec.model_copy(update={"end": START + timedelta(days=end), "duration": duration})
    moments = moments_of(spec, ROWS, {})
    moments.lags = {measure.name: 0 for _, measure in moments.planned.measures}
    for metric in moments.metrics.values():
        for segment, cell in metric.cells.items():
            metric.cells[segment] = replace(cell, mean=cell.mean + np.array([[0, 0], [shift, 0]]))
    day = DAYS - 1 if as_of is None else as_of
    numbered = replace(moments.planned.numbered, as_of=START + timedelta(days=day))
    moments.planned = replace(moments.planned, numbered=numbered)
    return analyse(moments, looks={})


def decision(analysis: Analysis, health: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    (row,) = decision_rows(analysis, health or [])
    return row


def outcome(analysis: Analysis, health: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return learning_row(analysis, [decision(analysis, health)], health or [])


def test_an_improvement_ships_and_is_a_win() -> None:
    analysis = analysed(shift=0.5)
    assert decision(analysis)["decision"] == "ship"
    assert (outcome(analysis)["outcome"], outcome(analysis)["fix"]) == ("win", None)


def test_harm_stops_and_is_a_regression() -> None:
    analysis = analysed(shift=-1.0)
    assert decision(analysis)["decision"] == "stop"
    assert outcome(analysis)["outcome"] == "regression"


def test_a_failed_check_is_invalid_and_names_what_to_find_out() -> None:
    analysis = analysed(shift=0.5)
    row = decision(analysis, [FAILED])
    assert row["decision"] == "invalid"
    assert row["reasons"] == [
        {
            "code": "quality_failed",
            "metric": "srm",
            "text": "srm failed, so the numbers cannot be trusted.",
        }
    ]
    learnt = outcome(analysis, [FAILED])
    assert (learnt["outcome"], learnt["learned"]) == ("invalid", False)
    assert learnt["fix"] == "Find out why srm failed, and start again."


def test_nothing_found_with_the_planned_units_teaches_something() -> None:
    analysis = analysed(shift=-0.19)
    assert decision(analysis)["decision"] == "do_not_ship"
    assert outcome(analysis)["outcome"] == "neutral_powered"


def test_nothing_found_with_too_few_units_says_how_many_are_missing() -> None:
    analysis = analysed(shift=-0.19, target=5000)
    assert decision(analysis)["decision"] == "do_not_ship"
    learnt = outcome(analysis)
    assert learnt["outcome"] == "inconclusive"
    assert (
        learnt["fix"] == "Run longer or plan a larger effect: mean needs 5,000 units per variant and has 600."
    )


def test_an_experiment_that_may_still_find_something_keeps_running() -> None:
    analysis = analysed(shift=-0.19, target=5000, end=30)
    assert decision(analysis)["decision"] == "keep_running"
    assert outcome(analysis)["fix"] == "Wait: it is still running."


def test_an_experiment_whose_alpha_is_spent_is_over_before_its_end() -> None:
    analysis = analysed(shift=-0.19, target=300, end=30)
    analysis.tests[0].size.powered[:] = False
    row = decision(analysis)
    assert row["decision"] == "do_not_ship"
    assert row["reasons"][0]["code"] == "success_not_significant"


def test_a_stopped_file_does_not_decide_for_days_before_the_end() -> None:
    """The file says stopped today; a run as of an earlier day gives what that day gave."""
    analysis = analysed(shift=-0.19, target=5000, end=DAYS + 3)
    assert analysis.calendar.experiment.status == "stopped"
    assert decision(analysis)["decision"] == "keep_running"


def test_a_fixed_test_shows_nothing_before_its_end() -> None:
    analysis = analysed(shift=0.5, end=DAYS + 3, test="fixed")
    rows = list(result_rows(analysis))
    assert {row["reason"] for row in rows} == {"fixed_test_not_stopped"}
    assert {row["effect"] for row in rows} == {row["significant"] for row in rows} == {None}
    assert {row["label"] for row in rows} == {"no result yet"}


@pytest.mark.parametrize(("side", "expected"), [(1.0, "ship"), (-1.0, "stop")])
def test_what_decides_is_the_side_on_which_the_bound_was_reached(side: float, expected: str) -> None:
    analysis = analysed(shift=-0.19)
    success = analysis.tests[0]
    success.decisive[-1] = True
    success.critical.side[-1] = side
    assert decision(analysis)["decision"] == expected


def test_a_metric_without_direction_speaks_neither_for_nor_against() -> None:
    analysis = analysed(shift=1.0)
    success = analysis.tests[0]
    neutral = replace(success, test=replace(success.test, direction=0))
    without = replace(analysis, tests=[neutral])
    row = decision(without)
    assert row["decision"] == "do_not_ship"
    assert [reason["code"] for reason in row["reasons"]] == ["success_not_significant"]


def test_the_minimum_runtime_holds_a_decision_back() -> None:
    analysis = analysed(shift=0.5)
    spec = analysis.calendar.experiment
    duration = spec.duration.model_copy(update={"minimum_runtime_days": 9})
    analysis.calendar.experiment = spec.model_copy(update={"duration": duration})
    row = decision(analysis)
    assert row["decision"] == "keep_running"
    assert row["reasons"][0]["text"] == f"The experiment has run {DAYS} of at least 9 days."
