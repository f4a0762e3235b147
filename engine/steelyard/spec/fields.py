"""What a value in a file may look like: numbers, percentages, names; and how messages show it.

Every function takes the value as YAML gives it and either returns one exact meaning or raises a SpecError.
Where a number could mean two things (is a margin of 2 two percent, or two hundred?), it is refused.
"""

import difflib
import re
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from math import isfinite
from typing import Any

from steelyard.errors import SpecError

# No double holds it.
_TOO_BIG = 10**308
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_PERCENT = re.compile(rf"({_NUMBER.pattern})\s*%")
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
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _TOO_BIG:
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
    return parse_fraction(match[1]) / 100 if match else None


def shown_number(number: Fraction) -> str:
    """Return a number as a message shows it."""
    return f"{float(number):.6g}"


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
        number = shown_number(exact)
        raise SpecError(
            f"{shown(value)} could mean {number}% or {shown_number(exact * 100)}%",
            hint=f"write '{number}%' or {shown_number(exact / 100)}",
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
        is_percent = percentage is None and 1 <= exact < 100
        hint = f"write '{shown_number(exact)}%' or {shown_number(exact / 100)}" if is_percent else ""
        raise SpecError(f"{shown(value)} is not between 0 and 1", hint=hint)
    return float(exact)


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
