"""A ruleset as data: what a client needs to decide who sees what.

`steelyard.assign.reading` reads one from JSON, `steelyard.assign.evaluation` decides with it. Everything here
is valid: what the dataclasses hold has passed the checks of reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from steelyard.hashing import Scheme
from steelyard.targeting import Rule

SCHEMA = 1
"""The schema version that is written; older and newer ones are refused."""

PropertyType = Literal["boolean", "string", "integer", "number", "object", "array"]
PROPERTY_TYPES: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """What puts a unit into a bucket, once and for all.

    Attributes:
        name: Its name.
        salt: Salt of the bucket.
        scheme: Hash scheme of the bucket.
        buckets: How many.
        gates: Units in one of these are in the programme; None is every unit. A node of a salt machine is a
            programme whose gates are the buckets that flow into it.
    """

    name: str
    salt: str
    scheme: Scheme
    buckets: int
    gates: "tuple[Gate, ...] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Buckets of a programme; a unit passes whose bucket is one of them.

    Attributes:
        programme: The programme.
        bits: Bucket ``b`` is bit ``b % 8`` of byte ``b // 8``.
        count: How many buckets there are.
    """

    programme: Programme
    bits: bytes
    count: int

    @property
    def members(self) -> tuple[int, ...]:
        """The buckets, ascending."""
        return tuple(bucket for bucket in range(self.programme.buckets) if bucket in self)

    def __contains__(self, bucket: int) -> bool:
        return bool(self.bits[bucket >> 3] >> (bucket & 7) & 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """What a property of a flag may be, and is where nothing sets it.

    Attributes:
        type: JSON type.
        default: Value without an experiment; None where there is none.
        enum: The only values, where given.
    """

    type: PropertyType
    default: Any
    enum: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A variant: its share in 1/10,000, and what it sets."""

    name: str
    share: int
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdback:
    """Units that get nothing new; in its closing test, some of them get everything that has shipped.

    Attributes:
        name: Its id in the exposures.
        unit: Unit that is held back.
        gates: The units in one of these are held back; None is every unit.
        salt: Draws the variant of the closing test.
        scheme: Hash scheme of that variant's bucket.
        variants: Of the closing test, ``nothing`` first and then ``everything``; none before it.
        cuts: Where each variant's buckets end.
    """

    name: str
    unit: str
    gates: tuple[Gate, ...] | None
    salt: str
    scheme: Scheme
    variants: tuple[Variant, ...]
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What sets properties of a flag for some units: the part that experiments and rollouts share.

    Attributes:
        name: Its id.
        unit: Unit that is hashed.
        flag: Flag whose properties it sets; None where it sets none.
        salt: Salt of the variant's bucket.
        scheme: Hash scheme of the variant's bucket.
        gates: Only units in one of these take part; None is every unit.
        targeting: Only units for which this holds take part; None is everyone.
        starts: First moment, in seconds since 1970; None is always.
        ends: First moment after it; None is never.
        holdbacks: Which keep units out of it.
    """

    name: str
    unit: str
    flag: str | None
    salt: str
    scheme: Scheme
    gates: tuple[Gate, ...] | None
    targeting: Rule | None
    starts: float | None
    ends: float | None
    holdbacks: tuple[Holdback, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(Entry):
    """An experiment.

    Attributes:
        variants: With shares that add up to 10,000.
        cuts: Where each variant's buckets end, among the scheme's buckets.
    """

    variants: tuple[Variant, ...]
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout(Entry):
    """A decision on its way to everybody: no experiment, no exposures.

    Attributes:
        share: How many of 10,000 have it.
        cut: Where their buckets end, among the scheme's buckets.
        config: What it sets.
    """

    share: int
    cut: int
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """A ruleset.

    Attributes:
        project: The project's name.
        version: Hash of the file's content.
        units: Key column of each unit, which is also the attribute that holds its id.
        targeting_unit: The unit whose id is the targeting key.
        programmes: By name.
        flags: Properties of each flag, by name.
        experiments: By name.
        rollouts: By name.
        holdbacks: By name.
    """

    project: str
    version: str
    units: Mapping[str, str]
    targeting_unit: str
    programmes: Mapping[str, Programme]
    flags: Mapping[str, Mapping[str, Property]]
    experiments: Mapping[str, Experiment]
    rollouts: Mapping[str, Rollout]
    holdbacks: Mapping[str, Holdback]
