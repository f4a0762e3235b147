"""How an experiment assigns units, targeting aside, as data: batches and SQL read the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from steelyard.hashing.scheme import Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSet:
    """Buckets of a programme.

    Attributes:
        scheme: The programme's hash scheme.
        salt: Its salt.
        buckets: How many it has.
        members: Those that are meant.
    """

    scheme: Scheme
    salt: str
    buckets: int
    members: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """How one experiment assigns units.

    Attributes:
        experiment: Its name.
        scheme: Hash scheme of the variant's bucket.
        salt: Its salt.
        variants: Names, in the order of their buckets.
        cuts: Where each one's buckets end.
        inside: A unit must be in all of these.
        outside: And in none of these: holdbacks.
    """

    experiment: str
    scheme: Scheme
    salt: str
    variants: tuple[str, ...]
    cuts: tuple[int, ...]
    inside: tuple[BucketSet, ...] = ()
    outside: tuple[BucketSet, ...] = ()
