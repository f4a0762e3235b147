"""Zones resolved to offsets: the same days as Python's own zone database, on both sides of a change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from sqlglot import exp

from steelyard.compile.clock import Clock, span

ZONES = ["UTC", "Asia/Singapore", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
MOMENTS = [datetime(2026, 3, 20) + timedelta(minutes=37 * number) for number in range(900)]


def clock(days: str, naive: str = "UTC") -> Clock:
    return Clock(
        days=ZoneInfo(days), naive=ZoneInfo(naive), first=datetime(2026, 3, 19), last=datetime(2026, 4, 20)
    )


def evaluate(tree: exp.Expr) -> list[object]:
    values = ", ".join(f"(timestamp '{moment}')" for moment in MOMENTS)
    sql = f"select {tree.sql('duckdb')} from (values {values}) as t(moment)"
    return [row[0] for row in duckdb.sql(sql).fetchall()]


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_is_that_of_the_zone(zone: str) -> None:
    expected = [moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for moment in MOMENTS]
    assert evaluate(clock(zone).local_day(exp.column("moment"))) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_a_local_timestamp_becomes_the_moment_it_means(zone: str) -> None:
    expected = [
        moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None) for moment in MOMENTS
    ]
    found = evaluate(clock("UTC", zone).from_naive(exp.column("moment")))
    differing = [m for m, a, b in zip(MOMENTS, expected, found, strict=True) if a != b]
    # Only local times that occur twice or never, in the hour of the change, may be read either way.
    assert all(
        abs(moment - change) <= timedelta(hours=1) for moment in differing for change in _changes(zone)
    )


def _changes(zone: str) -> list[datetime]:
    offsets = [moment.replace(tzinfo=ZoneInfo(zone)).utcoffset() for moment in MOMENTS]
    pairs = zip(MOMENTS, MOMENTS[1:], offsets, offsets[1:], strict=False)
    return [after for _, after, one, other in pairs if one != other][:1]


def test_a_day_begins_at_local_midnight() -> None:
    assert clock("Europe/Berlin").start_of(date(2026, 3, 29)) == datetime(2026, 3, 28, 23)
    assert clock("Europe/Berlin").start_of(date(2026, 3, 30)) == datetime(2026, 3, 29, 22)


def test_a_span_is_written_in_its_largest_whole_unit() -> None:
    spans = [timedelta(days=7), timedelta(hours=36), timedelta(minutes=1), timedelta(microseconds=5)]
    assert [span(value).sql("duckdb") for value in spans] == [
        "INTERVAL '7' DAY",
        "INTERVAL '36' HOUR",
        "INTERVAL '60' SECOND",
        "INTERVAL '5' MICROSECOND",
    ]


def test_an_instant_in_the_hour_that_is_written_twice_bounds_like_its_end() -> None:
    autumn = [datetime(2026, 11, 1, 5, 59), datetime(2026, 11, 1, 6), datetime(2026, 11, 1, 6, 59)]
    bounds = [clock("UTC", "America/New_York").to_naive(instant) for instant in autumn]
    assert bounds == [datetime(2026, 11, 1, 1, 59), datetime(2026, 11, 1, 2), datetime(2026, 11, 1, 2)]
