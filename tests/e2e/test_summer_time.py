"""Spans of hours that summer time begins in: a covariate's look-back, and windows that close after it."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest
from tests.support import small_project

# Whole runs.
pytestmark = pytest.mark.long


@pytest.mark.parametrize("is_series", [True, False])
def test_no_hour_before_the_exposure_is_lost_where_summer_time_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_series: bool
) -> None:
    monkeypatch.setitem(small_project.PROJECT, "timezone", "Europe/Berlin")
    # Midnight of 1 April in Berlin. Three days of 24 hours before it lies 23:00 of 28 March, winter time.
    exposed = datetime(2026, 3, 31, 22)
    users = [f"u{number}" for number in range(8)]
    exposures = [
        ("bar", user, ("control", "treatment")[number % 2], exposed, "SG")
        for number, user in enumerate(users)
    ]
    within, before = datetime(2026, 3, 28, 22, 30), datetime(2026, 3, 28, 21, 30)
    events = [(user, within, 5.0) for user in users[:4]] + [(user, before, 100.0) for user in users]
    small_project.write(
        tmp_path,
        experiments={
            "bar": {
                "hypothesis": "It helps.",
                "owner": "us",
                "status": "running",
                "start": date(2026, 4, 1),
                "end": date(2026, 4, 3),
                "variants": ["control", "treatment"],
                "metrics": {"primary": "spend"},
                "duration": {"target_sample_size_per_variant": 100},
            }
        },
        tables={"exposures": exposures, "events": events},
        metrics={"spend": small_project.METRICS["spend"]},
    )
    ran = small_project.run(tmp_path, date(2026, 4, 3), is_series=is_series)
    means = [json.loads(row["means"])[1] for row in ran.rows("moments", "as_of = date '2026-04-03'")]
    assert means == pytest.approx([2.5, 2.5])


def test_a_window_whose_day_was_kept_before_summer_time_began_closes_by_the_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(small_project.PROJECT, "timezone", "Europe/Berlin")
    # 23:30 of 26 March in Berlin. Three days of 24 hours later it is 00:30 of 30 March, summer time.
    exposed = datetime(2026, 3, 26, 22, 30)
    users = [f"u{number}" for number in range(8)]
    exposures = [
        ("bar", user, ("control", "treatment")[number % 2], exposed, "SG")
        for number, user in enumerate(users)
    ]
    small_project.write(
        tmp_path,
        experiments={
            "bar": {
                "hypothesis": "It helps.",
                "owner": "us",
                "status": "running",
                "start": date(2026, 3, 26),
                "end": date(2026, 4, 3),
                "variants": ["control", "treatment"],
                "metrics": {"primary": "spend"},
                "duration": {"target_sample_size_per_variant": 100},
            }
        },
        tables={"exposures": exposures, "events": [(user, exposed, 5.0) for user in users]},
        metrics={"spend": small_project.METRICS["spend"].replace("'end': '1d'", "'end': '3d'")},
    )
    counted = {}
    for day in (28, 29, 30):
        ran = small_project.run(tmp_path, date(2026, 3, day))
        counted[day] = [row["n"] for row in ran.rows("moments", f"as_of = date '2026-03-{day}'")]
    assert ran.result.reused["bar"].mode == "incremental"
    assert counted == {28: [0, 0], 29: [0, 0], 30: [4, 4]}
