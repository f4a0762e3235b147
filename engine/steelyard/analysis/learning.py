"""The row of the table ``learning``: what an experiment has taught so far, and what would have made it teach more."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis, TestedMetric
from steelyard.stats.ewl import LEARNT, classify

FEWEST = 2
"""Units that each variant needs for an experiment to be one."""


def learning_rows(
    analysis: Analysis, decisions: Sequence[dict[str, Any]], health: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the outcome of an experiment; none of an A/A, which tests the pipeline and no change.

    Args:
        analysis: The experiment.
        decisions: Its rows of the table ``decisions``.
        health: Its rows of the table ``health``.
    """
    if analysis.calendar.experiment.design != "aa":
        yield learning_row(analysis, decisions, health)


def learning_row(
    analysis: Analysis, decisions: Sequence[dict[str, Any]], health: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return the outcome of an experiment at its last day.

    With several treatments it is a win if any can be shipped, and powered if all are.

    Args:
        analysis: The experiment.
        decisions: Its rows of the table ``decisions``.
        health: Its rows of the table ``health``.

    References:
        Spotify Engineering (2025), on experiments with learning.
    """
    experiment = analysis.calendar.experiment
    failed = [check["check_name"] for check in health if check["status"] == "fail"]
    units = analysis.moments.exposed[EVERYONE].sum(axis=0)
    success = [one for one in analysis.tests if one.test.decides_as == "success"]
    outcome = str(
        classify(
            valid=not failed and units.min() >= FEWEST,
            shipped=any(row["decision"] == "ship" for row in decisions),
            regressed=any(row["decision"] == "stop" for row in decisions),
            significant=any(one.decisive[-1].any() for one in success),
            powered=bool(success) and all(one.size.powered[0, -1].all() for one in success),
        )
    )
    fixes = [*_invalid(failed, units.min() < FEWEST), *_open(analysis), *_short(success)]
    return {
        "experiment_id": experiment.name,
        "outcome": outcome,
        "learned": outcome in LEARNT,
        "fix": None if outcome in LEARNT or not fixes else fixes[0],
        "owner": experiment.owner,
        "surface": experiment.surface,
    }


def _invalid(failed: Sequence[str], is_empty: bool) -> Iterator[str]:
    if failed:
        yield f"Find out why {', '.join(dict.fromkeys(failed))} failed, and start again."
    if is_empty:
        yield "Check the exposures: a variant has hardly any units."


def _open(analysis: Analysis) -> Iterator[str]:
    if not analysis.calendar.is_finished:
        yield "Wait: it is still running."


def _short(success: Sequence[TestedMetric]) -> Iterator[str]:
    """Yield what the success metrics lack of their power."""
    if not success:
        yield "Name a success metric."
    for one in success:
        for treatment in np.flatnonzero(~one.size.powered[0, -1]):
            required = one.size.required_n[0, -1, treatment]
            pairs = one.means.pairs
            n = min(pairs.n_control[0, -1, treatment], pairs.n_treatment[0, -1, treatment])
            yield (
                f"Run longer or plan a larger effect: {one.test.label} needs {required:,.0f} units per variant and"
                f" has {n:,.0f}."
                if np.isfinite(required)
                else f"Plan {one.test.label}: give it an mde, or the experiment a target sample size."
            )
    yield "Look for a larger effect, or a metric that it moves more directly."
