"""The rows of the table ``decisions``."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from steelyard.analysis.results import Analysis, TestedMetric
from steelyard.stats.decision import Decision, TestResult, decide_all

RECOMMENDATIONS = {
    "ship": "Ship {variant}.",
    "stop": "Stop {variant}: it does harm.",
    "do_not_ship": "Do not ship {variant}.",
    "keep_running": "Keep {variant} running.",
    "invalid": "Do not use the results: the experiment is not valid.",
}


def decision_rows(analysis: Analysis, health: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one row per treatment: the risk-aware rule applied to all tests and to the health checks."""
    experiment = analysis.calendar.experiment
    failed = [check for check in health if check["status"] == "fail"]
    quality = [TestResult(metric=_check_name(check), role="quality", significant=True) for check in failed]
    results = {
        variant.name: [*(_test_result(one, position) for one in analysis.tests), *quality]
        for position, variant in enumerate(experiment.treatments)
    }
    finished = analysis.calendar.is_finished or experiment.status in ("stopped", "decided")
    decisions = decide_all(results, finished=finished)
    for variant in experiment.treatments:
        decision, extra = _hold_back(decisions[variant.name], analysis)
        reasons = [
            {"code": reason.code, "metric": reason.metric, "text": str(reason)} for reason in decision.reasons
        ]
        yield {
            "experiment_id": experiment.name,
            "variant": variant.name,
            "decision": decision.decision,
            "recommendation": _recommendation(decision, variant.name, extra),
            "reasons": json.dumps([*extra, *reasons], ensure_ascii=False),
        }


def _check_name(check: dict[str, Any]) -> str:
    return str(check["check_name"])


def _test_result(one: TestedMetric, treatment: int) -> TestResult:
    """Return a test's result on everyone at the last day."""
    at = (0, -1, treatment)
    statistic = one.comparison.statistic[at]
    is_known = bool(np.isfinite(statistic))
    effect = float(one.comparison.effect[at]) if is_known else 0.0
    return TestResult(
        metric=one.test.label,
        role=one.test.decides_as,
        significant=bool(one.significant[at]) if is_known else None,
        improved=effect * one.test.direction > 0,
        powered=bool(one.size.powered[at]),
    )


def _hold_back(decision: Decision, analysis: Analysis) -> tuple[Decision, list[dict[str, str]]]:
    """Return the decision, or keep running where the minimum runtime has not passed."""
    minimum = analysis.calendar.experiment.duration.minimum_runtime_days
    days = len(analysis.calendar.days)
    if minimum is None or days >= minimum or decision.decision not in ("ship", "do_not_ship"):
        return decision, []
    text = f"The experiment has run {days} of at least {minimum} days."
    extra = [{"code": "minimum_runtime", "metric": "", "text": text}]
    return Decision(decision="keep_running", state="continue", reasons=decision.reasons), extra


def _recommendation(decision: Decision, variant: str, extra: Sequence[dict[str, str]]) -> str:
    """Return the decision and its first reasons as one sentence or two."""
    texts = [reason["text"] for reason in extra] + [str(reason) for reason in decision.reasons]
    return " ".join([RECOMMENDATIONS[decision.decision].format(variant=variant), *_first(texts)])


def _first(texts: Sequence[str]) -> Sequence[str]:
    return texts[:1]
