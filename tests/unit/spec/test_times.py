"""Durations, days and zones."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from steelyard.errors import SpecError
from steelyard.spec.times import parse_day, parse_days, parse_duration, parse_zone


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        (7, 168),
        ("7d", 168),
        ("7 days", 168),
        ("48h", 48),
        ("2w", 336),
        ("90min", 1.5),
        ("1.5d", 36),
        (0.5, 12),
        (0, 0),
        ("P7D", 168),
        ("PT48H", 48),
        ("P1DT12H30M", 36.5),
        ("P2W", 336),
    ],
    ids=str,
)
def test_durations_are_exact_spans(written: Any, hours: float) -> None:
    assert parse_duration(written) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "written", ["", "7x", "-1d", -1, True, None, "P", "PT", "7m", "d", "1e3d", [7], "0.0001min"], ids=repr
)
def test_what_is_no_duration_is_refused(written: Any) -> None:
    with pytest.raises(SpecError, match="is not a duration") as caught:
        parse_duration(written)
    assert caught.value.hint == "write 7d, 48h, 2w, or a number of days"


@pytest.mark.parametrize("written", ["3651d", 1e9, 10**30], ids=repr)
def test_a_duration_beyond_ten_years_is_refused(written: Any) -> None:
    with pytest.raises(SpecError, match="is longer than 3650 days"):
        parse_duration(written)


def test_whole_days_are_demanded_where_days_are_counted() -> None:
    assert parse_days("48h") == timedelta(days=2)
    with pytest.raises(SpecError, match="'36h' is not a whole number of days"):
        parse_days("36h")


def test_a_day_is_a_yaml_date_or_its_text() -> None:
    assert parse_day("1970-01-01") == date(1970, 1, 1)
    assert parse_day("2026-04-01") == parse_day(date(2026, 4, 1)) == date(2026, 4, 1)


@pytest.mark.parametrize(
    "written",
    [datetime(2026, 4, 1), "2026-04-31", "2026-4-1", "soon", 20260401, None, "2026-04-01T00:00"],
    ids=repr,
)
def test_what_is_no_day_is_refused(written: Any) -> None:
    with pytest.raises(SpecError, match="is not a day") as caught:
        parse_day(written)
    assert caught.value.hint.startswith("write it as 2026-04-01")


@pytest.mark.parametrize("written", ["1969-12-31", date(9999, 12, 31)], ids=repr)
def test_a_day_in_an_impossible_year_is_refused(written: Any) -> None:
    with pytest.raises(SpecError, match="is not between 1970 and 2200"):
        parse_day(written)


def test_zones_are_iana_names() -> None:
    assert parse_zone("Asia/Singapore") == "Asia/Singapore"


@pytest.mark.parametrize("written", ["../etc/passwd", "", "UTC+99"], ids=repr)
def test_an_unknown_zone_is_refused(written: str) -> None:
    with pytest.raises(SpecError, match="unknown time zone"):
        parse_zone(written)


def test_a_misspelt_zone_gets_the_closest_one() -> None:
    with pytest.raises(SpecError) as caught:
        parse_zone("Asia/Singapor")
    assert caught.value.hint == "did you mean 'Asia/Singapore'?"


def test_a_zone_that_is_not_text_is_refused() -> None:
    with pytest.raises(SpecError, match="8 is not a time zone"):
        parse_zone(8)
