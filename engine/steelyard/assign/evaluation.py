"""Decisions by a ruleset: everything that does not depend on the unit is computed once, when it is loaded."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from steelyard.assign.ruleset import Entry, Experiment, Gate, Holdback, Rollout, Ruleset, Variant
from steelyard.hashing import Unit
from steelyard.targeting import matcher

Attributes = Mapping[str, Any]
Buckets = dict[str, int | None]
"""The buckets of one unit by programme, as far as they are known."""


class Why(Enum):
    """Why an entry has decided as it has."""

    ASSIGNED = "assigned"
    HOLDBACK = "holdback"
    NO_UNIT = "no_unit"
    NOT_RUNNING = "not_running"
    NOT_ALLOCATED = "not_allocated"
    NOT_TARGETED = "not_targeted"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What an entry decides for a unit; one object stands for all units with the same outcome.

    Attributes:
        entry: The experiment or rollout.
        why: Why.
        variant: The variant of an experiment, where the unit has one.
        config: What the entry sets for the unit; empty where it sets nothing.
        holdback: What keeps the unit out, or in whose closing test it is.
        held_variant: The unit's variant in the exposures of that holdback.
    """

    entry: Entry
    why: Why
    variant: Variant | None = None
    config: Mapping[str, Any]
    holdback: Holdback | None = None
    held_variant: str | None = None


Decide = Callable[[Unit | None, Attributes, float, Buckets], Outcome]
Allowed = Callable[[Unit, Buckets], bool]
Held = Callable[[Unit, Buckets], Outcome | None]


class Evaluator:
    """Decides who gets what.

    Args:
        ruleset: The ruleset.

    Examples:
        >>> from steelyard.assign.reading import read_ruleset
        >>> from steelyard.assign.writing import seal
        >>> experiment = {"unit": "user", "flag": None, "salt": "exp_checkout", "scheme": "sha256", "gates": None,
        ...     "targeting": None, "starts": None, "ends": None, "holdbacks": [], "variants": [
        ...         {"name": "control", "share": 5000, "config": {}},
        ...         {"name": "treatment", "share": 5000, "config": {}}]}
        >>> data = seal({"project": "shop", "units": {"user": "user_id"}, "targeting_unit": "user",
        ...     "programmes": {}, "flags": {}, "holdbacks": {}, "rollouts": {},
        ...     "experiments": {"exp_checkout": experiment}})
        >>> evaluator = Evaluator(read_ruleset(data))
        >>> evaluator.decide("exp_checkout", "user_1", {}, now=0.0).variant.name
        'control'
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self._experiments = {
            name: _decider(ruleset, one, _variant_chooser(one)) for name, one in ruleset.experiments.items()
        }
        self._rollouts = {
            name: _decider(ruleset, one, _rollout_chooser(one)) for name, one in ruleset.rollouts.items()
        }
        self._setters: dict[tuple[str | None, str], list[Decide]] = {}
        for experiment in ruleset.experiments.values():
            self._add(experiment, experiment.variants[0].config, self._experiments)
        for rollout in ruleset.rollouts.values():
            self._add(rollout, rollout.config, self._rollouts)

    def _add(self, entry: Entry, config: Mapping[str, Any], deciders: Mapping[str, Decide]) -> None:
        for key in config:
            self._setters.setdefault((entry.flag, key), []).append(deciders[entry.name])

    def decide(self, experiment: str, unit: Unit | None, attributes: Attributes, *, now: float) -> Outcome:
        """What one experiment decides for a unit.

        Args:
            experiment: Its name; `KeyError` if there is none.
            unit: Id of the targeting unit; None to take it from the attributes.
            attributes: What targeting knows of the unit, and ids of other units by their key.
            now: Seconds since 1970.

        Raises:
            SpecError: The unit is no text and no integer.
        """
        return self._experiments[experiment](unit, attributes, now, {})

    def decide_all(self, unit: Unit | None, attributes: Attributes, *, now: float) -> dict[str, Outcome]:
        """What every experiment decides for a unit; see `decide`."""
        buckets: Buckets = {}
        return {name: decide(unit, attributes, now, buckets) for name, decide in self._experiments.items()}

    def setting(
        self, flag: str, key: str, unit: Unit | None, attributes: Attributes, *, now: float, buckets: Buckets
    ) -> Outcome | None:
        """What sets a property for a unit: an experiment first, then a rollout.

        Args:
            flag: The flag.
            key: Its property.
            unit: As for `decide`.
            attributes: As for `decide`.
            now: As for `decide`.
            buckets: Filled with the unit's buckets, to be used again for its other properties.

        Returns:
            The outcome that sets it; else one that would have but for a holdback, or for the unit's id; else None.
        """
        kept_out = None
        for decide in self._setters.get((flag, key), ()):
            outcome = decide(unit, attributes, now, buckets)
            if outcome.why is Why.ASSIGNED:
                return outcome
            if outcome.why is Why.HOLDBACK or (outcome.why is Why.NO_UNIT and kept_out is None):
                kept_out = outcome
        return kept_out

    def is_settable(self, flag: str, key: str) -> bool:
        """Whether any experiment or rollout sets a property for some unit."""
        return (flag, key) in self._setters

    def unit_of(self, entry: Entry, unit: Unit | None, attributes: Attributes) -> Unit | None:
        """The id of the unit that an entry hashes."""
        return _identifier(self.ruleset, entry)(unit, attributes)

    def bucket(self, owner: Entry | Holdback, unit: Unit) -> int | None:
        """The bucket that draws the variant of a unit."""
        return owner.scheme.scalar(owner.salt, unit)


def _decider(ruleset: Ruleset, entry: Entry, choose: Callable[[Unit], Outcome]) -> Decide:
    identify = _identifier(ruleset, entry)
    allowed, held = _allowed(entry.gates, entry.unit), _held(entry)
    starts, ends = entry.starts, entry.ends
    targets = None if entry.targeting is None else matcher(entry.targeting)
    no_unit, not_running, not_allocated, not_targeted = (
        Outcome(entry=entry, why=why, config={})
        for why in (Why.NO_UNIT, Why.NOT_RUNNING, Why.NOT_ALLOCATED, Why.NOT_TARGETED)
    )

    def decide(unit: Unit | None, attributes: Attributes, now: float, buckets: Buckets) -> Outcome:
        identifier = identify(unit, attributes)
        if identifier is None or identifier == "":
            return no_unit
        if (starts is not None and now < starts) or (ends is not None and now >= ends):
            return not_running
        tested = None if held is None else held(identifier, buckets)
        if tested is not None and tested.why is Why.HOLDBACK:
            return tested
        if allowed is not None and not allowed(identifier, buckets):
            return not_allocated
        if targets is not None and not targets(attributes):
            return not_targeted
        return choose(identifier) if tested is None else tested

    return decide


def _identifier(ruleset: Ruleset, entry: Entry) -> Callable[[Unit | None, Attributes], Unit | None]:
    key, is_targeting_unit = ruleset.units[entry.unit], entry.unit == ruleset.targeting_unit

    def identify(unit: Unit | None, attributes: Attributes) -> Unit | None:
        return unit if unit is not None and is_targeting_unit else attributes.get(key)

    return identify


def _allowed(gates: tuple[Gate, ...] | None, unit_kind: str) -> Allowed | None:
    """Whether a unit is in one of the gates; None where every unit is."""
    if gates is None:
        return None
    checks = [
        (
            f"{unit_kind}/{gate.programme.name}",
            gate.programme.scheme.bucketer(gate.programme.salt, gate.programme.buckets),
            gate.bits,
            _allowed(gate.programme.gates, unit_kind),
        )
        for gate in gates
    ]

    def allowed(unit: Unit, buckets: Buckets) -> bool:
        for key, bucketer, bits, enters in checks:
            bucket = buckets.get(key)
            if bucket is None:
                bucket = buckets[key] = bucketer(unit)
            is_owned = bucket is not None and bits[bucket >> 3] >> (bucket & 7) & 1
            if is_owned and (enters is None or enters(unit, buckets)):
                return True
        return False

    return allowed


def _held(entry: Entry) -> Held | None:
    """What a holdback makes of a unit that is in it; None where no holdback covers the entry."""
    if not entry.holdbacks:
        return None
    checks = [(_allowed(one.gates, one.unit), _held_outcome(entry, one)) for one in entry.holdbacks]

    def held(unit: Unit, buckets: Buckets) -> Outcome | None:
        for allowed, outcome in checks:
            if allowed is None or allowed(unit, buckets):
                return outcome(unit)
        return None

    return held


def _held_outcome(entry: Entry, holdback: Holdback) -> Callable[[Unit], Outcome]:
    def kept_out(variant: str) -> Outcome:
        return Outcome(entry=entry, why=Why.HOLDBACK, config={}, holdback=holdback, held_variant=variant)

    if not holdback.variants:
        always = kept_out("holdback")
        return lambda unit: always
    names = [variant.name for variant in holdback.variants]
    nothing, everything = (kept_out(name) for name in names)
    if isinstance(entry, Rollout):
        everything = Outcome(
            entry=entry, why=Why.ASSIGNED, config=entry.config, holdback=holdback, held_variant=names[1]
        )
    bucketer, cut = holdback.scheme.bucketer(holdback.salt), holdback.cuts[0]

    def outcome(unit: Unit) -> Outcome:
        bucket = bucketer(unit)
        return nothing if bucket is None or bucket < cut else everything

    return outcome


def _variant_chooser(experiment: Experiment) -> Callable[[Unit], Outcome]:
    outcomes = [
        Outcome(entry=experiment, why=Why.ASSIGNED, variant=variant, config=variant.config)
        for variant in experiment.variants
    ]
    # Closed scales of some vendors have one bucket past the last cut.
    outcomes.append(Outcome(entry=experiment, why=Why.NOT_ALLOCATED, config={}))
    bucketer, cuts = experiment.scheme.bucketer(experiment.salt), experiment.cuts

    def choose(unit: Unit) -> Outcome:
        bucket = bucketer(unit)
        return outcomes[-1 if bucket is None else bisect_right(cuts, bucket)]

    return choose


def _rollout_chooser(rollout: Rollout) -> Callable[[Unit], Outcome]:
    inside = Outcome(entry=rollout, why=Why.ASSIGNED, config=rollout.config)
    outside = Outcome(entry=rollout, why=Why.NOT_ALLOCATED, config={})
    bucketer, cut = rollout.scheme.bucketer(rollout.salt), rollout.cut

    def choose(unit: Unit) -> Outcome:
        bucket = bucketer(unit)
        return inside if bucket is not None and bucket < cut else outside

    return choose
