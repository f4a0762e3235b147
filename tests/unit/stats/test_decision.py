import numpy as np
import pytest

from steelyard.errors import StatisticsError
from steelyard.stats.decision import (
    SENTENCES,
    DecisionReason,
    TestResult,
    decide,
    decide_all,
    decision_design,
)
from steelyard.stats.power import quantile_sum
from steelyard.stats.significance import critical_value

WON = TestResult(metric="orders", role="success", significant=True)
LOST = TestResult(metric="orders", role="success", significant=True, improved=False)
OPEN = TestResult(metric="orders", role="success", significant=False)
POWERED = TestResult(metric="orders", role="success", significant=False, powered=True)
UNKNOWN = TestResult(metric="orders", role="success", significant=None, powered=True)
SAFE = TestResult(metric="latency", role="guardrail", significant=True)
UNSAFE = TestResult(metric="latency", role="guardrail", significant=False)
HARM = TestResult(metric="crashes", role="deterioration", significant=True)
NO_HARM = TestResult(metric="crashes", role="deterioration", significant=False)
HEALTHY = TestResult(metric="srm", role="quality", significant=False)
SICK = TestResult(metric="srm", role="quality", significant=True)
UNCHECKED = TestResult(metric="srm", role="quality", significant=None)

RULE = {
    "all good": ([WON, SAFE, NO_HARM, HEALTHY], "ship", "ship", ["success_significant", "guardrail_safe"]),
    "one of two wins": ([WON, OPEN, SAFE], "ship", "ship", ["success_significant", "guardrail_safe"]),
    "no win yet": ([OPEN, SAFE], "keep_running", "continue", ["success_not_significant"]),
    "guardrail open": ([WON, UNSAFE], "keep_running", "continue", ["guardrail_not_shown_safe"]),
    "harm beats a win": ([WON, SAFE, HARM], "stop", "abort", ["metric_deteriorated"]),
    "significantly worse success": ([LOST, SAFE], "stop", "abort", ["metric_deteriorated"]),
    "invalid beats harm": ([WON, HARM, SICK], "invalid", "invalid", ["quality_failed"]),
    "unchecked quality": ([WON, UNCHECKED], "keep_running", "continue", ["quality_unknown"]),
    "powered without effect": (
        [POWERED, SAFE],
        "do_not_ship",
        "end",
        ["success_powered_without_effect"],
    ),
    "one of two powered": ([POWERED, OPEN], "keep_running", "continue", ["success_not_significant"] * 2),
    "no result": ([UNKNOWN], "keep_running", "continue", ["result_missing"]),
    "guardrails only": ([SAFE], "ship", "ship", ["guardrail_safe"]),
    "monitors only": ([NO_HARM], "keep_running", "continue", ["nothing_to_ship_on"]),
    "nothing at all": ([], "keep_running", "continue", ["nothing_to_ship_on"]),
}


@pytest.mark.parametrize(("results", "decision", "state", "codes"), RULE.values(), ids=RULE)
def test_rule(results: list[TestResult], decision: str, state: str, codes: list[str]) -> None:
    verdict = decide(results)
    assert (verdict.decision, verdict.state) == (decision, state)
    assert [reason.code for reason in verdict.reasons] == codes


@pytest.mark.parametrize(("results", "decision", "state", "codes"), RULE.values(), ids=RULE)
def test_finished_experiments_are_never_kept_running(
    results: list[TestResult], decision: str, state: str, codes: list[str]
) -> None:
    verdict = decide(results, finished=True)
    expected = ("do_not_ship", "end") if decision == "keep_running" else (decision, state)
    assert (verdict.decision, verdict.state) == expected
    assert [reason.code for reason in verdict.reasons] == codes


def test_treatments_are_decided_each_on_its_own_unless_a_quality_check_fails() -> None:
    verdicts = decide_all({"a": [WON, HEALTHY], "b": [OPEN, HEALTHY]})
    assert {name: verdict.decision for name, verdict in verdicts.items()} == {
        "a": "ship",
        "b": "keep_running",
    }
    broken = decide_all({"a": [WON, HEALTHY], "b": [OPEN, SICK]})
    assert {verdict.decision for verdict in broken.values()} == {"invalid"}
    assert broken["b"].reasons == (DecisionReason("quality_failed", "srm"),)


def test_every_reason_code_has_a_sentence_that_names_the_metric() -> None:
    for code in SENTENCES:
        text = str(DecisionReason(code, "orders"))
        assert text.endswith(".")
        assert "{" not in text
    assert str(DecisionReason("metric_deteriorated", "orders")) == "orders became significantly worse."


def test_alarms_share_their_budget_and_take_it_from_the_power() -> None:
    design = decision_design(success=1, guardrails=3, deterioration=5, quality=2, alpha_harm=0.05)
    assert design.alpha_harm == pytest.approx(0.05 / 7)
    assert design.beta == pytest.approx((0.2 - 0.05) / 4)
    milder = decision_design(
        success=1, guardrails=3, deterioration=5, quality=2, alpha_harm=0.05, independent_alarms=True
    )
    assert milder.beta == pytest.approx((0.2 - 0.05) / 0.95 / 4)


def test_treatments_share_alpha() -> None:
    design = decision_design(success=2, guardrails=1, treatments=3)
    assert (design.alpha_success, design.alpha_guardrail) == pytest.approx((0.05 / 6, 0.05 / 3))


def test_rollout_without_tests_that_could_ship_has_no_levels_for_them() -> None:
    design = decision_design(success=0, guardrails=0, deterioration=2, alpha_harm=0.01)
    assert (design.alpha_success, design.beta, design.alpha_harm) == (None, None, 0.005)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.0}, "alpha and power must lie between 0 and 1"),
        ({"power": 1.0}, "alpha and power must lie between 0 and 1"),
        ({"alpha_harm": 0.2, "power": 0.8}, "must be below 1 - power"),
        ({"success": -1}, "must not be negative"),
        ({"treatments": 0}, "of treatments at least 1"),
    ],
)
def test_impossible_designs_are_refused(options: dict, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        decision_design(**{"success": 1, "guardrails": 1, **options})


def ship_rate(success: np.ndarray, guardrails: np.ndarray, alpha: tuple[float, float]) -> float:
    """Share of simulated experiments (rows of z values) that the rule ships."""
    won, safe = (
        success >= critical_value(alpha[0], np.inf, "greater"),
        guardrails >= critical_value(alpha[1], np.inf, "greater"),
    )
    ships = 0
    for wins, passes in zip(won, safe, strict=True):
        tests = [TestResult(metric="s", role="success", significant=bool(win)) for win in wins]
        tests += [TestResult(metric="g", role="guardrail", significant=bool(ok)) for ok in passes]
        ships += decide(tests).decision == "ship"
    return ships / len(won)


def test_rule_keeps_its_promises_in_simulation() -> None:
    """False ships at most alpha, with a guardrail at its margin or no success; and the power as planned."""
    rng, n = np.random.default_rng(9), 8000
    design = decision_design(success=2, guardrails=2)
    levels = (design.alpha_success, design.alpha_guardrail)
    z = rng.normal(size=(n, 4))
    far = 10.0
    at_margin = ship_rate(z[:, :2] + far, z[:, 2:] + [0.0, far], levels)
    no_success = ship_rate(z[:, :2], z[:, 2:] + far, levels)
    # 8,000 repetitions: three standard errors at .05 are .0073.
    assert at_margin == pytest.approx(0.05, abs=0.0073)
    assert no_success <= 0.05 + 0.0073
    drift = [quantile_sum(level, 1 - design.beta, "greater") for level in (*levels, design.alpha_guardrail)]
    planned = z + np.array([drift[0], -far, drift[1], drift[2]])
    assert ship_rate(planned[:, :2], planned[:, 2:], levels) >= 0.8 - 0.0134
    careless = quantile_sum(0.05, 0.8, "greater")
    uncorrected = z + np.array([quantile_sum(0.025, 0.8, "greater"), -far, careless, careless])
    assert ship_rate(uncorrected[:, :2], uncorrected[:, 2:], levels) < 0.6
