"""Interactions between experiments where there are none: the level of each test and of the health check, from rows.

Half of the experiments are rollouts, and all effects grow when their shares do. Within epochs no effect depends on
another experiment, so whoever pools the epochs finds what is not there.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.calibration.conftest import Calibration
from tests.support.small_project import METRICS, START, moment, write

from steelyard.analysis.between_experiments import interaction_check, interactions
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.results import Analysis, analyse
from steelyard.compile.group import plan_groups
from steelyard.run import Project
from steelyard.run.collect import collect_group
from steelyard.run.metrics import read_metrics
from steelyard.spec.project import Health

pytestmark = pytest.mark.slow

SEED, EXPERIMENTS, USERS, DAYS, GROWN = 24, 12, 8_000, 6, 3
NAMES = [f"{'rollout' if k % 2 else 'split'}{k:02}" for k in range(EXPERIMENTS)]
SPEC: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "variants": ["control", "treatment"],
    "metrics": {"primary": ["spend"]},
    "analysis": {"test": "fixed"},
}
ROLLOUT = {
    "design": "rollout",
    "epochs": [
        {"start": START, "allocation": ["75%", "25%"]},
        {"start": START + timedelta(days=GROWN), "allocation": ["50%", "50%"]},
    ],
}


@dataclass(frozen=True)
class Replicate:
    """One world: p-values of all pairs, those of pooled epochs of rollouts, and how many experiments were warned."""

    p_values: list[float]
    pooled: list[float]
    warned: list[bool]


def _tables(seed: int) -> dict[str, list[tuple[Any, ...]]]:
    random = np.random.default_rng(seed)
    day = random.integers(0, DAYS, USERS)
    share = np.where(day < GROWN, 0.25, 0.5)
    treated = {name: random.random(USERS) < (share if "rollout" in name else 0.5) for name in NAMES}
    before = random.gamma(1.0, 2.0, USERS)
    value = (
        before + random.gamma(1.0, 2.0, USERS) + sum(np.where(day < GROWN, 0.0, t) for t in treated.values())
    )
    exposures: list[tuple[Any, ...]] = [
        (name, f"u{k}", "treatment" if treated[name][k] else "control", moment(int(day[k])), "SG")
        for name in NAMES
        for k in range(USERS)
    ]
    events: list[tuple[Any, ...]] = [
        (f"u{k}", moment(int(day[k]), 14), float(value[k])) for k in range(USERS)
    ]
    events += [(f"u{k}", moment(int(day[k]) - 1), float(before[k])) for k in range(USERS)]
    return {"exposures": exposures, "events": events}


def _run(folder: Path, seed: int) -> Replicate:
    specs = {name: SPEC | (ROLLOUT if "rollout" in name else {}) for name in NAMES}
    write(folder, experiments=specs, tables=_tables(seed), metrics={"spend": METRICS["spend"]})
    project = Project.load(folder)
    with project.connect() as warehouse:
        queries = read_metrics(project.files, dialect=warehouse.dialect)
        (group,) = plan_groups(
            project.files,
            queries,
            as_of=START + timedelta(days=DAYS + 1),
            selected=NAMES,
            is_series=False,
        )
        collected = collect_group(group, project.files, warehouse, frozen_caps={})
    found = Replicate(p_values=[], pooled=[], warned=[])
    for name in NAMES:
        analysis, counts = analyse(collected.experiments[name], looks={}), collected.counts[name]
        # A pair is looked at from both sides, and from both it is the same contrast.
        found.p_values.extend(one.p_value for one in interactions(analysis, counts) if one.other.name > name)
        (row,) = interaction_check(analysis, counts, Health(interaction_alpha=0.05))
        found.warned.append(row["status"] == "warn")
        if "rollout" in name:
            found.pooled.extend(_pooled(analysis, counts))
    return found


def _pooled(analysis: Analysis, counts: LogCounts) -> list[float]:
    """Return the p-values that come of adding up epochs whose shares differ."""
    added = LogCounts(
        shared={
            name: replace(
                shared,
                counts=shared.counts.sum(axis=0, keepdims=True),
                moments={key: cells.pool(0)[None] for key, cells in shared.moments.items()},
            )
            for name, shared in counts.shared.items()
        }
    )
    return [one.p_value for one in interactions(analysis, added)]


@pytest.fixture(scope="module")
def replicates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Replicate]:
    worlds = 60 if request.config.getoption("--full-calibration") else 12
    folder = tmp_path_factory.mktemp("interactions")
    return [_run(folder / str(k), SEED + k) for k in range(worlds)]


def test_no_interaction_is_found_more_often_than_its_level_says(
    replicates: list[Replicate], calibrate: Calibration
) -> None:
    p = np.array([p for one in replicates for p in one.p_values])
    assert len(p) == len(replicates) * EXPERIMENTS * (EXPERIMENTS - 1) / 2
    calibrate.near(
        "s24",
        "interaction of two experiments, splits and rollouts: P(p < .05)",
        float(np.mean(p < 0.05)),
        target=0.05,
        replicates=len(p),
        seed=SEED,
        allowance=0.005,
        path="rows",
    )


def test_the_health_check_of_an_experiment_keeps_its_level_over_all_others(
    replicates: list[Replicate], calibrate: Calibration
) -> None:
    warned = [found for one in replicates for found in one.warned]
    reach = 3 * np.sqrt(0.05 * 0.95 / len(warned))
    calibrate.check(
        "s24",
        f"interaction with any of {EXPERIMENTS - 1} experiments: warned at .05",
        float(np.mean(warned)),
        replicates=len(warned),
        seed=SEED,
        high=0.05 + reach,
        path="rows",
    )


def test_epochs_that_are_pooled_show_interactions_that_are_not_there(
    replicates: list[Replicate], calibrate: Calibration
) -> None:
    p = np.array([p for one in replicates for p in one.pooled])
    calibrate.check(
        "s24",
        "negative control: epochs of rollouts pooled, P(p < .05)",
        float(np.mean(p < 0.05)),
        replicates=len(p),
        seed=SEED,
        low=0.1,
        path="rows",
    )
