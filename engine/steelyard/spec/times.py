"""Durations, days and time zones as files write them."""

import re
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from steelyard.errors import SpecError
from steelyard.spec.fields import closest, parse_fraction, shown

_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_LONGEST = timedelta(days=3650)
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(w|weeks?|d|days?|h|hours?|min|minutes?)")
_ISO_DURATION = re.compile(r"P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?)?")
_MINUTES = {"w": 7 * 24 * 60, "d": 24 * 60, "h": 60, "m": 1}


def parse_duration(value: Any) -> timedelta:
    """Return a span of time: 7, ``"7d"`` and ``"P7D"`` are seven days; also ``"48h"``, ``"2w"``, ``"90min"``.

    Raises:
        SpecError: Anything else, a negative span, or more than ten years.

    Examples:
        >>> parse_duration("48h") == parse_duration(2) == parse_duration("P2D")
        True
    """
    if isinstance(value, timedelta):
        return value
    minutes = _duration_minutes(value)
    if minutes is None or minutes.denominator != 1:
        raise SpecError(f"{shown(value)} is not a duration", hint="write 7d, 48h, 2w, or a number of days")
    if minutes > _LONGEST.days * _MINUTES["d"]:
        raise SpecError(f"{shown(value)} is longer than {_LONGEST.days} days")
    return timedelta(minutes=int(minutes))


def _duration_minutes(value: Any) -> Fraction | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        days = parse_fraction(value)
        return days * _MINUTES["d"] if days >= 0 else None
    if not isinstance(value, str):
        return None
    if match := _DURATION.fullmatch(value.strip()):
        return Fraction(match[1]) * _MINUTES[match[2][0]]
    iso = _ISO_DURATION.fullmatch(value.strip())
    if iso is None or not any(iso.groups()):
        return None
    return Fraction(sum(int(n) * _MINUTES[unit] for n, unit in zip(iso.groups(), "wdhm", strict=True) if n))


def parse_days(value: Any) -> timedelta:
    """Return a duration of whole days.

    Raises:
        SpecError: Not a duration, or not whole days.
    """
    duration = parse_duration(value)
    if duration % timedelta(days=1):
        raise SpecError(f"{shown(value)} is not a whole number of days")
    return duration


def parse_day(value: Any) -> date:
    """Return a calendar day from a YAML date or the text ``2026-04-01``.

    Raises:
        SpecError: Anything else, a moment with a time of day included, or a year that no experiment ran in.
    """
    day = _read_day(value)
    if day is None:
        hint = "write it as 2026-04-01; days begin in the project's timezone"
        raise SpecError(f"{shown(value)} is not a day", hint=hint)
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise SpecError(f"{shown(value)} is not between {_FIRST_YEAR} and {_LAST_YEAR}")
    return day


def _read_day(value: Any) -> date | None:
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return None


def parse_zone(value: Any) -> str:
    """Return the name of a time zone that the IANA database knows.

    Raises:
        SpecError: It does not know it.
    """
    if not isinstance(value, str):
        raise SpecError(f"{shown(value)} is not a time zone", hint="write an IANA name such as Europe/Berlin")
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError) as error:
        hint = closest(value, available_timezones()) or "write an IANA name such as Europe/Berlin"
        raise SpecError(f"unknown time zone {value!r}", hint=hint) from error
    return value
