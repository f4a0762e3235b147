"""A covariate's look-back that summer time begins in: it is a span of hours, and none of them is lost."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest
from tests.support import small_project


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
