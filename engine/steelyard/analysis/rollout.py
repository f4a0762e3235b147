"""What to do with a rollout at its present stage: go on, go back, or wait."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from steelyard.analysis.decisions import failed_checks, outcome_of
from steelyard.analysis.insight import Row, insight
from steelyard.analysis.results import Analysis, TestedMetric
from steelyard.stats.rollout import judge_rollout
from steelyard.stats.significance import critical_value

WORDS = {"continue": "Continue", "abort": "Abort", "unknown": "Wait"}


def rollout_rows(analysis: Analysis, health: Sequence[dict[str, Any]]) -> Iterator[Row]:
    """Yield one row per treatment: continue, abort or wait, and why.

    Abort where any metric deteriorated or a check failed; continue where every guardrail is within its margin or,
    without one, could have shown harm of the size of its ``mde`` and has not; else wait.
    """
    experiment = analysis.calendar.experiment
    if experiment.design != "rollout":
        return
    guards = {use.metric.name for use in experiment.metrics.guardrails}
    for position, variant in enumerate(experiment.treatments):
        results = []
        for one in analysis.tests:
            result = outcome_of(one, position)
            if one.test.decides_as == "deterioration":
                if one.test.measure.key.name not in guards and not result.significant:
                    continue
                result = replace(result, powered=_could_show(one, position, analysis))
            results.append(result)
        judged = judge_rollout([*results, *failed_checks(health)])
        reasons = " ".join(str(reason) for reason in judged.reasons)
        yield insight("rollout_stage", None, variant.name, detail=f"{WORDS[judged.state]}. {reasons}")


def _could_show(one: TestedMetric, treatment: int, analysis: Analysis) -> bool:
    """Return whether a test for deterioration has the power to show harm of the size of the metric's mde."""
    if one.test.use.mde is None:
        return False
    at = (0, -1, treatment)
    reach = float(one.critical.interval[-1, treatment])
    beta = critical_value(1 - analysis.calendar.experiment.analysis.power, np.inf, "greater")
    wanted = one.test.use.mde * abs(float(one.means.pairs.mean_control[at]))
    error = float(one.means.pairs.std_error[at])
    return bool(np.isfinite(error) and np.isfinite(reach) and (reach + float(beta)) * error <= wanted)
