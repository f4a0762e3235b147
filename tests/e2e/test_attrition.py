"""A holdback whose other side loses units: the check from rows, against counts of the rows themselves."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats as sp
from scipy.special import gammaln
from tests.support.small_project import START, Small, moment, run, write

from steelyard.run import Project, RunOptions

pytestmark = pytest.mark.long

DAYS, HELD, REST = 5, 400, 1600
LAST = START + timedelta(days=DAYS + 3)
WINDOW = "window={'start': '1d', 'end': '2d', 'mature': true}"
BOUNDS = "from events where ts >= :start and ts < :end group by user_id"
METRICS = {
    "spend": "{{ config(version=1, direction='increase', window={'start': '0d', 'end': '1d', 'mature': true}) }}\n"
    f"select user_id, sum(amount) as spend {BOUNDS}\n",
    "active": f"{{{{ config(version=1, direction='increase', type='proportion', {WINDOW}) }}}}\n"
    f"select user_id, count(*) > 0 as active {BOUNDS}\n",
    # Without rows there is no average: such units are left out.
    "average": f"{{{{ config(version=1, direction='increase', {WINDOW}) }}}}\n"
    f"select user_id, avg(amount) as average {BOUNDS}\n",
}
BASE: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "design": "holdback",
    "control": "holdback",
    "variants": [{"name": "holdback", "allocation": "20%"}, {"name": "everyone", "allocation": "80%"}],
    "duration": {"target_sample_size_per_variant": HELD},
}
FIXED = {"test": "fixed", "adjustment": "none"}
EXPERIMENTS: dict[str, Any] = {
    "told": {
        **BASE,
        "metrics": {"primary": ["spend"], "guardrails": ["active"]},
        "retention": "active",
        "analysis": FIXED,
    },
    "silent": {**BASE, "metrics": ["spend", "average"], "analysis": FIXED},
    "peeked": {
        **BASE,
        "metrics": ["spend", "average"],
        "analysis": {"test": "always_valid", "adjustment": "none"},
    },
    "blind": {**BASE, "metrics": ["spend"], "analysis": FIXED},
    "split": {**BASE, "design": "fixed_split", "metrics": ["spend", "average"], "analysis": FIXED},
}
Counts = npt.NDArray[np.float64]


def lost(folder: Path, stays: float) -> tuple[Small, Counts, Counts]:
    """Run the experiments, and return new units and those of them that stay, by day and variant."""
    random = np.random.default_rng(81)
    exposures, events = [], []
    units, kept = np.zeros((DAYS, 2)), np.zeros((DAYS, 2))
    for k in range(HELD + REST):
        side, day = int(k >= HELD), int(random.integers(0, DAYS))
        variant = ("holdback", "everyone")[side]
        exposures += [(name, f"u{k}", variant, moment(day), "SG") for name in EXPERIMENTS]
        events.append((f"u{k}", moment(day, 13), float(random.gamma(2.0))))
        units[day, side] += 1
        if random.random() < (0.8 if side == 0 else stays):
            events.append((f"u{k}", moment(day + 1, 13), float(random.gamma(2.0))))
            kept[day, side] += 1
    write(folder, experiments=EXPERIMENTS, tables={"exposures": exposures, "events": events}, metrics=METRICS)
    return run(folder, LAST), units, kept


def row_of(small: Small, experiment: str) -> dict[str, Any]:
    (row,) = small.rows("health", f"experiment_id = '{experiment}' and check_name = 'attrition'")
    return row


@pytest.mark.parametrize(("stays", "status"), [(0.8, "pass"), (0.65, "warn")])
def test_the_sides_of_a_holdback_are_held_to_the_units_that_stay(
    tmp_path: Path, stays: float, status: str
) -> None:
    small, units, kept = lost(tmp_path, stays)
    total, left = units.sum(axis=0), kept.sum(axis=0)
    expected = sp.chi2_contingency([left, total - left], correction=False)
    for experiment in ("told", "silent"):
        row = row_of(small, experiment)
        assert (row["status"], row["statistic"]) == (status, pytest.approx(expected.statistic))
        assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
        assert f"everyone {left[1] / total[1]:.2%}" in row["detail"]
    # At every look together: the survivors against the allocation, by the mixture of two Dirichlet alternatives.
    log_e = []
    for n in kept.cumsum(axis=0):
        tried = [
            sum(
                gammaln(c * s + k) - gammaln(c * s) - k * np.log(s)
                for k, s in zip(n, (0.2, 0.8), strict=True)
            )
            - gammaln(c + n.sum())
            + gammaln(c)
            for c in (100.0, 1000.0)
        ]
        log_e.append(np.logaddexp(*tried) - np.log(2))
    peeked = row_of(small, "peeked")
    assert peeked["p_value"] == pytest.approx(np.exp(-max(0.0, *log_e)), rel=1e-6)
    assert peeked["p_value"] > expected.pvalue
    for experiment in ("blind", "split"):
        assert small.rows("health", f"experiment_id = '{experiment}' and check_name = 'attrition'") == []
    # Losing units is no fault of the data, so that it alone makes nothing invalid.
    (decision,) = small.rows("decisions", "experiment_id = 'silent'")
    assert decision["decision"] != "invalid"


def test_a_retention_that_is_no_proportion_is_refused(tmp_path: Path) -> None:
    spec = {**EXPERIMENTS["told"], "retention": "spend"}
    write(tmp_path, experiments={"told": spec}, tables={}, metrics=METRICS)
    failures = Project.load(tmp_path).run(RunOptions(as_of=LAST)).failures
    assert "spend: a retention is a proportion of units that are still there" in failures["told"]
