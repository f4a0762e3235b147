"""A hash scheme: what is hashed, with which function, and how the number becomes a bucket.

A scheme is data. Scalars are computed here; `steelyard.hashing.batch` and `steelyard.hashing.sql` read the
same fields, so the three cannot drift apart in what they mean.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from steelyard.errors import SpecError
from steelyard.hashing.cbor import text_header
from steelyard.hashing.hashes import CONSTRUCTORS, Digest, Hash
from steelyard.hashing.reduce import REDUCERS, Reduce
from steelyard.hashing.units import Unit, text_of, utf8

MOST_BUCKETS = 1 << 24
"""SQL adds eight 32-bit words times the bucket count within 63 bits."""

Bucketer = Callable[[Unit | None], int | None]


class Framing(Enum):
    """How salt and unit become the bytes of a key."""

    TEXT = "before, unit, after, in UTF-8"
    CBOR_TEXT = "the same as one CBOR text string"
    CBOR_PAIR = "a CBOR array of two text strings, before and unit"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scheme:
    """One vendor's way from a salt and a unit to a bucket.

    Attributes:
        name: The registry's key.
        hash: The hash function.
        before: What stands before the unit in the key; ``{salt}`` is the salt.
        after: What stands after it.
        framing: How the key becomes bytes.
        reduce: How the hash becomes a bucket.
        buckets: The vendor's number of buckets.
        fixed: Whether another number of buckets would have no meaning.
        seed_of: The hash's seed for a salt, where the salt is no part of the key.
        seed: The hash's seed otherwise.
        reserved: Text that a salt must not hold, because the key could then be read in two ways.
        warning: Why experiments under the scheme depend on each other; '' if they do not.
    """

    name: str
    hash: Hash
    before: str = ""
    after: str = ""
    framing: Framing = Framing.TEXT
    reduce: Reduce = Reduce.MODULO
    buckets: int = 10_000
    fixed: bool = False
    seed_of: Callable[[str], int] | None = None
    seed: int = 0
    reserved: str = ""
    warning: str = ""

    def scalar(self, salt: str, unit: Unit | None, buckets: int | None = None) -> int | None:
        """The bucket of one unit; None for None and ''.

        Args:
            salt: The salt, in the vendor's composition (see the scheme's module).
            unit: Text or an integer.
            buckets: Number of buckets, where it is not the scheme's own.

        Returns:
            An integer in [0, buckets), or None where there is no unit.

        Raises:
            SpecError: The salt, the unit or the bucket count is of a kind that is refused.
        """
        return _bucketer(self, salt, buckets)(unit)

    def bucketer(self, salt: str, buckets: int | None = None) -> Bucketer:
        """`scalar` for one salt: everything that does not depend on the unit is done once."""
        return _bucketer(self, salt, buckets)

    def affixes(self, salt: str) -> tuple[str, str]:
        """What stands before and after the unit in the key."""
        return self.before.replace("{salt}", salt), self.after.replace("{salt}", salt)

    def seed_for(self, salt: str) -> int:
        """The hash's seed."""
        return self.seed if self.seed_of is None else self.seed_of(salt)

    def key_of(self, salt: str) -> Callable[[bytes], bytes]:
        """The function from a unit's bytes to its key."""
        before, after = (utf8(affix) for affix in self.affixes(salt))
        if self.framing is Framing.CBOR_TEXT:
            return lambda unit: text_header(len(before) + len(unit)) + before + unit
        if self.framing is Framing.CBOR_PAIR:
            start = b"\x82" + text_header(len(before)) + before
            return lambda unit: start + text_header(len(unit)) + unit
        return (lambda unit: before + unit + after) if after else (lambda unit: before + unit)

    def check_salt(self, salt: object) -> None:
        """Refuse a salt that is no text or that makes keys ambiguous.

        Raises:
            SpecError: As said.
        """
        if not isinstance(salt, str):
            raise SpecError(f"a salt must be text, not {type(salt).__name__} {salt!r}")
        if self.reserved and (not salt or self.reserved in salt):
            raise SpecError(
                f"the salt {salt!r} is empty or holds {self.reserved!r}",
                hint=f"{self.name} joins salt and unit with {self.reserved!r}; choose another salt",
            )

    def check_buckets(self, buckets: int | None) -> int:
        """The number of buckets to use.

        Raises:
            SpecError: It is out of range, or the scheme has a fixed number and this is another.
        """
        if buckets is None or buckets == self.buckets:
            return self.buckets
        if self.fixed:
            raise SpecError(f"{self.name} has {self.buckets:,} buckets, not {buckets!r}")
        if isinstance(buckets, bool) or not isinstance(buckets, int) or not 1 <= buckets <= MOST_BUCKETS:
            raise SpecError(
                f"the number of buckets must be an integer from 1 to {MOST_BUCKETS:,}, not {buckets!r}"
            )
        return buckets


@lru_cache(maxsize=4096)
def _bucketer(scheme: Scheme, salt: str, buckets: int | None) -> Bucketer:
    scheme.check_salt(salt)
    key_of, number = scheme.key_of(salt), scheme.hash.number(scheme.seed_for(salt))
    size, bits = scheme.check_buckets(buckets), scheme.hash.bits
    reduce = REDUCERS[scheme.reduce]
    if isinstance(scheme.hash, Digest) and scheme.framing is Framing.TEXT and scheme.reduce is Reduce.MODULO:
        before, after = (utf8(affix) for affix in scheme.affixes(salt))
        return _digest_bucketer(scheme.hash, before, after, size)

    def bucket(unit: Unit | None) -> int | None:
        text = unit if unit.__class__ is str else text_of(unit)
        if not text:
            return None
        try:
            data = text.encode()
        except UnicodeEncodeError:
            data = utf8(text)
        return reduce(number(key_of(data)), size, bits)

    return bucket


def _digest_bucketer(digest: Digest, before: bytes, after: bytes, size: int) -> Bucketer:
    """The same without calls in between: a request waits for it, once per experiment."""
    new, used, shift = CONSTRUCTORS[digest.algorithm], (digest.bits + 7) // 8, -digest.bits % 8
    read = int.from_bytes

    def bucket(unit: Unit | None) -> int | None:
        text = unit if unit.__class__ is str else text_of(unit)
        if not text:
            return None
        try:
            data = text.encode()
        except UnicodeEncodeError:
            data = utf8(text)
        return (read(new(before + data + after).digest()[:used]) >> shift) % size

    def bucket_of_all(unit: Unit | None) -> int | None:
        text = unit if unit.__class__ is str else text_of(unit)
        if not text:
            return None
        try:
            data = text.encode()
        except UnicodeEncodeError:
            data = utf8(text)
        return read(new(before + data).digest()) % size

    return bucket_of_all if not after and used == new(b"").digest_size else bucket
