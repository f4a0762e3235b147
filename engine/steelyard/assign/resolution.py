"""A flag's value for a unit, typed, with the reason for it; nothing is logged here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from steelyard.assign.evaluation import Attributes, Buckets, Evaluator, Outcome, Why
from steelyard.assign.ruleset import Experiment, Property, PropertyType, Ruleset
from steelyard.errors import SpecError
from steelyard.hashing import Unit

Reason = Literal["SPLIT", "TARGETING_MATCH", "DEFAULT", "STATIC", "ERROR"]
ErrorCode = Literal[
    "PROVIDER_NOT_READY",
    "FLAG_NOT_FOUND",
    "TYPE_MISMATCH",
    "TARGETING_KEY_MISSING",
    "INVALID_CONTEXT",
    "GENERAL",
]
Expected = PropertyType | Literal["any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a key means for a unit.

    Attributes:
        value: The value; the caller's default where there is an error.
        reason: ``SPLIT`` by an experiment (or a holdback's closing test), ``TARGETING_MATCH`` by a rollout,
            ``DEFAULT`` where nothing that could set it does, ``STATIC`` where nothing could, ``ERROR``.
        variant: The variants of the experiments that set it, joined by commas.
        outcomes: What was decided about it: what an exposure is logged for once the value is used.
        error: What kind of error, if one.
        message: The error in words.
        evaluator: What decided; None without a ruleset.
    """

    value: Any
    reason: Reason
    variant: str | None = None
    outcomes: tuple[Outcome, ...] = ()
    error: ErrorCode | None = None
    message: str = ""
    evaluator: Evaluator | None = field(default=None, repr=False)


@dataclass(slots=True)
class Context:
    """Whom a value is for, and when."""

    unit: Unit | None
    attributes: Attributes
    now: float
    buckets: Buckets = field(default_factory=dict)


class Resolver:
    """Resolves keys: ``flag``, ``flag.property``, or an experiment's name for the name of its variant.

    Args:
        evaluator: Decides.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._keys = _properties(evaluator.ruleset)
        # Outcomes are few and shared by all units, and so are the answers that depend on nothing else.
        self._answers: dict[tuple[str, Expected, Outcome], Resolution] = {}

    def resolve(self, key: str, default: Any, expected: Expected, context: Context) -> Resolution:
        """The value of a key.

        Args:
            key: The key.
            default: The caller's value for where there is none.
            expected: The type that the caller needs.
            context: Whom it is for.
        """
        try:
            if key in self._keys:
                return self._property(key, default, expected, context)
            if key in self.evaluator.ruleset.flags:
                return self._flag(key, default, expected, context)
            if key in self.evaluator.ruleset.experiments:
                return self._variant(key, default, expected, context)
        except SpecError as error:
            return self._failed(default, "INVALID_CONTEXT", error.args[0])
        return self._failed(default, "FLAG_NOT_FOUND", f"there is no flag, property or experiment {key!r}")

    def _property(self, key: str, default: Any, expected: Expected, context: Context) -> Resolution:
        flag, name, kind = self._keys[key]
        if not _fits(kind.type, expected):
            return self._failed(default, "TYPE_MISMATCH", f"{key} is of type {kind.type}, not {expected}")
        outcome = self._setting(flag, name, context)
        if outcome is not None and (known := self._answers.get((key, expected, outcome))) is not None:
            return known
        if outcome is not None and outcome.why is Why.NO_UNIT:
            return self._failed(default, "TARGETING_KEY_MISSING", self._missing(outcome))
        value = default if kind.default is None else _own(kind.default)
        is_set = outcome is not None and name in outcome.config
        if outcome is not None and is_set:
            value = _own(outcome.config[name])
        if expected == "number" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        found = self._answer(value, (outcome,), is_settable=self.evaluator.is_settable(flag, name))
        if outcome is not None and is_set and not isinstance(value, dict | list):
            self._answers[key, expected, outcome] = found
        return found

    def _flag(self, key: str, default: Any, expected: Expected, context: Context) -> Resolution:
        if expected not in ("object", "any"):
            return self._failed(default, "TYPE_MISMATCH", f"{key} is an object, not {expected}")
        value: dict[str, Any] = dict(default) if isinstance(default, Mapping) else {}
        outcomes: list[Outcome | None] = []
        properties = self.evaluator.ruleset.flags[key]
        for name, kind in properties.items():
            outcome = self._setting(key, name, context)
            if outcome is not None and outcome.why is Why.NO_UNIT:
                return self._failed(default, "TARGETING_KEY_MISSING", self._missing(outcome))
            if kind.default is not None:
                value[name] = _own(kind.default)
            if outcome is not None and name in outcome.config:
                value[name] = _own(outcome.config[name])
            outcomes.append(outcome)
        is_settable = any(self.evaluator.is_settable(key, name) for name in properties)
        return self._answer(value, tuple(outcomes), is_settable=is_settable)

    def _variant(self, key: str, default: Any, expected: Expected, context: Context) -> Resolution:
        if expected not in ("string", "any"):
            return self._failed(
                default, "TYPE_MISMATCH", f"the variant of {key} is of type string, not {expected}"
            )
        outcome = self.evaluator.decide(key, context.unit, context.attributes, now=context.now)
        if (known := self._answers.get((key, expected, outcome))) is not None:
            return known
        if outcome.why is Why.NO_UNIT:
            return self._failed(default, "TARGETING_KEY_MISSING", self._missing(outcome))
        if outcome.variant is None:
            return self._answer(
                default, (outcome if outcome.why is Why.HOLDBACK else None,), is_settable=True
            )
        found = self._answer(outcome.variant.name, (outcome,), is_settable=True)
        self._answers[key, expected, outcome] = found
        return found

    def _setting(self, flag: str, name: str, context: Context) -> Outcome | None:
        return self.evaluator.setting(
            flag, name, context.unit, context.attributes, now=context.now, buckets=context.buckets
        )

    def _missing(self, outcome: Outcome) -> str:
        ruleset, unit = self.evaluator.ruleset, outcome.entry.unit
        where = "targeting key" if unit == ruleset.targeting_unit else f"attribute {ruleset.units[unit]!r}"
        return f"the {where} is missing, which {outcome.entry.name!r} hashes"

    def _answer(self, value: Any, outcomes: tuple[Outcome | None, ...], *, is_settable: bool) -> Resolution:
        found = tuple(dict.fromkeys(outcome for outcome in outcomes if outcome is not None))
        assigned = [outcome for outcome in found if outcome.why is Why.ASSIGNED]
        is_split = any(isinstance(one.entry, Experiment) or one.holdback for one in assigned)
        reason: Reason = "SPLIT" if is_split else "TARGETING_MATCH" if assigned else "DEFAULT"
        variants = [one.variant.name if one.variant else one.held_variant for one in assigned]
        return Resolution(
            value=value,
            reason=reason if assigned or is_settable else "STATIC",
            variant=",".join(name for name in variants if name) or None,
            outcomes=found,
            evaluator=self.evaluator,
        )

    def _failed(self, default: Any, code: ErrorCode, message: str) -> Resolution:
        return Resolution(
            value=default, reason="ERROR", error=code, message=message, evaluator=self.evaluator
        )


def _properties(ruleset: Ruleset) -> dict[str, tuple[str, str, Property]]:
    return {
        f"{flag}.{name}": (flag, name, kind)
        for flag, properties in ruleset.flags.items()
        for name, kind in properties.items()
    }


def _own(value: Any) -> Any:
    """A value that the caller may change without changing the ruleset's."""
    if isinstance(value, dict):
        return {key: _own(one) for key, one in value.items()}
    return [_own(one) for one in value] if isinstance(value, list) else value


def _fits(kind: PropertyType, expected: Expected) -> bool:
    if expected == "object":
        return kind in ("object", "array")
    return expected in ("any", kind) or (expected == "number" and kind == "integer")
