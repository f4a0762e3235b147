"""A targeting rule as data: tests of attributes, joined by all, any and not.

A rule is either true or false of a unit, never unknown. A test of an attribute that is missing (absent or
null), or of another kind than the test compares, is false. So ``not`` of such a test is true: who must have the
attribute as well says so with ``exists``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Any

from steelyard.errors import SpecError
from steelyard.targeting.moments import moment_of
from steelyard.targeting.semver import version_key

Scalar = str | int | float | bool
MOST_LEVELS = 32
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Op(Enum):
    """What a test compares, by the name that files use."""

    EQUALS = "equals"
    IN = "in"
    BELOW = "below"
    AT_MOST = "at_most"
    ABOVE = "above"
    AT_LEAST = "at_least"
    PREFIX = "prefix"
    EXISTS = "exists"
    VERSION_EQUALS = "version_equals"
    VERSION_BELOW = "version_below"
    VERSION_AT_MOST = "version_at_most"
    VERSION_ABOVE = "version_above"
    VERSION_AT_LEAST = "version_at_least"
    BEFORE = "before"
    UNTIL = "until"
    AFTER = "after"
    SINCE = "since"


NUMBER_OPS = frozenset({Op.BELOW, Op.AT_MOST, Op.ABOVE, Op.AT_LEAST})
VERSION_OPS = frozenset(op for op in Op if op.value.startswith("version_"))
MOMENT_OPS = frozenset({Op.BEFORE, Op.UNTIL, Op.AFTER, Op.SINCE})
_BY_NAME = {op.value: op for op in Op}


@dataclass(frozen=True, slots=True)
class Test:
    """A test of one attribute.

    Attributes:
        attribute: The attribute's name.
        op: What is compared.
        value: With what: a scalar, the scalars of ``in``, or True for ``exists``.
    """

    attribute: str
    op: Op
    value: Scalar | tuple[Scalar, ...]

    __test__ = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where each rule is; of no rules, everywhere."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where one of the rules is; of no rules, nowhere."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The opposite of a rule."""

    rule: "Rule"


Rule = Test | AllOf | AnyOf | Negation


def parse_rule(value: object, at: str = "", *, levels: int = MOST_LEVELS) -> Rule:
    """Read a rule as files write it.

    ``{attribute: country, in: [SG, MY]}`` is a test; with several comparisons all of them must hold.
    ``{all: [...]}``, ``{any: [...]}`` and ``{not: ...}`` join rules.

    Args:
        value: As JSON or YAML gives it.
        at: JSON pointer of the rule, for messages.
        levels: How deep rules may stand in each other.

    Raises:
        SpecError: It is no rule; ``where`` is the pointer of the part.

    Examples:
        >>> parse_rule({"attribute": "age", "at_least": 18})
        Test(attribute='age', op=<Op.AT_LEAST: 'at_least'>, value=18)
    """
    if not isinstance(value, Mapping):
        raise SpecError("a rule must be a mapping", where=at, hint="write {attribute: country, in: [SG, MY]}")
    if levels == 0:
        raise SpecError(f"rules stand in each other more than {MOST_LEVELS} levels deep", where=at)
    if "attribute" in value:
        return _parse_tests(value, at)
    if len(value) != 1 or not value.keys() <= {"all", "any", "not"}:
        raise SpecError(
            f"a rule has one of the keys all, any, not, or an attribute; not {', '.join(map(str, value)) or 'none'}",
            where=at,
        )
    ((key, inner),) = value.items()
    if key == "not":
        return Negation(parse_rule(inner, f"{at}/not", levels=levels - 1))
    if not isinstance(inner, list | tuple) or not inner:
        raise SpecError("a list of rules, at least one, is needed", where=f"{at}/{key}")
    rules = tuple(
        parse_rule(rule, f"{at}/{key}/{index}", levels=levels - 1) for index, rule in enumerate(inner)
    )
    return AllOf(rules) if key == "all" else AnyOf(rules)


def rule_json(rule: Rule) -> dict[str, Any]:
    """The rule as `parse_rule` reads it."""
    match rule:
        case AllOf(rules):
            return {"all": [rule_json(one) for one in rules]}
        case AnyOf(rules):
            return {"any": [rule_json(one) for one in rules]}
        case Negation(inner):
            return {"not": rule_json(inner)}
        case Test(attribute, op, value):
            return {"attribute": attribute, op.value: list(value) if isinstance(value, tuple) else value}


def attributes_of(rule: Rule | None) -> set[str]:
    """The attributes that a rule asks for.

    Examples:
        >>> sorted(attributes_of(parse_rule({"not": {"attribute": "country", "in": ["SG"]}})))
        ['country']
    """
    match rule:
        case Test(attribute, _, _):
            return {attribute}
        case AllOf(rules) | AnyOf(rules):
            return {name for inner in rules for name in attributes_of(inner)}
        case Negation(inner):
            return attributes_of(inner)
    return set()


def kind_of(value: object) -> str | None:
    """Of which kind a scalar is: text, number or boolean; None where it is none of them."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, int | float) else None


def _parse_tests(value: Mapping[str, object], at: str) -> Rule:
    attribute = value["attribute"]
    if not isinstance(attribute, str) or not attribute:
        raise SpecError("the attribute's name must be text", where=f"{at}/attribute")
    _refuse_bad_text(attribute, f"{at}/attribute")
    tests = tuple(
        _parse_test(attribute, key, given, f"{at}/{key}")
        for key, given in value.items()
        if key != "attribute"
    )
    if not tests:
        raise SpecError("the test compares nothing", where=at, hint=f"one of {', '.join(_BY_NAME)}")
    return tests[0] if len(tests) == 1 else AllOf(tests)


def _parse_test(attribute: str, key: str, given: object, at: str) -> Test:
    op = _BY_NAME.get(key)
    if op is None:
        raise SpecError(f"unknown comparison {key!r}", where=at, hint=f"one of {', '.join(_BY_NAME)}")
    if op is Op.IN:
        return Test(attribute, op, _parse_values(given, at))
    wanted, fits = _WANTED[op]
    if op in MOMENT_OPS and hasattr(given, "isoformat"):
        given = given.isoformat()
    if not fits(given):
        raise SpecError(f"{op.value} needs {wanted}, not {given!r}", where=at, hint=_hint(op, given))
    if isinstance(given, str):
        _refuse_bad_text(given, at)
    assert isinstance(given, str | int | float | bool)
    return Test(attribute, op, given)


def _hint(op: Op, given: object) -> str:
    return "put it in quotes" if op in VERSION_OPS and kind_of(given) == "number" else ""


def _parse_values(given: object, at: str) -> tuple[Scalar, ...]:
    if not isinstance(given, list | tuple) or not given:
        raise SpecError("in needs a list of values, at least one", where=at)
    for value in given:
        if not _is_scalar(value):
            raise SpecError(f"in needs texts, numbers or booleans, not {value!r}", where=at)
        if isinstance(value, str):
            _refuse_bad_text(value, at)
    if len({kind_of(value) for value in given}) > 1:
        raise SpecError(
            "the values of in must be of one kind", where=at, hint="all text, all numbers or all booleans"
        )
    return tuple(given)


def _refuse_bad_text(text: str, at: str) -> None:
    if _UNSTORABLE.search(text):
        raise SpecError(f"{text!r} holds a character that warehouses cannot store", where=at)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return isfinite(float(value))
    except OverflowError:
        return False


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | bool) or _is_number(value)


def _is_version(value: object) -> bool:
    return isinstance(value, str) and version_key(value) is not None


_WANTED: Mapping[Op, tuple[str, Callable[[object], bool]]] = {
    Op.EQUALS: ("a text, a number or a boolean", _is_scalar),
    Op.PREFIX: ("a text that is not empty", lambda value: isinstance(value, str) and value != ""),
    Op.EXISTS: ("true (join it with not for its opposite)", lambda value: value is True),
    **dict.fromkeys(NUMBER_OPS, ("a number", _is_number)),
    **dict.fromkeys(VERSION_OPS, ("a version such as '2.4.0'", _is_version)),
    **dict.fromkeys(
        MOMENT_OPS,
        ("a day or a moment such as '2026-04-01T10:00:00Z'", lambda value: moment_of(value) is not None),
    ),
}
