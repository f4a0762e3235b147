"""Health checks from rows: overlapping experiments, triggers, days, and exposures outside the dates."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from tests.support.small_project import START, Small, moment, run, write

pytestmark = pytest.mark.long

UNITS, DAYS = 4000, 4
SPEC: dict[str, Any] = {
    "status": "running",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "variants": ["control", "treatment"],
    "metrics": {"primary": ["spend"]},
}
VARIANTS = np.array(["control", "treatment"])


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Four experiments on the same users, of which two go together, and one with an unequal trigger."""
    random = np.random.default_rng(11)
    day = random.integers(0, DAYS, UNITS)
    first = random.integers(0, 2, UNITS)
    follows = np.where(random.random(UNITS) < 0.6, first, random.integers(0, 2, UNITS))
    assigned = {
        "first": first,
        "follows": follows,
        "alone": random.integers(0, 2, UNITS),
        "triggered": random.integers(0, 2, UNITS),
    }
    # On the third day the first experiment's treatment loses most of its units.
    lost = (day == 2) & (first == 1) & (random.random(UNITS) < 0.5)
    exposures = [
        (name, f"u{k}", str(VARIANTS[variant[k]]), moment(int(day[k])), "SG")
        for name, variant in assigned.items()
        for k in range(UNITS)
        if not (name == "first" and lost[k])
    ]
    exposures += [("alone", f"early{k}", "control", moment(-2), "SG") for k in range(7)]
    exposures += [("alone", f"old{k}", "control", moment(-400), "SG") for k in range(5)]
    exposures += [("alone", f"late{k}", "control", moment(DAYS + 1), "SG") for k in range(3)]
    exposures += [("follows", "next", "control", moment(DAYS + 4), "SG")]
    exposures += [("alone", "clock", "control", datetime(2199, 1, 1), "SG")]
    rate = np.where(assigned["triggered"] == 1, 0.5, 0.3)
    met = [(f"u{k}", moment(int(day[k]), 13)) for k in range(UNITS) if random.random() < rate[k]]
    events = [(f"u{k}", moment(int(day[k]), 14), float(random.gamma(2.0))) for k in range(UNITS)]
    folder = tmp_path_factory.mktemp("health")
    specs = {name: dict(SPEC) for name in assigned}
    specs["triggered"]["analysis"] = {"trigger": "met"}
    write(folder, experiments=specs, tables={"exposures": exposures, "events": events, "met": met})
    return run(folder, START + timedelta(days=DAYS + 2))


def check(checked: Small, experiment: str, name: str) -> dict[str, Any] | None:
    found = checked.rows(
        "health", f"experiment_id = '{experiment}' and check_name = '{name}' and dimension = ''"
    )
    return found[0] if found else None


def test_experiments_whose_variants_go_together_warn_and_name_each_other(checked: Small) -> None:
    for one, other in (("first", "follows"), ("follows", "first")):
        row = check(checked, one, "overlap")
        assert row is not None
        assert row["status"] == "warn"
        assert f"variants of {other} go together" in row["detail"]
    row = check(checked, "alone", "overlap")
    assert row is not None
    assert row["status"] == "pass"


def test_a_day_on_which_a_variant_loses_units_is_named(checked: Small) -> None:
    row = check(checked, "first", "srm_by_day")
    assert row is not None
    assert row["status"] == "warn"
    assert f"worst on {date(2026, 4, 3)}" in row["detail"]
    other = check(checked, "alone", "srm_by_day")
    assert other is not None
    assert other["status"] == "pass"


def test_a_trigger_that_variants_meet_unequally_warns(checked: Small) -> None:
    row = check(checked, "triggered", "trigger_rate")
    assert row is not None
    assert (row["status"], row["p_value"] < 1e-9) == ("warn", True)
    assert check(checked, "alone", "trigger_rate") is None


def test_exposures_before_the_start_and_after_the_end_are_counted(checked: Small) -> None:
    """Those of longer ago than thirty days are not looked for, and what comes after the run is none of its business."""
    early, late = (check(checked, "alone", f"exposures_{name}") for name in ("before_start", "after_end"))
    assert early is not None
    assert late is not None
    assert (early["statistic"], late["statistic"]) == (7.0, 3.0)
    assert check(checked, "first", "exposures_before_start") is None
    assert check(checked, "follows", "exposures_after_end") is None


def test_exposures_dated_in_the_future_are_told(checked: Small) -> None:
    row = check(checked, "alone", "exposures_in_future")
    assert row is not None
    assert "up to 2199-01-01 00:00" in row["detail"]
    assert check(checked, "follows", "exposures_in_future") is None


def test_units_outside_the_dates_are_not_analysed(checked: Small) -> None:
    (row,) = checked.rows(
        "results", "experiment_id = 'alone' and hypothesis = 'superiority' and dimension = ''"
    )
    assert row["n_control"] + row["n_variant"] == UNITS
