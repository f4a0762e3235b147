"""The state that a claim log leads to: who owns which buckets, since when and until when."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from steelyard.assign.allocation.events import Open
from steelyard.errors import AllocationError
from steelyard.hashing import Unit, scheme_named
from steelyard.spec.fields import closest

Kind = Literal["experiment", "holdback", "node"]
Phase = Literal["running", "stopped", "holding", "closing", "released"]
Buckets = frozenset[int]
ROOT = ""
_NO_BUCKETS: Buckets = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An experiment or a holdback, as its claims describe it.

    Attributes:
        name: Its name, one per programme for ever.
        kind: What it is.
        phase: ``running``, ``stopped``; of a holdback ``holding``, ``closing``, ``released``.
        since: When it claimed its first buckets.
        until: When it gave them all back; None while it has some.
        domain: Domain; '' for none, of a holdback for all.
        tags, exclusive_to: Whom it keeps out of the way of.
        salt, scheme, shares: How its units are split; of a holdback, the salt of its closing test.
        version: 1, and one more for every change of its shares.
        is_long_term: Whether a holdback is without an end.
    """

    name: str
    kind: Kind
    phase: Phase
    since: datetime
    until: datetime | None = None
    domain: str = ""
    tags: tuple[str, ...] = ()
    exclusive_to: tuple[str, ...] = ()
    salt: str = ""
    scheme: str = ""
    shares: tuple[tuple[str, int], ...] = ()
    version: int = 1
    is_long_term: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """Buckets that an owner got by one claim and held for one span of time.

    Attributes:
        owner: The owner; of the kind ``node`` the node that the units flow into.
        kind: What the owner is.
        node: The node that the buckets are of; '' is the root, and all there is without a salt machine.
        buckets: The buckets.
        valid_from: First moment.
        valid_to: First moment after; None while it lasts.
        seq: Line of the log that gave them.
    """

    owner: str
    kind: Kind
    node: str
    buckets: Buckets
    valid_from: datetime
    valid_to: datetime | None
    seq: int

    def holds_at(self, at: datetime | None) -> bool:
        """Whether it lasts at a moment; None is the end of the log."""
        if at is None:
            return self.valid_to is None
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A place in the tree of a salt machine.

    Attributes:
        name: '' for the root, then n1, n2 and so on.
        level: Number of hashes up to its own.
        share: Share of all units that reach it.
    """

    name: str
    level: int
    share: Fraction


@dataclass(slots=True, kw_only=True)
class Ledger:
    """A programme and everything that was ever claimed in it.

    Attributes:
        programme: What it began with.
        owners: By name, in the order of their first claims.
        ended: Tenures that are over, in the order in which they ended.
        lasting: Tenures that are not, in the order of their claims.
        nodes: By name; only the root without a salt machine.
        seq: Number of the last line.
        at: When it was written.
    """

    programme: Open
    owners: dict[str, Owner] = field(default_factory=dict)
    ended: list[Tenure] = field(default_factory=list)
    lasting: list[Tenure] = field(default_factory=list)
    nodes: dict[str, Node] = field(
        default_factory=lambda: {ROOT: Node(name=ROOT, level=1, share=Fraction(1))}
    )
    seq: int
    at: datetime

    @property
    def tenures(self) -> Iterator[Tenure]:
        """All tenures."""
        yield from self.ended
        yield from self.lasting

    @property
    def running(self) -> Mapping[str, Owner]:
        """The owners that have buckets at the end of the log."""
        return MappingProxyType({name: owner for name, owner in self.owners.items() if owner.until is None})

    def held(self, owner: str, at: datetime | None = None) -> Mapping[str, Buckets]:
        """Return an owner's buckets by node at a moment; None is the end of the log."""
        tenures = self.lasting if at is None else self.tenures
        found: dict[str, Buckets] = {}
        for tenure in tenures:
            if tenure.owner == owner and tenure.kind != "node" and tenure.holds_at(at):
                found[tenure.node] = found.get(tenure.node, _NO_BUCKETS) | tenure.buckets
        return MappingProxyType(found)

    def share(self, owner: str, at: datetime | None = None) -> Fraction:
        """Return the share of all units that an owner's buckets stand for."""
        size = self.programme.buckets
        found = (len(held) * self.nodes[node].share / size for node, held in self.held(owner, at).items())
        return sum(found, Fraction(0))

    def owner(self, name: str, kind: Kind) -> Owner:
        """Return an owner of a kind.

        Raises:
            AllocationError: There is none.
        """
        found = self.owners.get(name)
        if found is None or found.kind != kind:
            names = [owner.name for owner in self.owners.values() if owner.kind == kind]
            raise AllocationError(f"no {kind} {name!r} has claimed any bucket", hint=closest(name, names))
        return found

    def owners_at(self, node: str, bucket: int, at: datetime | None = None) -> tuple[Tenure, ...]:
        """Return the tenures of a bucket at a moment, in the order of their claims whatever has ended since."""
        here = (
            tenure
            for tenure in self.tenures
            if tenure.node == node and bucket in tenure.buckets and tenure.holds_at(at)
        )
        return tuple(sorted(here, key=lambda tenure: tenure.seq))

    def salt_of(self, node: str) -> str:
        """Return the salt that a node's buckets are drawn with."""
        return f"{self.programme.salt}.{node}" if node else self.programme.salt

    def bucket(self, node: str, unit: Unit | None) -> int | None:
        """Return a unit's bucket in a node; None where there is no unit."""
        scheme = scheme_named(self.programme.scheme)
        return scheme.scalar(self.salt_of(node), unit, self.programme.buckets)

    def owners_of(self, unit: Unit | None, at: datetime | None = None) -> tuple[Owner, ...]:
        """Return the experiments and holdbacks that a unit is in at a moment, in the order of their claims.

        Raises:
            SpecError: The unit is neither text nor an integer.
        """
        found: list[Owner] = []
        node: str | None = ROOT
        while node is not None:
            bucket = self.bucket(node, unit)
            if bucket is None:
                return ()
            here = self.owners_at(node, bucket, at)
            found += [self.owners[tenure.owner] for tenure in here if tenure.kind != "node"]
            node = next((tenure.owner for tenure in here if tenure.kind == "node"), None)
        return tuple(found)

    def end(self, tenures: Iterable[Tenure], at: datetime) -> None:
        """End tenures."""
        gone = {id(tenure) for tenure in tenures}
        kept = []
        for tenure in self.lasting:
            if id(tenure) in gone:
                self.ended.append(_until(tenure, at))
            else:
                kept.append(tenure)
        self.lasting = kept


def _until(tenure: Tenure, at: datetime) -> Tenure:
    return Tenure(
        owner=tenure.owner,
        kind=tenure.kind,
        node=tenure.node,
        buckets=tenure.buckets,
        valid_from=tenure.valid_from,
        valid_to=at,
        seq=tenure.seq,
    )


def resting_from(at: datetime, cool_off: int) -> datetime:
    """Return the moment after which an ended tenure still rests."""
    return at - timedelta(seconds=cool_off)
