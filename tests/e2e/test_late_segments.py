"""Segments that come or go later than the lateness: what continues from state and what does not then differ in them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.small_project import METRICS, START, moment, run, write

pytestmark = pytest.mark.long

MATURE = "window={'start': '0d', 'end': '1d', 'mature': true}"
BETWEEN = "from events where ts >= :start and ts < :end"
IN_FULL = {
    "kinds": f"{{{{ config(direction='increase', {MATURE}) }}}}\n"
    f"select user_id, count(distinct amount) as n {BETWEEN} group by user_id\n",
    "median": f"{{{{ config(type='quantile', quantile=0.5, direction='increase', {MATURE}) }}}}\n"
    f"select user_id, amount {BETWEEN}\n",
}
Rows = list[tuple[Any, ...]]


@pytest.mark.parametrize(
    ("adjustment", "guardrails"), [("cuped", ["median"]), ("none", ["median"]), ("post_stratify", [])]
)
def test_a_segment_that_is_known_too_late_stops_no_run(
    tmp_path: Path, adjustment: str, guardrails: list[str]
) -> None:
    spec = {
        "status": "running",
        "start": START,
        "variants": ["control", "treatment"],
        "metrics": {"primary": "spend", "secondary": ["price", "kinds"], "guardrails": guardrails},
        "analysis": {"test": "always_valid", "adjustment": adjustment, "dimensions": ["country"]},
    }
    variants = ("control", "treatment")
    known: Rows = [("first", f"u{k}", variants[k % 2], moment(k % 2), "SG") for k in range(30)]
    late: Rows = [("first", f"v{k}", variants[k % 2], moment(0), "MY") for k in range(6)]
    units = [row[1] for row in known + late]
    events: Rows = [(unit, moment(day, 13), 1.0 + day) for unit in units for day in (-1, 0, 1)]
    for day, exposures in ((3, known), (4, known), (5, known + late), (6, late)):
        write(
            tmp_path,
            experiments={"first": spec},
            tables={"exposures": exposures, "events": events},
            metrics={**METRICS, **IN_FULL},
        )
        small = run(tmp_path, START + timedelta(days=day))
        assert small.result.reused["first"].mode == ("rebuilt" if day == 3 else "incremental")
    found = {row["metric"]: row for row in small.rows("results", "segment = 'SG' and as_of = '2026-04-07'")}
    assert found["spend"]["n_control"] == 15
    for name in ("kinds", *guardrails):
        assert (found[name]["n_control"], found[name]["effect"], found[name]["reason"]) == (
            0,
            None,
            "no_data",
        )
