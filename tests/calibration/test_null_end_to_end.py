"""Re-randomised experiments, from rows to decisions: false positives keep to their level, a naive reader's do not."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tests.e2e.conftest import copy_demo, load, steelyard

from steelyard.analysis.decisions import decision_rows
from steelyard.analysis.results import Analysis, analyse
from steelyard.run import Project
from steelyard.run.collect import compute_moments

pytestmark = pytest.mark.slow

REPLICATES = 200
USERS = 6_000
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
RELABELLED = f"""
insert into exposures
select 'null-' || lpad(salt::varchar, 3, '0'), user_id,
  case when ('0x' || substr(md5(salt || ':' || user_id), 1, 8))::bigint % 2 = 0 then 'control' else 'treatment' end,
  exposed_at, country, platform
from (select user_id, min(exposed_at) as exposed_at, any_value(country) as country, any_value(platform) as platform
  from exposures where experiment_id = 'ranking-service-aa' group by user_id), range({REPLICATES}) as salts(salt)
"""


@pytest.fixture(scope="module")
def replicates(tmp_path_factory: pytest.TempPathFactory) -> list[Analysis]:
    """The same users assigned anew by a salt, as that many experiments of one run."""
    folder = copy_demo(tmp_path_factory.mktemp("null"))
    for path in (folder / "experiments").iterdir():
        path.unlink()
    for number in range(REPLICATES):
        _write(folder, f"null-{number:03d}")
    data = folder / "fixtures" / "data"
    data.mkdir(parents=True)
    for name, table in load("generate").build(users=USERS).items():
        pq.write_table(table, data / f"{name}.parquet")
    assert steelyard(folder, "seed").exit_code == 0
    with duckdb.connect(str(folder / "storefront.duckdb")) as connection:
        connection.execute(RELABELLED)
    project = Project.load(folder)
    with project.connect() as warehouse:
        found = compute_moments(project.files, warehouse, as_of=END + timedelta(days=7))
    return [analyse(moments, looks={}) for moments in found.values()]


def _write(folder: Path, name: str) -> None:
    path = folder / "experiments" / f"{name}.yml"
    path.write_text(yaml.safe_dump({"name": name, **SPEC}), encoding="utf-8")


def band(level: float) -> float:
    """Three standard errors above a level."""
    return level + 3 * float(np.sqrt(level * (1 - level) / REPLICATES))


def test_any_superiority_rejects_at_its_level_over_all_looks(replicates: list[Analysis]) -> None:
    hits = [
        any(one.critical.crossed[-1].any() for one in analysis.tests if one.test.decides_as == "success")
        for analysis in replicates
    ]
    assert len(hits) == REPLICATES
    assert 0 < np.mean(hits) <= band(0.05)


def test_nothing_is_shipped_or_stopped_more_often_than_promised(replicates: list[Analysis]) -> None:
    decisions = [row["decision"] for analysis in replicates for row in decision_rows(analysis, [])]
    assert decisions.count("ship") / REPLICATES <= band(0.05)
    # A two-sided success test that rejects on the wrong side stops an experiment, too.
    assert decisions.count("stop") / REPLICATES <= band(0.025 + 0.01)


def test_the_guardrail_with_a_wide_margin_passes(replicates: list[Analysis]) -> None:
    passed = [
        one.decisive[-1, 0]
        for analysis in replicates
        for one in analysis.tests
        if one.test.hypothesis == "non_inferiority"
    ]
    assert np.mean(passed) == 1.0


def test_reading_the_p_value_of_each_day_rejects_far_more_often(replicates: list[Analysis]) -> None:
    """The negative control: these data can show a false positive rate that is too high."""
    naive = [
        any(
            (one.comparison.p_value[0, :, 0] < 0.05).any()
            for one in analysis.tests
            if one.test.decides_as == "success"
        )
        for analysis in replicates
    ]
    assert np.mean(naive) > 0.15


def test_p_values_of_all_looks_together_are_not_too_small(replicates: list[Analysis]) -> None:
    p = [
        one.critical.p_value[-1, 0]
        for analysis in replicates
        for one in analysis.tests
        if one.test.decides_as == "success"
    ]
    for level in (0.05, 0.1, 0.2, 0.5):
        spread = np.sqrt(level * (1 - level) / REPLICATES)
        assert np.mean(np.array(p) <= level) <= level + 3 * spread
