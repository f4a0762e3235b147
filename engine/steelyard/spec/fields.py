"""What a value in a file may look like: shares, percentages, durations, days, zones, names.

Every function takes the value as YAML gives it and either returns one exact meaning or raises a SpecError.
Where a number could mean two things (is a margin of 2 two percent, or two hundred?), it is refused.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from steelyard.errors import SpecError

TEN_THOUSANDTHS = 10_000
_LONGEST = timedelta(days=3650)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_PERCENT = re.compile(rf"({_NUMBER.pattern})\s*%")
_RATIO = re.compile(r"([0-9]{1,9})\s*/\s*([0-9]{1,9})")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(w|weeks?|d|days?|h|hours?|min|minutes?)")
_ISO_DURATION = re.compile(r"P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?)?")
_MINUTES = {"w": 7 * 24 * 60, "d": 24 * 60, "h": 60, "m": 1}
_COLUMN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def shown(value: Any) -> str:
    """Return a value as a message names it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, date):
        return value.isoformat()
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def closest_name(word: str, options: Iterable[str]) -> str | None:
    """Return the option most like ``word`` whatever its case, or None if none is."""
    by_lower = {name.lower(): name for name in sorted(set(options))}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def closest(word: str, options: Iterable[str]) -> str:
    """Return a hint that names the option most like ``word``, or all of a short list.

    Examples:
        >>> closest("metrcs", ["metrics", "variants"])
        "did you mean 'metrics'?"
        >>> closest("zzz", ["metrics", "variants"])
        'one of metrics, variants'
    """
    names = sorted(set(options))
    match = closest_name(word, names)
    if match is not None:
        return f"did you mean {match!r}?"
    if not names:
        return ""
    if len(names) == 1:
        return f"there is only {names[0]!r}"
    return f"one of {', '.join(names)}" if len(names) <= 20 else ""


def parse_fraction(value: Any) -> Fraction:
    """Return a number exactly as it was written: ``33.3`` is 333/10, not the nearest double.

    Raises:
        SpecError: Not a finite number.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, float) and isfinite(value):
        return Fraction(repr(value))
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) and isfinite(float(value)):
        return Fraction(value.strip())
    raise SpecError(f"{shown(value)} is not a number")


def parse_number(value: Any) -> float:
    """Return a finite number; see `parse_fraction`."""
    return float(parse_fraction(value))


def parse_percentage(value: Any) -> Fraction | None:
    """Return the exact share that a text with a percent sign means, or None for anything else."""
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    return Fraction(match[1]) / 100 if match else None


def parse_relative(value: Any) -> float:
    """Return a relative size such as a margin: ``"1%"`` and ``0.01`` are both 0.01.

    Raises:
        SpecError: Not a number, not above 0, or a plain number from 1 on, which could mean either.

    Examples:
        >>> parse_relative("1%"), parse_relative(0.01), parse_relative("150%")
        (0.01, 0.01, 1.5)
        >>> parse_relative(2)
        Traceback (most recent call last):
        ...
        steelyard.errors.SpecError: 2 could mean 2% or 200%
          hint: write '2%' or 0.02
    """
    percentage = parse_percentage(value)
    exact = parse_fraction(value) if percentage is None else percentage
    if exact <= 0:
        raise SpecError(f"{shown(value)} is not above 0")
    if percentage is None and exact >= 1:
        number = _plain(exact)
        raise SpecError(
            f"{shown(value)} could mean {number}% or {_plain(exact * 100)}%",
            hint=f"write '{number}%' or {_plain(exact / 100)}",
        )
    return float(exact)


def parse_level(value: Any) -> float:
    """Return a probability strictly between 0 and 1: ``0.05`` or ``"5%"``.

    Raises:
        SpecError: Not a number, or not between 0 and 1.
    """
    percentage = parse_percentage(value)
    exact = parse_fraction(value) if percentage is None else percentage
    if not 0 < exact < 1:
        raise SpecError(f"{shown(value)} is not between 0 and 1", hint="write 0.05 or '5%'")
    return float(exact)


def parse_allocations(values: Sequence[Any]) -> tuple[int, ...]:
    """Return the exact shares of all variants in ten-thousandths, which add up to 10,000.

    * Nothing given for any of them: equal shares.
    * ``"50%"`` and ``"1/3"`` mean themselves.
    * Plain numbers are read together: they are percentages when they add up to exactly 100, and shares
      when they (with any percentages and fractions beside them) add up to exactly 1. So ``50`` is 50 % only
      in a list whose plain numbers add up to 100.
    * What is finer than a ten-thousandth goes to the largest remainders, the earlier variant first.

    Raises:
        SpecError: Some given and some not, a share that is not above 0 or below a ten-thousandth, or a
            total that is neither 1 nor 100.

    Examples:
        >>> parse_allocations(["33.3%", "33.3%", "33.4%"])
        (3330, 3330, 3340)
        >>> parse_allocations([50, 50]), parse_allocations([0.5, 0.5]), parse_allocations([None] * 3)
        ((5000, 5000), (5000, 5000), (3334, 3333, 3333))
    """
    if all(value is None for value in values):
        return _apportion([Fraction(1, len(values))] * len(values))
    if any(value is None for value in values):
        raise SpecError(
            "some variants have an allocation and some have none", hint="give all of them one, or none"
        )
    certain = [_certain_share(value) for value in values]
    plain = [parse_fraction(value) for value, share in zip(values, certain, strict=True) if share is None]
    scale = 100 if len(plain) == len(values) and sum(plain) == 100 else 1
    shares = [
        parse_fraction(v) / scale if share is None else share
        for v, share in zip(values, certain, strict=True)
    ]
    for value, share in zip(values, shares, strict=True):
        if share <= 0:
            raise SpecError(
                f"the allocation {shown(value)} is not above 0",
                hint="give the variant a share, or leave it out",
            )
    total = sum(shares, Fraction(0))
    if total != 1:
        raise SpecError(f"the allocations add up to {_total(total, plain, values)}", hint=_total_hint(shares))
    return _apportion(shares)


def _certain_share(value: Any) -> Fraction | None:
    ratio = _RATIO.fullmatch(value.strip()) if isinstance(value, str) else None
    if ratio is None:
        return parse_percentage(value)
    if int(ratio[2]) == 0:
        raise SpecError(f"{shown(value)} is not a share")
    return Fraction(int(ratio[1]), int(ratio[2]))


def _total(total: Fraction, plain: Sequence[Fraction], values: Sequence[Any]) -> str:
    if plain and total > 1:
        return f"{_plain(total)}, which is neither 1 nor 100"
    return f"{_plain(total * 100)}%, not 100%" if not plain else f"{_plain(total)}, not 1"


def _total_hint(shares: Sequence[Fraction]) -> str:
    same = len(set(shares)) == 1
    return f"write '1/{len(shares)}' for each, or leave them out for equal shares" if same else ""


def _apportion(shares: Sequence[Fraction]) -> tuple[int, ...]:
    exact = [share * TEN_THOUSANDTHS for share in shares]
    whole = [int(value) for value in exact]
    order = sorted(range(len(shares)), key=lambda index: (whole[index] - exact[index], index))
    for index in order[: TEN_THOUSANDTHS - sum(whole)]:
        whole[index] += 1
    if 0 in whole:
        raise SpecError("an allocation is below 0.01%", hint="shares are multiples of 1/10,000")
    return tuple(whole)


def _plain(number: Fraction) -> str:
    return f"{float(number):.6g}"


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
        SpecError: Anything else, a moment with a time of day included.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    raise SpecError(
        f"{shown(value)} is not a day", hint="write it as 2026-04-01; days begin in the project's timezone"
    )


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


def parse_column_name(value: Any) -> str:
    """Return a name that is an identifier in every warehouse: letters, digits, underscores.

    Raises:
        SpecError: It is not.
    """
    return _name(value, _COLUMN_NAME, "use letters, digits and _, and start with a letter or _")


def parse_file_name(value: Any) -> str:
    """Return a name that is safe in a path, in SQL text and as a salt: letters, digits, ``_``, ``-``, ``.``.

    Raises:
        SpecError: It is not.
    """
    return _name(value, _FILE_NAME, "use letters, digits, _, - and ., and start with a letter, a digit or _")


def _name(value: Any, pattern: re.Pattern[str], hint: str) -> str:
    if not isinstance(value, str):
        raise SpecError(f"{shown(value)} is not a name", hint="put it in quotes" if value is not None else "")
    if not pattern.fullmatch(value):
        raise SpecError(f"{value!r} is not a safe name", hint=hint)
    return value


def parse_label(value: Any) -> str:
    """Return a text that names something in data, such as a variant: trimmed and printable.

    Raises:
        SpecError: Not text, empty, blanks around it, or unprintable characters.
    """
    if not isinstance(value, str):
        raise SpecError(f"{shown(value)} is not text", hint="put it in quotes" if value is not None else "")
    if not value or value != value.strip() or not value.isprintable():
        raise SpecError(f"{value!r} is empty, has blanks around it, or holds unprintable characters")
    return value
