"""Checks of JSON values that say where in the document a value stands, as a JSON pointer (RFC 6901)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NoReturn

from steelyard.assign.ruleset import PROPERTY_TYPES, Property
from steelyard.errors import SpecError
from steelyard.hashing import WHOLE, Scheme, scheme_named


def refuse(at: str, message: str, hint: str = "") -> NoReturn:
    """Raise a SpecError whose ``where`` is a pointer."""
    raise SpecError(message, where=at, hint=hint)


def below(at: str, *parts: str | int) -> str:
    """The pointer of a part of a part.

    Examples:
        >>> below("/experiments", "a/b", "variants", 0)
        '/experiments/a~1b/variants/0'
    """
    return "/".join([at, *(str(part).replace("~", "~0").replace("/", "~1") for part in parts)])


def record(value: Any, keys: frozenset[str], at: str) -> dict[str, Any]:
    """A mapping with exactly these keys."""
    if value.__class__ is not dict:
        refuse(at, "a mapping is needed")
    if value.keys() != keys:
        for key in value:
            if key not in keys:
                refuse(below(at, key), f"unknown key {key!r}", f"the keys are {listed(keys)}")
        refuse(at, f"missing key {min(keys - value.keys())!r}")
    return value


def listed(names: Iterable[str]) -> str:
    """Names as a message lists them."""
    return ", ".join(sorted(names)) or "none"


def mapping(value: Any, at: str) -> dict[str, Any]:
    """A mapping whose keys are names."""
    if value.__class__ is not dict:
        refuse(at, "a mapping is needed")
    for key in value:
        if not key or not key.isprintable():
            refuse(below(at, key), f"{key!r} is not a name")
    return value


def array(value: Any, at: str) -> list[Any]:
    """A list."""
    if value.__class__ is not list:
        refuse(at, "a list is needed")
    return value


def text(value: Any, at: str) -> str:
    """A text that is not empty."""
    if value.__class__ is not str or not value:
        refuse(at, f"a text is needed, not {value!r}")
    return value


def whole(value: Any, least: int, most: int, at: str) -> int:
    """A whole number within bounds."""
    if value.__class__ is not int or not least <= value <= most:
        refuse(at, f"a whole number from {least:,} to {most:,} is needed, not {value!r}")
    return value


def one_of(value: Any, known: Iterable[str], what: str, at: str) -> str:
    """A name that is known."""
    if value.__class__ is not str or value not in known:
        refuse(at, f"unknown {what} {value!r}", f"the {what}s are {listed(known)}")
    return value


def seconds(value: Any, at: str) -> float | None:
    """A moment such as ``2026-04-01T00:00:00Z`` in seconds since 1970; None for null."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if value.__class__ is str and value.endswith("Z") else None
    except ValueError:
        moment = None
    if moment is None:
        refuse(at, f"{value!r} is not a moment", "write 2026-04-01T00:00:00Z")
    return moment.timestamp()


def shares(values: Sequence[Any], at: str) -> tuple[int, ...]:
    """The shares of all variants, which add up to the whole."""
    found = tuple(whole(value, 0, WHOLE, f"{at}/{index}/share") for index, value in enumerate(values))
    if sum(found) != WHOLE:
        refuse(at, f"the shares add up to {sum(found):,}, not {WHOLE:,}")
    return found


def salted(raw: dict[str, Any], at: str) -> tuple[str, Scheme]:
    """Salt and scheme that go together."""
    try:
        scheme = scheme_named(raw["scheme"])
    except (SpecError, TypeError):
        refuse(f"{at}/scheme", f"unknown hash scheme {raw['scheme']!r}")
    try:
        scheme.check_salt(raw["salt"])
    except SpecError as error:
        refuse(f"{at}/salt", error.args[0], error.hint)
    return raw["salt"], scheme


def misfit(value: Any, kind: Property) -> str:
    """Why a property cannot have a value, or an empty text."""
    is_odd_boolean = value.__class__ is bool and kind.type != "boolean"
    if is_odd_boolean or not isinstance(value, PROPERTY_TYPES[kind.type]):
        return f"{value!r} is not of type {kind.type}"
    if kind.enum is not None and not any(same(value, allowed) for allowed in kind.enum):
        return f"{value!r} is not one of {', '.join(map(repr, kind.enum))}"
    return ""


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; in Python true equals 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
