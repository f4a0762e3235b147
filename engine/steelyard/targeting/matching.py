"""Rules as functions of a unit's attributes."""

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from numbers import Real
from typing import Any

from steelyard.targeting.moments import moment_of
from steelyard.targeting.rule import (
    MOMENT_OPS,
    NUMBER_OPS,
    VERSION_OPS,
    AllOf,
    AnyOf,
    Negation,
    Op,
    Rule,
    Test,
    kind_of,
)
from steelyard.targeting.semver import version_key

Attributes = Mapping[str, Any]
Matcher = Callable[[Attributes], bool]
Check = Callable[[Any], bool]

COMPARE: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.BELOW: operator.lt,
    Op.AT_MOST: operator.le,
    Op.ABOVE: operator.gt,
    Op.AT_LEAST: operator.ge,
    Op.VERSION_EQUALS: operator.eq,
    Op.VERSION_BELOW: operator.lt,
    Op.VERSION_AT_MOST: operator.le,
    Op.VERSION_ABOVE: operator.gt,
    Op.VERSION_AT_LEAST: operator.ge,
    Op.BEFORE: operator.lt,
    Op.UNTIL: operator.le,
    Op.AFTER: operator.gt,
    Op.SINCE: operator.ge,
}


def matcher(rule: Rule) -> Matcher:
    """The function that says whether a rule holds for a unit's attributes; it never raises.

    Examples:
        >>> from steelyard.targeting.rule import parse_rule
        >>> adult = matcher(parse_rule({"attribute": "age", "at_least": 18}))
        >>> adult({"age": 18}), adult({"age": 17.5}), adult({"age": "18"}), adult({})
        (True, False, False, False)
    """
    match rule:
        case AllOf(rules):
            return _all_of(tuple(matcher(one) for one in rules))
        case AnyOf(rules):
            return _any_of(tuple(matcher(one) for one in rules))
        case Negation(inner):
            is_true = matcher(inner)
            return lambda attributes: not is_true(attributes)
        case Test(attribute, _, _):
            check = _check(rule)
            return lambda attributes: check(attributes.get(attribute))


def _all_of(parts: tuple[Matcher, ...]) -> Matcher:
    def holds(attributes: Attributes) -> bool:
        return all(part(attributes) for part in parts)

    return holds


def _any_of(parts: tuple[Matcher, ...]) -> Matcher:
    def holds(attributes: Attributes) -> bool:
        return any(part(attributes) for part in parts)

    return holds


def _check(test: Test) -> Check:
    op, value = test.op, test.value
    if op is Op.EXISTS:
        return lambda given: given is not None
    if op is Op.EQUALS:
        return _is_among((value,))
    if op is Op.IN:
        assert isinstance(value, tuple)
        return _is_among(value)
    if op is Op.PREFIX:
        return lambda given: isinstance(given, str) and given.startswith(str(value))
    read = next(read for ops, read in _READERS if op in ops)
    compare, against = COMPARE[op], read(value)

    def holds(given: Any) -> bool:
        found = read(given)
        return found is not None and compare(found, against)

    return holds


def _is_among(values: tuple[Any, ...]) -> Check:
    kind = kind_of(values[0])
    if kind == "text":
        texts = frozenset(values)
        return lambda given: isinstance(given, str) and given in texts
    if kind == "boolean":
        booleans = frozenset(values)
        return lambda given: isinstance(given, bool) and given in booleans
    numbers = frozenset(float(value) for value in values)
    return lambda given: number_of(given) in numbers


def number_of(value: object) -> float | None:
    """A number as a double, as warehouses compare it; None for anything else, NaN and infinities.

    Examples:
        >>> number_of(3), number_of(True), number_of("3"), number_of(float("nan"))
        (3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Real | Decimal):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):  # a signalling NaN is a Decimal, too
        return None
    return number if isfinite(number) else None


def _version(value: object) -> object:
    return version_key(str(value)) if isinstance(value, str) else None


_READERS: tuple[tuple[frozenset[Op], Callable[[Any], Any]], ...] = (
    (NUMBER_OPS, number_of),
    (VERSION_OPS, _version),
    (MOMENT_OPS, moment_of),
)
