"""What a new ruleset changes, and for whom, in words."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from steelyard.assign.checks import same
from steelyard.assign.ruleset import Entry, Experiment, Gate, Holdback, Property, Rollout, Ruleset, Variant
from steelyard.hashing import WHOLE
from steelyard.targeting import Rule, describe

T = TypeVar("T")
Words = Iterator[str]
Gates = tuple[Gate, ...] | None


def diff_rulesets(old: Ruleset, new: Ruleset) -> list[str]:
    """Say what changes for whom, one line per change; nothing changes where the list is empty.

    Args:
        old: What clients have.
        new: What they will have.
    """
    return [
        *_tops(old, new),
        *_named(old.programmes, new.programmes, "programme", _programme),
        *_named(old.flags, new.flags, "flag", _flag),
        *_named(old.holdbacks, new.holdbacks, "holdback", _holdback),
        *_named(old.experiments, new.experiments, "experiment", _experiment),
        *_named(old.rollouts, new.rollouts, "rollout", _rollout),
    ]


def _tops(old: Ruleset, new: Ruleset) -> Words:
    for words, before, after in (
        ("the project", old.project, new.project),
        ("the unit of the targeting key", old.targeting_unit, new.targeting_unit),
        ("the units' keys", dict(old.units), dict(new.units)),
    ):
        if before != after:
            yield f"{words}: {before} becomes {after}"


def _named(old: Mapping[str, T], new: Mapping[str, T], kind: str, changes: Any) -> Words:
    """Lines of everything of one kind; ``changes`` says what is new, gone or different about one."""
    for name in sorted(old.keys() | new.keys()):
        for words in changes(old.get(name), new.get(name)):
            yield f"{kind} {name}: {words}"


def _programme(old: Any, new: Any) -> Words:
    if old is None or new is None:
        yield "added" if old is None else "removed"
    elif (old.salt, old.scheme, old.buckets) != (new.salt, new.scheme, new.buckets):
        yield "its salt, scheme or size changes; every unit is put into another bucket"
    else:
        yield from _gate_changes(old.gates, new.gates)


def _flag(old: Mapping[str, Property] | None, new: Mapping[str, Property] | None) -> Words:
    old, new = old or {}, new or {}
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before is None or after is None:
            yield f"{key} is {'added' if before is None else 'removed'}"
        elif before != after or not same(before.default, after.default):
            yield f"{key} was {_shown_property(before)}, and is {_shown_property(after)}"


def _shown_property(one: Property) -> str:
    enum = "" if one.enum is None else f" of {list(one.enum)}"
    return f"{one.type}{enum} with default {one.default!r}"


def _holdback(old: Holdback | None, new: Holdback | None) -> Words:
    if new is None:
        yield "released; its units take part in everything again"
        return
    if old is None:
        yield f"added; {_shown_gates(new.gates)} of the unit {new.unit} get nothing new"
    else:
        yield from _gate_changes(old.gates, new.gates)
    if new.variants and not (old and old.variants):
        yield "its closing test starts: half of it gets everything that has shipped"
    elif old is not None and (old.salt, old.scheme, old.cuts) != (new.salt, new.scheme, new.cuts):
        yield "its closing test is drawn anew"


def _experiment(old: Experiment | None, new: Experiment | None) -> Words:
    if new is None:
        yield "removed; its units get what they would get without it"
        return
    if old is None:
        shares = ", ".join(f"{one.name} {_percent(one.share)}" for one in new.variants)
        yield f"added; {_shown_gates(new.gates)} of the unit {new.unit}{_targets(new.targeting)}: {shares}"
        return
    yield from _entry_changes(old, new)
    yield from _variant_changes(old, new)
    yield from _config_changes(old.variants, new.variants)


def _rollout(old: Rollout | None, new: Rollout | None) -> Words:
    if new is None:
        yield "removed; its units get the defaults"
        return
    if old is None:
        whom = f"{_percent(new.share)} of the unit {new.unit}{_targets(new.targeting)}"
        yield f"added; {whom}, get {dict(new.config)}"
        return
    yield from _entry_changes(old, new)
    if (old.salt, old.scheme) != (new.salt, new.scheme):
        yield f"its salt changes; who has it is drawn anew, {_percent(new.share)} of units"
    elif old.cut != new.cut:
        moved = "units join, none leaves" if new.cut > old.cut else "units lose it"
        yield f"{_percent(old.share)} becomes {_percent(new.share)}; {moved}"
    if not same(dict(old.config), dict(new.config)):
        yield f"it sets {dict(new.config)} instead of {dict(old.config)}"


def _entry_changes(old: Entry, new: Entry) -> Words:
    if old.unit != new.unit:
        yield f"its unit becomes {new.unit} instead of {old.unit}; everybody is drawn anew"
    if old.flag != new.flag:
        yield f"its flag becomes {new.flag} instead of {old.flag}"
    yield from _gate_changes(old.gates, new.gates)
    if old.targeting != new.targeting:
        yield f"it was for {_shown_rule(old.targeting)}, and is for {_shown_rule(new.targeting)}"
    for words, before, after in (("starts", old.starts, new.starts), ("ends", old.ends, new.ends)):
        if before != after:
            yield f"it {words} {_moment(after)} instead of {_moment(before)}"
    before_names, after_names = ([one.name for one in entry.holdbacks] for entry in (old, new))
    if before_names != after_names:
        yield f"the holdbacks {_list(after_names)} keep out of it instead of {_list(before_names)}"


def _variant_changes(old: Experiment, new: Experiment) -> Words:
    names = [one.name for one in new.variants]
    if (old.salt, old.scheme) != (new.salt, new.scheme):
        kept = sum(
            before.share * after.share
            for before in old.variants
            for after in new.variants
            if before.name == after.name
        )
        moved = _percent(round(WHOLE - kept / WHOLE))
        yield f"its salt or scheme changes; every unit is drawn anew, about {moved} change variant"
        return
    moves: dict[tuple[str, str], int] = {}
    for bucket in range(new.scheme.buckets):
        pair = _owner(old, bucket), _owner(new, bucket)
        if pair[0] != pair[1]:
            moves[pair] = moves.get(pair, 0) + 1
    for (before, after), count in moves.items():
        share = _percent(round(count * WHOLE / new.scheme.buckets))
        yield f"{share} of its units move from {before} to {after}, with the salt as it was"
    if not moves and [one.name for one in old.variants] != names:
        yield f"its variants are now {_list(names)}"


def _owner(experiment: Experiment, bucket: int) -> str:
    return next(
        one.name for one, cut in zip(experiment.variants, experiment.cuts, strict=True) if bucket < cut
    )


def _config_changes(old: tuple[Variant, ...], new: tuple[Variant, ...]) -> Words:
    before = {one.name: one.config for one in old}
    for one in new:
        for key in sorted(one.config.keys() | before.get(one.name, {}).keys()) if one.name in before else ():
            was, value = before[one.name].get(key), one.config.get(key)
            if not same(was, value):
                yield f"{one.name} sets {key} to {value!r} instead of {was!r}"


def _gate_changes(old: Gates, new: Gates) -> Words:
    places = [
        None if gates is None else [(gate.programme.name, gate.programme.buckets) for gate in gates]
        for gates in (old, new)
    ]
    if places[0] != places[1]:
        yield f"it is open to {_shown_gates(new)} instead of {_shown_gates(old)}"
        return
    for before, after in zip(old or (), new or (), strict=True):
        was, now = (int.from_bytes(gate.bits, "little") for gate in (before, after))
        joins, leaves = (now & ~was).bit_count(), (was & ~now).bit_count()
        if joins or leaves:
            drops = "; units that may have seen it drop out" if leaves else ""
            where = f"of the {after.programme.buckets:,} buckets of {after.programme.name}"
            yield f"{joins:,} {where} join, {leaves:,} leave{drops}"


def _shown_gates(gates: Gates) -> str:
    if gates is None:
        return "everyone"
    return (
        "nobody"
        if not gates
        else " or ".join(
            f"{gate.count:,} of the {gate.programme.buckets:,} buckets of {gate.programme.name}"
            for gate in gates
        )
    )


def _shown_rule(rule: Rule | None) -> str:
    return "everyone" if rule is None else f"whoever has {describe(rule)}"


def _targets(rule: Rule | None) -> str:
    return "" if rule is None else f", {_shown_rule(rule)}"


def _moment(seconds: float | None) -> str:
    return "never" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _percent(share: int) -> str:
    return f"{share / 100:g} %"
