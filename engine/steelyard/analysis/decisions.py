"""The rows of the table ``decisions``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from steelyard.analysis.results import Analysis, TestedMetric
from steelyard.spec.experiment import Experiment
from steelyard.stats.aa import judge_aa
from steelyard.stats.decision import Decision, TestResult, decide_all

RECOMMENDATIONS = {
    "ship": "Ship {variant}.",
    "stop": "Stop {variant}: it does harm.",
    "do_not_ship": "Do not ship {variant}.",
    "keep_running": "Keep {variant} running.",
    "invalid": "Do not use the results: the experiment is not valid.",
}
AA_RECOMMENDATIONS = {
    "do_not_ship": "Nothing differs between {variant} and {control}, as it should.",
    "keep_running": "Keep {variant} running: nothing differs so far, as it should.",
    "invalid": "Investigate the pipeline before using it for other experiments.",
}
"""Of an A/A, which has nothing to ship."""
_SIDES = {"greater": 1, "less": -1}


def decision_rows(analysis: Analysis, health: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one row per treatment: the risk-aware rule applied to all tests and to the health checks."""
    experiment = analysis.calendar.experiment
    quality = failed_checks(health)
    results = {
        variant.name: [
            *(outcome_of(one, position, either=experiment.design == "aa") for one in analysis.tests),
            *quality,
        ]
        for position, variant in enumerate(experiment.treatments)
    }
    judge = _judge_all if experiment.design == "aa" else decide_all
    verdicts = {is_over: judge(results, finished=is_over) for is_over in (False, True)}
    for position, variant in enumerate(experiment.treatments):
        is_over = analysis.calendar.is_finished or _is_spent(analysis, position)
        decision, extra = _hold_back(verdicts[is_over][variant.name], analysis)
        reasons = [
            {"code": reason.code, "metric": reason.metric, "text": str(reason)} for reason in decision.reasons
        ]
        yield {
            "experiment_id": experiment.name,
            "variant": variant.name,
            "decision": decision.decision,
            "recommendation": _recommendation(decision, experiment, variant.name, extra),
            "reasons": [*extra, *reasons],
        }


def _judge_all(results: Mapping[str, Sequence[TestResult]], *, finished: bool = False) -> dict[str, Decision]:
    """Judge each treatment of an A/A."""
    return {name: judge_aa(tests, finished=finished) for name, tests in results.items()}


def failed_checks(health: Sequence[dict[str, Any]]) -> list[TestResult]:
    """Return the health checks that failed, those of quality metrics aside, which are tests of their own."""
    failed = [check for check in health if check["status"] == "fail" and check["metric"] == ""]
    return [TestResult(metric=check["check_name"], role="quality", significant=True) for check in failed]


def outcome_of(one: TestedMetric, treatment: int, *, either: bool = False) -> TestResult:
    """Return a test's result on everyone at the last day.

    A metric without a preferred direction can neither speak for shipping nor against it, but ``either`` direction
    speaks against an A/A.
    """
    at = (0, -1, treatment)
    is_known = bool(np.isfinite(one.comparison.statistic[at]))
    preferred = one.test.direction or _SIDES.get(one.test.alternative, 0)
    is_neutral = one.test.decides_as == "success" and preferred == 0 and not either
    return TestResult(
        metric=one.test.label,
        role=one.test.decides_as,
        significant=(bool(one.decisive[-1, treatment]) and not is_neutral) if is_known else None,
        improved=_side(one, treatment) * preferred > 0,
        powered=bool(one.size.powered[at]) and not is_neutral,
    )


def _side(one: TestedMetric, treatment: int) -> float:
    """Return the sign of the effect: where the bound was reached, else as it is now."""
    found = float(one.critical.side[-1, treatment])
    if found:
        return found * _SIDES.get(one.test.alternative, 1)
    return float(np.nan_to_num(np.sign(one.comparison.effect[0, -1, treatment])))


def _is_spent(analysis: Analysis, treatment: int) -> bool:
    """Return whether the tests that shipping still waits for have used up their error probability."""
    open_tests: dict[str, list[bool]] = {"success": [], "guardrail": []}
    for one in analysis.tests:
        if one.test.decides_as in open_tests:
            is_open = not one.decisive[-1, treatment]
            open_tests[one.test.decides_as].append(is_open and bool(one.critical.is_final[-1, treatment]))
    success = [one for one in analysis.tests if one.test.decides_as == "success"]
    return any(open_tests["guardrail"]) or (bool(success) and all(open_tests["success"]))


def _hold_back(decision: Decision, analysis: Analysis) -> tuple[Decision, list[dict[str, str]]]:
    """Return the decision, or keep running where the minimum runtime has not passed."""
    minimum = analysis.calendar.experiment.duration.minimum_runtime_days
    days = len(analysis.calendar.days)
    if minimum is None or days >= minimum or decision.decision not in ("ship", "do_not_ship"):
        return decision, []
    text = f"The experiment has run {days} of at least {minimum} days."
    extra = [{"code": "minimum_runtime", "metric": "", "text": text}]
    return Decision(decision="keep_running", state="continue", reasons=decision.reasons), extra


def _recommendation(
    decision: Decision, experiment: Experiment, variant: str, extra: Sequence[dict[str, str]]
) -> str:
    """Return the decision and its first reason."""
    texts = [reason["text"] for reason in extra] + [str(reason) for reason in decision.reasons]
    words = AA_RECOMMENDATIONS if experiment.design == "aa" else RECOMMENDATIONS
    head = words[decision.decision].format(variant=variant, control=experiment.control)
    return " ".join([head, *texts[:1]])
