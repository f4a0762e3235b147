"""JSON to a `Ruleset`, strictly: whatever is unknown, missing or inconsistent is refused with its place."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from steelyard.assign.checks import (
    array,
    below,
    mapping,
    misfit,
    one_of,
    record,
    refuse,
    salted,
    seconds,
    shares,
    text,
    whole,
)
from steelyard.assign.collisions import refuse_collisions
from steelyard.assign.ruleset import (
    PROPERTY_TYPES,
    SCHEMA,
    Experiment,
    Gate,
    Holdback,
    Programme,
    Property,
    Rollout,
    Ruleset,
    Variant,
)
from steelyard.errors import SpecError
from steelyard.hashing import WHOLE, Scheme, cuts_of
from steelyard.hashing.scheme import MOST_BUCKETS
from steelyard.targeting import Rule, parse_rule

SECTIONS = ("programmes", "flags", "holdbacks", "experiments", "rollouts")
TOP = frozenset({"schema", "version", "project", "units", "targeting_unit", *SECTIONS})
ENTRY = frozenset(
    {"unit", "flag", "salt", "scheme", "gates", "targeting", "starts", "ends", "holdbacks"},
)
EXPERIMENT, ROLLOUT = ENTRY | {"variants"}, ENTRY | {"share", "config"}
HOLDBACK = frozenset({"unit", "gates", "salt", "scheme", "variants"})
VERSION_DIGITS = 16


def read_ruleset(data: bytes, source: str = "ruleset") -> Ruleset:
    """Read a ruleset and check all of it.

    Args:
        data: The file's bytes.
        source: Where they are from, for messages.

    Raises:
        SpecError: The first thing that is wrong; ``where`` is the source and a JSON pointer.
    """
    try:
        raw = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"not JSON: {error}", where=source, hint="build it again") from error
    try:
        ruleset = _ruleset(raw)
        _check_version(data, ruleset.version)
    except SpecError as error:
        raise SpecError(error.args[0], where=f"{source}#{error.where}", hint=error.hint) from None
    return ruleset


def version_of(data: bytes) -> str:
    """The version of a ruleset whose own version is empty: the beginning of its SHA-256."""
    return hashlib.sha256(data).hexdigest()[:VERSION_DIGITS]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _check_version(data: bytes, version: str) -> None:
    without = data.replace(f'"version":"{version}"'.encode(), b'"version":""', 1)
    if version_of(without) != version:
        refuse(
            "/version", "the content is not that of its version", "it was edited or cut off; build it again"
        )


def _ruleset(raw: Any) -> Ruleset:
    if raw.__class__ is not dict or "schema" not in raw:
        refuse("", "this is no ruleset: it has no schema")
    _check_schema(raw["schema"])
    record(raw, TOP, "")
    units = {name: text(key, below("/units", name)) for name, key in mapping(raw["units"], "/units").items()}
    for section in SECTIONS:
        mapping(raw[section], f"/{section}")
    flags = {name: _flag(one, below("/flags", name)) for name, one in raw["flags"].items()}
    reader = _Reader(units, raw["programmes"], flags)
    for name in raw["programmes"]:
        reader.programme(name, "/programmes")
    for name, one in raw["holdbacks"].items():
        reader.holdbacks[name] = reader.holdback(name, one, below("/holdbacks", name))
    experiments = {
        name: reader.experiment(name, one, below("/experiments", name))
        for name, one in raw["experiments"].items()
    }
    rollouts = {
        name: reader.rollout(name, one, below("/rollouts", name)) for name, one in raw["rollouts"].items()
    }
    _check_names(flags, experiments)
    refuse_collisions(
        {name: (one, one.variants[0].config) for name, one in experiments.items()}, "/experiments"
    )
    refuse_collisions({name: (one, one.config) for name, one in rollouts.items()}, "/rollouts")
    return Ruleset(
        project=text(raw["project"], "/project"),
        version=text(raw["version"], "/version"),
        units=units,
        targeting_unit=one_of(raw["targeting_unit"], units, "unit", "/targeting_unit"),
        programmes=reader.programmes,
        flags=flags,
        experiments=experiments,
        rollouts=rollouts,
        holdbacks=reader.holdbacks,
    )


def _check_schema(schema: Any) -> None:
    if schema.__class__ is not int or schema < SCHEMA:
        refuse("/schema", f"the schema {schema!r} has expired; this is {SCHEMA}", "build the ruleset again")
    if schema > SCHEMA:
        refuse("/schema", f"the schema {schema} is newer than {SCHEMA}", "update steelyard here first")


def _check_names(flags: Mapping[str, Mapping[str, Property]], experiments: Mapping[str, Any]) -> None:
    """A flag key of a client must mean one thing."""
    for name in experiments:
        flag, _, key = name.rpartition(".")
        if name in flags or key in flags.get(flag, {}):
            refuse(
                below("/experiments", name), "a flag or a property has the same name", "rename one of them"
            )


def _flag(raw: Any, at: str) -> dict[str, Property]:
    return {name: _property(one, below(at, name)) for name, one in mapping(raw, at).items()}


def _property(raw: Any, at: str) -> Property:
    record(raw, frozenset({"type", "default", "enum"}), at)
    one_of(raw["type"], PROPERTY_TYPES, "type", f"{at}/type")
    enum = None if raw["enum"] is None else tuple(array(raw["enum"], f"{at}/enum"))
    free = Property(type=raw["type"], default=raw["default"], enum=None)
    for index, value in enumerate(enum or ()):
        if why := misfit(value, free):
            refuse(f"{at}/enum/{index}", why)
    found = Property(type=raw["type"], default=raw["default"], enum=enum)
    if found.default is not None and (why := misfit(found.default, found)):
        refuse(f"{at}/default", why)
    return found


@lru_cache(maxsize=1024)
def _cuts(values: tuple[int, ...], buckets: int) -> tuple[int, ...]:
    return cuts_of(values, buckets)


class _Reader:
    """Reads the parts that name other parts."""

    def __init__(
        self,
        units: Mapping[str, str],
        programmes: Mapping[str, Any],
        flags: Mapping[str, Mapping[str, Property]],
    ) -> None:
        self._units, self._raw_programmes, self._flags = units, programmes, flags
        self.programmes: dict[str, Programme] = {}
        self.holdbacks: dict[str, Holdback] = {}
        self._begun: set[str] = set()

    def programme(self, name: str, at: str) -> Programme:
        """A programme, read when it is first named: the gates of one may be on another."""
        one_of(name, self._raw_programmes, "programme", at)
        if name not in self.programmes:
            if name in self._begun:
                refuse(at, f"the gates of {name!r} lead back to it")
            self._begun.add(name)
            self.programmes[name] = self._programme(
                name, self._raw_programmes[name], below("/programmes", name)
            )
        return self.programmes[name]

    def _programme(self, name: str, raw: Any, at: str) -> Programme:
        record(raw, frozenset({"salt", "scheme", "buckets", "gates"}), at)
        salt, scheme = salted(raw, at)
        buckets = whole(raw["buckets"], 1, MOST_BUCKETS, f"{at}/buckets")
        if scheme.fixed and buckets != scheme.buckets:
            refuse(f"{at}/buckets", f"{scheme.name} has {scheme.buckets:,} buckets, not {buckets:,}")
        gates = self._gates(raw["gates"], f"{at}/gates")
        return Programme(name=name, salt=salt, scheme=scheme, buckets=buckets, gates=gates)

    def experiment(self, name: str, raw: Any, at: str) -> Experiment:
        record(raw, EXPERIMENT, at)
        entry = self._entry(name, raw, at)
        variants, cuts = self._variants(raw["variants"], entry["flag"], entry["scheme"], f"{at}/variants")
        if not variants:
            refuse(f"{at}/variants", "an experiment needs variants")
        return Experiment(variants=variants, cuts=cuts, **entry)

    def rollout(self, name: str, raw: Any, at: str) -> Rollout:
        record(raw, ROLLOUT, at)
        entry = self._entry(name, raw, at)
        share = whole(raw["share"], 0, WHOLE, f"{at}/share")
        config = self._config(raw["config"], entry["flag"], f"{at}/config")
        (cut,) = _cuts((share,), entry["scheme"].buckets)
        return Rollout(share=share, cut=cut, config=config, **entry)

    def holdback(self, name: str, raw: Any, at: str) -> Holdback:
        record(raw, HOLDBACK, at)
        unit = one_of(raw["unit"], self._units, "unit", f"{at}/unit")
        salt, scheme = salted(raw, at)
        variants, cuts = self._variants(raw["variants"], None, scheme, f"{at}/variants")
        if variants and [one.name for one in variants] != ["nothing", "everything"]:
            refuse(f"{at}/variants", "a closing test has the variants nothing and everything")
        gates = self._gates(raw["gates"], f"{at}/gates")
        return Holdback(
            name=name, unit=unit, gates=gates, salt=salt, scheme=scheme, variants=variants, cuts=cuts
        )

    def _entry(self, name: str, raw: Any, at: str) -> dict[str, Any]:
        unit = one_of(raw["unit"], self._units, "unit", f"{at}/unit")
        flag = raw["flag"]
        if flag is not None:
            one_of(flag, self._flags, "flag", f"{at}/flag")
        salt, scheme = salted(raw, at)
        starts, ends = seconds(raw["starts"], f"{at}/starts"), seconds(raw["ends"], f"{at}/ends")
        if starts is not None and ends is not None and ends <= starts:
            refuse(f"{at}/ends", "it ends before it starts")
        return {
            "name": name,
            "unit": unit,
            "flag": flag,
            "salt": salt,
            "scheme": scheme,
            "gates": self._gates(raw["gates"], f"{at}/gates"),
            "targeting": _targeting(raw["targeting"], f"{at}/targeting"),
            "starts": starts,
            "ends": ends,
            "holdbacks": self._held(raw["holdbacks"], unit, f"{at}/holdbacks"),
        }

    def _held(self, raw: Any, unit: str, at: str) -> tuple[Holdback, ...]:
        found = []
        for index, name in enumerate(array(raw, at)):
            holdback = self.holdbacks[one_of(name, self.holdbacks, "holdback", f"{at}/{index}")]
            if holdback.unit != unit:
                refuse(
                    f"{at}/{index}", f"the holdback {name!r} is of the unit {holdback.unit!r}, not {unit!r}"
                )
            found.append(holdback)
        return tuple(found)

    def _variants(
        self, raw: Any, flag: str | None, scheme: Scheme, at: str
    ) -> tuple[tuple[Variant, ...], tuple[int, ...]]:
        if not array(raw, at):
            return (), ()
        for index, one in enumerate(raw):
            record(one, frozenset({"name", "share", "config"}), f"{at}/{index}")
        parts = shares([one["share"] for one in raw], at)
        names = [text(one["name"], f"{at}/{index}/name") for index, one in enumerate(raw)]
        if len(set(names)) < len(names):
            refuse(at, "a variant stands twice")
        configs = [self._config(one["config"], flag, f"{at}/{index}/config") for index, one in enumerate(raw)]
        for index, config in enumerate(configs):
            if config.keys() != configs[0].keys():
                refuse(f"{at}/{index}/config", f"{names[index]} and {names[0]} set different properties")
        variants = tuple(
            Variant(name=name, share=share, config=config)
            for name, share, config in zip(names, parts, configs, strict=True)
        )
        return variants, _cuts(parts, scheme.buckets)

    def _config(self, raw: Any, flag: str | None, at: str) -> dict[str, Any]:
        properties = {} if flag is None else self._flags[flag]
        for key, value in mapping(raw, at).items():
            if key not in properties:
                owner = "an experiment without a flag" if flag is None else f"the flag {flag!r}"
                refuse(
                    below(at, key), f"{owner} has no property {key!r}", f"it has {listed_keys(properties)}"
                )
            if why := misfit(value, properties[key]):
                refuse(below(at, key), why)
        return raw  # type: ignore[no-any-return]

    def _gates(self, raw: Any, at: str) -> tuple[Gate, ...] | None:
        if raw is None:
            return None
        return tuple(self._gate(one, f"{at}/{index}") for index, one in enumerate(array(raw, at)))

    def _gate(self, raw: Any, at: str) -> Gate:
        form = "bits" if raw.__class__ is dict and "bits" in raw else "ranges"
        record(raw, frozenset({"programme", "count", form}), at)
        programme = self.programme(raw["programme"], f"{at}/programme")
        read = _from_bits if form == "bits" else _from_ranges
        bits = read(raw[form], programme.buckets, f"{at}/{form}")
        count = int.from_bytes(bits, "little").bit_count()
        if raw["count"] != count:
            refuse(f"{at}/count", f"there are {count:,} buckets, not {raw['count']!r}")
        return Gate(programme=programme, bits=bits, count=count)


def listed_keys(properties: Mapping[str, Property]) -> str:
    """The properties of a flag, for a message."""
    return ", ".join(sorted(properties)) or "none"


def _targeting(raw: Any, at: str) -> Rule | None:
    return None if raw is None else parse_rule(raw, at)


def _from_bits(raw: Any, buckets: int, at: str) -> bytes:
    try:
        bits = base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError, TypeError):
        refuse(at, "this is not base64")
    if len(bits) != (buckets + 7) // 8 or int.from_bytes(bits, "little") >> buckets:
        refuse(at, f"these are not the bits of {buckets:,} buckets")
    return bits


def _from_ranges(raw: Any, buckets: int, at: str) -> bytes:
    mask, last = 0, 0
    for index, pair in enumerate(array(raw, at)):
        if pair.__class__ is not list or len(pair) != 2:
            refuse(f"{at}/{index}", "a range has a first bucket and the one after its last")
        start, end = pair
        if start.__class__ is not int or not last <= start < buckets:
            whole(start, last, buckets - 1, f"{at}/{index}/0")
        if end.__class__ is not int or not start < end <= buckets:
            whole(end, start + 1, buckets, f"{at}/{index}/1")
        mask |= ((1 << (end - start)) - 1) << start
        last = end
    return mask.to_bytes((buckets + 7) // 8, "little")
