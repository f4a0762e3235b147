"""The printed report: one row per metric, harm always shown, widths, words."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from steelyard.report.overview import render_overview
from steelyard.report.text import WIDTH, Report, render
from steelyard.report.words import reason_text, verdict


def result(metric: str = "checkout_rate", **others: Any) -> dict[str, Any]:
    """Return a row of results: a success metric that has improved."""
    return {
        "metric": metric,
        "role": "primary",
        "hypothesis": "superiority",
        "dimension": "",
        "segment": "",
        "variant": "treatment",
        "control": "control",
        "n_control": 5327,
        "n_variant": 5248,
        "mean_control": 0.57083,
        "mean_variant": 0.61923,
        "effect": 0.0484,
        "effect_ci_lower": 0.0264,
        "effect_ci_upper": 0.0704,
        "relative_effect": 0.0848,
        "relative_effect_ci_lower": 0.0463,
        "relative_effect_ci_upper": 0.1249,
        "p_value": 2e-9,
        "alpha": 0.05,
        "margin": None,
        "alternative": "two-sided",
        "test": "group_sequential",
        "adjustment": "cuped",
        "powered": False,
        "significant": True,
        "reason": None,
        **others,
    }


HARM = {"hypothesis": "deterioration", "significant": False, "alternative": "decrease", "p_value": 0.98}


def report(*results: dict[str, Any], health: tuple[dict[str, Any], ...] = (), **others: Any) -> Report:
    """Return a report of one treatment."""
    experiment = {
        "experiment_id": "checkout-progress-bar",
        "hypothesis": "A progress bar reduces abandonment.",
        "owner": "payments-team",
        "status": "running",
        "start_date": date(2026, 4, 1),
        "end_date": date(2026, 4, 14),
        "analysis": json.dumps({"alpha": 0.05}),
        **others,
    }
    reasons = json.dumps([{"text": "checkout_rate improved significantly."}])
    decision = {"variant": "treatment", "decision": "ship", "reasons": reasons}
    return Report(
        experiment=experiment,
        as_of=date(2026, 4, 14),
        results=results or (result(), result(**HARM)),
        decisions=[decision],
        health=health,
    )


def lines(one: Report, word: str) -> list[str]:
    return [line for line in render(one).splitlines() if word in line]


def test_a_metric_has_one_row_with_effect_interval_and_finding() -> None:
    (line,) = lines(report(), "  checkout_rate")
    assert line.split() == [
        "checkout_rate", "10,575", "0.5708", "0.6192", "+8.48%", "[+4.63%,", "+12.5%]", "<0.001", "better",
    ]  # fmt: skip


def test_harm_to_a_metric_has_a_row_of_its_own() -> None:
    found = lines(
        report(result(significant=False), result(**{**HARM, "significant": True})), "  checkout_rate"
    )
    assert [line.split()[-1] for line in found] == ["unclear", "WORSE"]


def test_harm_takes_the_place_of_a_margin_that_was_missed() -> None:
    margin = result(role="guardrail", hypothesis="non_inferiority", margin=0.01, significant=False)
    (line,) = lines(
        report(margin, result(role="guardrail", **{**HARM, "significant": True})), "  checkout_rate"
    )
    assert line.endswith("WORSE")


def test_the_decision_and_its_reasons_come_before_the_numbers() -> None:
    text = render(report())
    assert text.index("SHIP: treatment\n  - checkout_rate improved") < text.index("treatment against control")


def test_a_missing_value_is_told_in_a_sentence() -> None:
    nothing = dict.fromkeys(("effect", "relative_effect", "p_value", "significant"))
    text = " ".join(render(report(result(**nothing, reason="zero_variance"))).split())
    assert f"checkout_rate: {reason_text('zero_variance')}" in text
    assert reason_text("zero_variance") != "zero variance"


def test_an_effect_without_a_relative_one_is_absolute() -> None:
    (line,) = lines(report(result(relative_effect=None)), "  checkout_rate")
    assert "+0.0484  [+0.0264, +0.0704]" in line


def test_no_line_is_wider_than_a_terminal() -> None:
    failed = {
        "status": "fail",
        "check_name": "srm",
        "dimension": "",
        "segment": "",
        "metric": "",
        "p_value": 1e-9,
        "detail": "Units 19,769 : 18,740, planned 0.5 : 0.5. " * 5,
    }
    rows = [result("time_to_complete_checkout"), result("time_to_complete_checkout", **HARM)]
    segments = [result(dimension="platform", segment=name) for name in ("ios", "web")]
    text = render(
        report(*rows, *segments, health=(failed, {**failed, "status": "pass"}), hypothesis="Words. " * 40)
    )
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "FAIL srm: Units" in text
    assert "Health checks passed: srm (p < 0.001)." in text
    assert text.count("platform = ") == 2


def test_a_corrected_level_is_named() -> None:
    text = render(report(result(alpha=0.025), result(**HARM)))
    assert "level 0.975, which is 0.95 corrected for several comparisons" in text.replace("\n", " ")


def test_the_overview_has_a_line_per_treatment() -> None:
    text = render_overview([report(), report(experiment_id="other")])
    assert text.startswith("2 experiments, as of 2026-04-14\n")
    rows = [line.split() for line in text.splitlines() if "SHIP" in line]
    assert [row[0] for row in rows] == ["checkout-progress-bar", "other"]
    assert rows[0][1:] == ["treatment", "SHIP", "checkout_rate", "+8.48%", "[+4.63%,", "+12.5%]"]


def test_the_overview_draws_effects_towards_zero_by_what_the_programme_shows() -> None:
    effects = [(0.3, 0.1), (-0.3, 0.1), (0.5, 0.3), (-0.5, 0.3)]
    reports = [
        report(result(relative_effect=effect, relative_std_error=error), experiment_id=f"e{k}")
        for k, (effect, error) in enumerate(effects)
    ]
    lines = [line for line in render_overview(reports).splitlines() if "SHIP" in line]
    assert [line.split()[-1] for line in lines] == ["+27.7%", "-27.7%", "+28.6%", "-28.6%"]
    reports[0].decisions[0]["decision"] = "invalid"
    assert "+27.7%" not in render_overview(reports)


@pytest.mark.parametrize(
    ("row", "worse", "words"),
    [
        ({"significant": None}, None, "-"),
        ({"effect": -1.0}, "decrease", "WORSE"),
        ({"effect": -1.0}, "increase", "better"),
        ({"effect": -1.0}, None, "decrease"),
        ({"significant": False, "powered": True}, None, "no effect"),
        ({"significant": False}, None, "unclear"),
        ({"hypothesis": "non_inferiority", "margin": 0.015}, None, "within 1.5%"),
        ({"hypothesis": "non_inferiority", "margin": 0.015, "significant": False}, None, "may lose 1.5%"),
        ({"hypothesis": "deterioration"}, None, "WORSE"),
        ({"hypothesis": "deterioration", "significant": False}, None, "no harm"),
    ],
)
def test_a_finding_is_told_in_two_words(row: dict[str, Any], worse: str | None, words: str) -> None:
    assert verdict(result(**row), worse) == words


def insight(kind: str, **others: Any) -> dict[str, Any]:
    """Return a row of insights."""
    numbers = dict.fromkeys(("std_error", "ci_lower", "ci_upper", "statistic", "p_value"))
    names = {
        "metric": "checkout_rate",
        "metric_version": 1,
        "variant": "treatment",
        "dimension": "",
        "segment": "",
    }
    return {**names, **numbers, "kind": kind, "estimate": 0.5, "detail": "Why.", "reason": None, **others}


def test_the_report_names_segments_that_differ_and_leaves_out_those_that_do_not() -> None:
    parts = [
        insight("segment_effect", dimension="platform", segment=name, estimate=effect)
        for name, effect in (("ios", 0.1), ("web", -0.2))
    ]
    for p, is_shown in ((0.01, True), (0.2, False)):
        rows = (insight("heterogeneity", dimension="platform", p_value=p), *parts)
        text = " ".join(render(replace(report(), insights=rows)).split())
        assert (
            "effects differ by platform (p = 0.010); drawn together: ios +0.1, web -0.2." in text
        ) is is_shown


@pytest.mark.parametrize(
    ("chance", "words"), [(0.99999, "over 99.9%"), (0.25, "25.0%"), (0.00001, "under 0.1%")]
)
def test_the_chance_to_win_of_primary_metrics_is_told(chance: float, words: str) -> None:
    rows = (insight("chance_to_win", estimate=chance), insight("loss_of_variant", estimate=0.002))
    text = " ".join(render(replace(report(), insights=rows)).split())
    assert f"better with a chance of {words}, expected loss of choosing it 0.002" in text
    other = (insight("chance_to_win", estimate=chance, metric="other"),)
    assert "chance" not in render(replace(report(), insights=other))


@pytest.mark.parametrize(("statistic", "is_shown"), [(-1.0, True), (2.0, False)])
def test_futility_is_told_below_its_bound_only(statistic: float, is_shown: bool) -> None:
    rows = (insight("futility", estimate=0.5, statistic=statistic),)
    assert ("below the futility bound" in render(replace(report(), insights=rows))) is is_shown
