"""Re-randomised experiments, from rows to decisions: false positives keep to their level, a naive reader's do not.

The demo's users are assigned anew by a salt, a hundred experiments to a run of the engine.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tests.calibration.conftest import Calibration
from tests.e2e.conftest import copy_demo, load, steelyard

from steelyard.analysis.decisions import decision_rows
from steelyard.analysis.health import health_rows
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.results import analyse
from steelyard.run import Project
from steelyard.run.collect import compute_moments
from steelyard.spec.project import Health

pytestmark = pytest.mark.slow

BATCH, QUICK, FULL = 100, 200, 1000
ROLLED_QUICK, ROLLED_FULL = 100, 400
USERS, SEED = 6_000, 20260401
START, END = date(2026, 4, 1), date(2026, 4, 14)
SPEC: dict[str, Any] = {
    "exposures": "app",
    "status": "stopped",
    "start": START,
    "end": END,
    "variants": ["control", "treatment"],
    "metrics": {
        "primary": ["conversion", "checkout_rate"],
        "guardrails": [{"metric": "orders_per_user", "margin": {"absolute": 1.0}}],
    },
    "duration": {"target_sample_size_per_variant": 2000},
    "analysis": {"test": "group_sequential", "looks": "daily", "spending": "power"},
}
GROWN = date(2026, 4, 6)
ROLLOUT: dict[str, Any] = {
    **SPEC,
    "design": "rollout",
    "epochs": [
        {"start": START, "allocation": ["90%", "10%"]},
        {"start": GROWN, "allocation": ["50%", "50%"]},
    ],
}
STRATIFIED: dict[str, Any] = {
    **ROLLOUT,
    "analysis": {**SPEC["analysis"], "adjustment": "post_stratify", "dimensions": ["platform"]},
}
SAME: dict[str, Any] = {
    **SPEC,
    "design": "aa",
    "metrics": {
        "primary": ["conversion", "checkout_rate"],
        "guardrails": ["orders_per_user", "pages_per_session"],
    },
}
RELABELLED = """
insert into exposures (experiment_id, user_id, variant, exposed_at, country, platform)
select 'null-' || lpad(salt::varchar, 4, '0'), user_id,
  case when case when exposed_at < ? then hashed % 10 > 0 else hashed % 2 = 0 end then 'control' else 'treatment' end,
  exposed_at, country, platform
from (
  select salt, first_seen.*, ('0x' || substr(md5(salt || ':' || user_id), 1, 8))::bigint as hashed
  from (
    select user_id, min(exposed_at) as exposed_at, any_value(country) as country, any_value(platform) as platform
    from exposures where experiment_id = 'ranking-service-aa' group by user_id
  ) as first_seen, range(?, ?) as salts(salt)
)
"""


@dataclass(frozen=True)
class Replicate:
    """What one re-randomised experiment came to.

    Attributes:
        rejected: Whether a success metric's bound was crossed at any look, in either direction.
        naive: Whether the p-value of any single day was below 0.05.
        guarded: Whether the guardrail with a wide margin passed.
        p_values: P-values of all looks together, of each success metric.
        decision: What was decided, health checks included.
        undisturbed: What would have been decided without them.
        failed: Health checks that failed.
    """

    rejected: bool
    naive: bool
    guarded: bool
    p_values: tuple[float, ...]
    decision: str
    undisturbed: str
    failed: tuple[str, ...]


@pytest.fixture(scope="module")
def replicates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Replicate]:
    """The same users assigned anew by a salt, as experiments that share each scan."""
    total = FULL if request.config.getoption("--full-calibration") else QUICK
    folder = _seeded(tmp_path_factory.mktemp("null"))
    return [one for first in range(0, total, BATCH) for one in _run(folder, first, SPEC)]


@pytest.fixture(scope="module")
def rolled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Replicate]:
    """The same users in rollouts that grow from a tenth to a half."""
    total = ROLLED_FULL if request.config.getoption("--full-calibration") else ROLLED_QUICK
    folder = _seeded(tmp_path_factory.mktemp("rolled"))
    return [one for first in range(0, total, BATCH) for one in _run(folder, first, ROLLOUT)]


@pytest.fixture(scope="module")
def stratified(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Replicate]:
    """The same rollouts, stratified by platform within each epoch."""
    total = ROLLED_FULL if request.config.getoption("--full-calibration") else ROLLED_QUICK
    folder = _seeded(tmp_path_factory.mktemp("stratified"))
    return [one for first in range(0, total, BATCH) for one in _run(folder, first, STRATIFIED)]


@pytest.fixture(scope="module")
def same(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Replicate]:
    """The same users in A/As of four metrics."""
    total = ROLLED_FULL if request.config.getoption("--full-calibration") else ROLLED_QUICK
    folder = _seeded(tmp_path_factory.mktemp("same"))
    return [one for first in range(0, total, BATCH) for one in _run(folder, first, SAME)]


def _seeded(root: Path) -> Path:
    """Return the demo with fewer users."""
    folder = copy_demo(root)
    data = folder / "fixtures" / "data"
    data.mkdir(parents=True)
    for name, table in load("generate").build(users=USERS).items():
        pq.write_table(table, data / f"{name}.parquet")
    assert steelyard(folder, "seed").exit_code == 0
    return folder


def _run(folder: Path, first: int, spec: dict[str, Any]) -> list[Replicate]:
    """Assign the users anew by each salt of a batch, and analyse all of them in one run."""
    for path in (folder / "experiments").iterdir():
        path.unlink()
    for number in range(first, first + BATCH):
        name = f"null-{number:04d}"
        text = yaml.safe_dump({"name": name, **spec})
        (folder / "experiments" / f"{name}.yml").write_text(text, encoding="utf-8")
    with duckdb.connect(str(folder / "storefront.duckdb")) as connection:
        connection.execute("delete from exposures where experiment_id like 'null-%'")
        tenth_until = GROWN if "epochs" in spec else START
        connection.execute(RELABELLED, [tenth_until, first, first + BATCH])
    project = Project.load(folder)
    with project.connect() as warehouse:
        found = compute_moments(project.files, warehouse, as_of=END + timedelta(days=7))
    assert len(found) == BATCH
    return [_judge(analyse(moments, looks={})) for moments in found.values()]


def _judge(analysis: Any) -> Replicate:
    success = [one for one in analysis.tests if one.test.decides_as == "success"]
    health = health_rows(analysis, LogCounts(), Health())
    ((decision,), (undisturbed,)) = (decision_rows(analysis, rows) for rows in (health, []))
    return Replicate(
        rejected=any(one.critical.crossed[-1].any() for one in success),
        naive=any((one.comparison.p_value[0, :, 0] < 0.05).any() for one in success),
        guarded=all(
            one.decisive[-1, 0] for one in analysis.tests if one.test.hypothesis == "non_inferiority"
        ),
        p_values=tuple(float(one.critical.p_value[-1, 0]) for one in success),
        decision=decision["decision"],
        undisturbed=undisturbed["decision"],
        failed=tuple(row["check_name"] for row in health if row["status"] == "fail"),
    )


def above(level: float, replicates: list[Replicate]) -> float:
    """Return three standard errors above a level."""
    return level + 3 * float(np.sqrt(level * (1 - level) / len(replicates)))


def test_any_superiority_rejects_at_its_level_over_all_looks(
    replicates: list[Replicate], calibrate: Calibration
) -> None:
    rate = float(np.mean([one.rejected for one in replicates]))
    assert rate > 0
    calibrate.check(
        "aa",
        "demo re-randomised, 14 looks: any of 2 success metrics",
        rate,
        replicates=len(replicates),
        seed=SEED,
        high=above(0.05, replicates),
        path="rows",
    )


def test_nothing_is_shipped_or_stopped_more_often_than_promised(
    replicates: list[Replicate], calibrate: Calibration
) -> None:
    # A two-sided success test that rejects on the wrong side stops an experiment, too.
    for decision, level in (("ship", 0.05), ("stop", 0.025 + 0.01)):
        rate = float(np.mean([one.undisturbed == decision for one in replicates]))
        calibrate.check(
            "aa",
            f"demo re-randomised, 14 looks: {decision}",
            rate,
            replicates=len(replicates),
            seed=SEED,
            high=above(level, replicates),
            path="rows",
        )


def test_health_checks_of_a_fair_split_keep_to_their_levels(
    replicates: list[Replicate], calibrate: Calibration
) -> None:
    for name in ("srm", "pre_exposure"):
        rate = float(np.mean([name in one.failed for one in replicates]))
        calibrate.check(
            "aa",
            f"demo re-randomised: {name} at .001",
            rate,
            replicates=len(replicates),
            seed=SEED,
            high=above(0.001, replicates),
            path="rows",
        )
    assert all((one.decision == "invalid") == bool(one.failed) for one in replicates)


def test_rollouts_whose_shares_change_keep_to_their_level(
    rolled: list[Replicate], calibrate: Calibration
) -> None:
    for name, level, found in (
        ("any of 2 success metrics", 0.05, [one.rejected for one in rolled]),
        ("srm or pre_exposure at .001", 0.002, [bool(one.failed) for one in rolled]),
    ):
        calibrate.check(
            "aa",
            f"demo in rollouts of 10 % and 50 %, 14 looks: {name}",
            float(np.mean(found)),
            replicates=len(rolled),
            seed=SEED,
            high=above(level, rolled),
            path="rows",
        )


def test_rollouts_stratified_within_epochs_keep_to_their_level(
    stratified: list[Replicate], calibrate: Calibration
) -> None:
    rate = float(np.mean([one.rejected for one in stratified]))
    assert rate > 0
    calibrate.check(
        "aa",
        "demo in rollouts, post-stratified, 14 looks: any of 2 success metrics",
        rate,
        replicates=len(stratified),
        seed=SEED,
        high=above(0.05, stratified),
        path="rows",
    )


def test_an_aa_of_several_metrics_raises_a_false_alarm_as_often_as_it_says(
    same: list[Replicate], calibrate: Calibration
) -> None:
    alarms = float(np.mean([one.undisturbed == "invalid" for one in same]))
    assert {one.undisturbed for one in same} <= {"invalid", "do_not_ship"}
    alone = float(np.mean([min(one.p_values) <= 0.05 for one in same]))
    for name, rate, band in (
        ("A/A of 4 metrics, 14 looks: any false alarm", alarms, {"high": above(0.05, same)}),
        ("negative control: A/A of 4 metrics, each at .05", alone, {"low": 0.09}),
    ):
        calibrate.check("aa", name, rate, replicates=len(same), seed=SEED, path="rows", **band)


def test_the_guardrail_with_a_wide_margin_passes(replicates: list[Replicate]) -> None:
    assert all(one.guarded for one in replicates)


def test_reading_the_p_value_of_each_day_rejects_far_more_often(
    replicates: list[Replicate], calibrate: Calibration
) -> None:
    """The negative control: these data can show a false positive rate that is too high."""
    calibrate.check(
        "aa",
        "negative control: demo re-randomised, daily p below .05",
        float(np.mean([one.naive for one in replicates])),
        replicates=len(replicates),
        seed=SEED,
        low=0.15,
        path="rows",
    )


def test_p_values_of_all_looks_together_are_not_too_small(replicates: list[Replicate]) -> None:
    p = np.array([one.p_values for one in replicates])
    for level in (0.05, 0.1, 0.2, 0.5):
        assert np.mean(p <= level) <= above(level, replicates)
