"""A ruleset as the payload of GrowthBook's SDKs, where these decide exactly as a client of ours.

What they would decide otherwise is refused: another hash, versions and dates in rules (``1.2`` is not ``1.2.0``
there), holdbacks, buckets by another hash. An experiment's days are not in the payload: it holds what runs at the
moment of the export, so export again when that changes.

References:
    growthbook/growthbook, packages/sdk-js; docs.growthbook.io/lib/build-your-own. Checked against the Python SDK 4.0.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.assign.ruleset import Entry, Experiment, Gate, Rollout, Ruleset
from steelyard.errors import SpecError
from steelyard.hashing import Scheme
from steelyard.targeting import AllOf, AnyOf, Negation, Op, Rule, Test
from steelyard.targeting.rule import NUMBER_OPS, kind_of

HASH_VERSIONS = {"growthbook-v1": 1, "growthbook-v2": 2}
LARGEST = 1.7976931348623157e308
COMPARISONS = {Op.BELOW: "$lt", Op.AT_MOST: "$lte", Op.ABOVE: "$gt", Op.AT_LEAST: "$gte"}
TYPES = {"text": "string", "number": "number", "boolean": "boolean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A payload.

    Attributes:
        payload: ``{"features": ...}``, as the SDKs read it.
        refused: Why an experiment or a rollout is not in it, by name.
    """

    payload: Mapping[str, Any]
    refused: Mapping[str, str]


def export_growthbook(ruleset: Ruleset, *, at: float) -> Export:
    """The payload of what runs at a moment.

    A feature is a property, ``flag.property``, or an experiment without a flag, whose values are the names of its
    variants. The tracking callback's keys are the names of the experiment and of the variant.

    Args:
        ruleset: The ruleset.
        at: Seconds since 1970.
    """
    features = {
        f"{flag}.{name}": {"defaultValue": kind.default, "rules": list[Any]()}
        for flag, properties in ruleset.flags.items()
        for name, kind in properties.items()
    }
    refused: dict[str, str] = {}
    entries: list[Experiment | Rollout] = [*ruleset.experiments.values(), *ruleset.rollouts.values()]
    for entry in entries:
        if not _runs(entry, at):
            continue
        try:
            for key, rule in _rules(entry, ruleset):
                features.setdefault(key, {"defaultValue": None, "rules": []})["rules"].append(rule)
        except SpecError as error:
            refused[entry.name] = error.args[0]
    return Export(payload={"features": features}, refused=refused)


def _runs(entry: Entry, at: float) -> bool:
    is_begun = entry.starts is None or entry.starts <= at
    return is_begun and (entry.ends is None or at < entry.ends)


def _rules(entry: Experiment | Rollout, ruleset: Ruleset) -> Iterator[tuple[str, dict[str, Any]]]:
    shared = {
        "seed": entry.salt,
        "hashVersion": _hash_version(entry.scheme, "it is drawn"),
        "hashAttribute": ruleset.units[entry.unit],
        **_limits(entry, ruleset.units[entry.unit]),
    }
    if isinstance(entry, Rollout):
        for key, value in entry.config.items():
            reach = [0, entry.cut / entry.scheme.buckets]
            yield f"{entry.flag}.{key}", {"id": entry.name, **shared, "force": value, "range": reach}
        return
    size = entry.scheme.buckets
    starts = (0, *entry.cuts)
    shared |= {
        "key": entry.name,
        "ranges": [[start / size, end / size] for start, end in zip(starts, entry.cuts, strict=False)],
        "meta": [{"key": variant.name, "name": variant.name} for variant in entry.variants],
        "weights": [variant.share / 10_000 for variant in entry.variants],
    }
    if entry.flag is None or not entry.variants[0].config:
        yield entry.name, {**shared, "variations": [variant.name for variant in entry.variants]}
        return
    for key in entry.variants[0].config:
        yield f"{entry.flag}.{key}", {**shared, "variations": [one.config[key] for one in entry.variants]}


def _hash_version(scheme: Scheme, what: str) -> int:
    if scheme.name not in HASH_VERSIONS:
        raise SpecError(
            f"{what} by {scheme.name}, which GrowthBook's SDKs do not know; growthbook-v2 is needed"
        )
    return HASH_VERSIONS[scheme.name]


def _limits(entry: Entry, attribute: str) -> dict[str, Any]:
    if entry.holdbacks:
        raise SpecError(f"the holdback {entry.holdbacks[0].name!r} keeps units out of it")
    limits: dict[str, Any] = {}
    if entry.gates is not None:
        limits["filters"] = [_filter(entry.gates, attribute)]
    if entry.targeting is not None:
        limits["condition"] = _condition(entry.targeting)
    return limits


def _filter(gates: tuple[Gate, ...], attribute: str) -> dict[str, Any]:
    programmes = {gate.programme.name: gate.programme for gate in gates}
    if len(programmes) != 1 or any(one.gates is not None for one in programmes.values()):
        raise SpecError("its buckets are of several programmes, or of a salt machine")
    (programme,) = programmes.values()
    version = _hash_version(programme.scheme, f"the buckets of {programme.name!r} are drawn")
    if programme.buckets != programme.scheme.buckets:
        raise SpecError(f"the programme {programme.name!r} has another number of buckets than GrowthBook")
    ranges: list[list[int]] = []
    for bucket in sorted({bucket for gate in gates for bucket in gate.members}):
        if ranges and ranges[-1][1] == bucket:
            ranges[-1][1] += 1
        else:
            ranges.append([bucket, bucket + 1])
    size = programme.buckets
    return {
        "seed": programme.salt,
        "hashVersion": version,
        "attribute": attribute,
        "ranges": [[start / size, end / size] for start, end in ranges],
    }


def _condition(rule: Rule) -> dict[str, Any]:
    match rule:
        case AllOf(rules):
            return {"$and": [_condition(one) for one in rules]}
        case AnyOf(rules):
            return {"$or": [_condition(one) for one in rules]}
        case Negation(inner):
            return {"$not": _condition(inner)}
        case Test(attribute, _, _):
            if "." in attribute or attribute.startswith("$"):
                raise SpecError(f"GrowthBook reads the attribute {attribute!r} as a path or an operator")
            return {attribute: _comparison(rule)}


def _comparison(test: Test) -> dict[str, Any]:
    """The comparison, with the kind that the attribute must have: GrowthBook converts where ours is false."""
    op, value = test.op, test.value
    if op is Op.EXISTS:
        return {"$exists": True}
    if op in (Op.EQUALS, Op.IN):
        values = list(value) if isinstance(value, tuple) else [value]
        return {"$type": TYPES[kind_of(values[0]) or ""], "$in": values}
    if op in NUMBER_OPS:
        finite = {"$gte": -LARGEST} if op in (Op.BELOW, Op.AT_MOST) else {"$lte": LARGEST}
        return {"$type": "number", COMPARISONS[op]: value, **finite}
    if op is Op.PREFIX and re.fullmatch("[A-Za-z0-9_]+", str(value)):
        return {"$type": "string", "$regex": f"^{value}"}
    raise SpecError(f"its rule compares by {op.value}, which GrowthBook does otherwise")
