"""Decisions by a ruleset: everything that does not depend on the unit is computed once."""

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
        self._experiments = _Deciders(ruleset, ruleset.experiments)
        self._rollouts = _Deciders(ruleset, ruleset.rollouts)
        self._all: list[tuple[str, Decide]] | None = None
        self._setters: dict[tuple[str | None, str], list[tuple[_Deciders, str]]] = {}
        for experiment in ruleset.experiments.values():
            self._add(experiment, experiment.variants[0].config, self._experiments)
        for rollout in ruleset.rollouts.values():
            self._add(rollout, rollout.config, self._rollouts)

    def _add(self, entry: Entry, config: Mapping[str, Any], deciders: "_Deciders") -> None:
        for key in config:
            self._setters.setdefault((entry.flag, key), []).append((deciders, entry.name))

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
        if self._all is None:
            self._all = [(name, self._experiments[name]) for name in self.ruleset.experiments]
        return {name: decide(unit, attributes, now, buckets) for name, decide in self._all}

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
        for deciders, name in self._setters.get((flag, key), ()):
            outcome = deciders[name](unit, attributes, now, buckets)
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
        is_targeting_unit = entry.unit == self.ruleset.targeting_unit
        return (
            unit if is_targeting_unit and unit is not None else attributes.get(self.ruleset.units[entry.unit])
        )

    def bucket(self, owner: Entry | Holdback, unit: Unit) -> int | None:
        """The bucket that draws the variant of a unit."""
        return owner.scheme.scalar(owner.salt, unit)


class _Deciders(dict[str, Decide]):
    """The functions that decide, each made when it is first asked for: a new ruleset must be there at once."""

    def __init__(self, ruleset: Ruleset, entries: Mapping[str, Experiment] | Mapping[str, Rollout]) -> None:
        super().__init__()
        self._ruleset, self._entries = ruleset, entries

    def __missing__(self, name: str) -> Decide:
        entry = self._entries[name]
        found = self[name] = _decider(self._ruleset, entry)
        return found


def _decider(ruleset: Ruleset, entry: Experiment | Rollout) -> Decide:
    key, is_targeting_unit = ruleset.units[entry.unit], entry.unit == ruleset.targeting_unit
    allowed, held = _allowed(entry.gates, entry.unit), _held(entry)
    starts = float("-inf") if entry.starts is None else entry.starts
    ends = float("inf") if entry.ends is None else entry.ends
    targets = None if entry.targeting is None else matcher(entry.targeting)
    bucketer, cuts, outcomes = entry.scheme.bucketer(entry.salt), _cuts(entry), _outcomes(entry)
    no_unit, not_running, not_allocated, not_targeted = (
        Outcome(entry=entry, why=why, config={})
        for why in (Why.NO_UNIT, Why.NOT_RUNNING, Why.NOT_ALLOCATED, Why.NOT_TARGETED)
    )

    def decide(unit: Unit | None, attributes: Attributes, now: float, buckets: Buckets) -> Outcome:
        identifier = unit if is_targeting_unit and unit is not None else attributes.get(key)
        if identifier is None or identifier == "":
            return no_unit
        if not starts <= now < ends:
            return not_running
        tested = None if held is None else held(identifier, buckets)
        if tested is not None and tested.why is Why.HOLDBACK:
            return tested
        if allowed is not None and not allowed(identifier, buckets):
            return not_allocated
        if targets is not None and not targets(attributes):
            return not_targeted
        if tested is not None:
            return tested
        bucket = bucketer(identifier)
        return not_allocated if bucket is None else outcomes[bisect_right(cuts, bucket)]

    def decide_everyone(unit: Unit | None, attributes: Attributes, now: float, buckets: Buckets) -> Outcome:
        """The same where only the days and the variant's bucket are to be looked at: most experiments."""
        identifier = unit if is_targeting_unit and unit is not None else attributes.get(key)
        if starts <= now < ends and (bucket := bucketer(identifier)) is not None:
            return outcomes[bisect_right(cuts, bucket)]
        return no_unit if identifier is None or identifier == "" else not_running

    return decide_everyone if held is None and allowed is None and targets is None else decide


def _cuts(entry: Experiment | Rollout) -> tuple[int, ...]:
    return entry.cuts if isinstance(entry, Experiment) else (entry.cut,)


def _outcomes(entry: Experiment | Rollout) -> list[Outcome]:
    """The outcome between each two cuts, and past the last one."""
    outside = Outcome(entry=entry, why=Why.NOT_ALLOCATED, config={})
    if isinstance(entry, Rollout):
        return [Outcome(entry=entry, why=Why.ASSIGNED, config=entry.config), outside]
    assigned = [
        Outcome(entry=entry, why=Why.ASSIGNED, variant=variant, config=variant.config)
        for variant in entry.variants
    ]
    # Closed scales of some vendors have one bucket past the last cut.
    return [*assigned, outside]


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
