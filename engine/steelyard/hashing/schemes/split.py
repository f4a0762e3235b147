"""Split (Harness); the salt is the feature's seed as decimal text, a signed or unsigned 32-bit integer.

Split counts buckets from 1 and compares with ``<=``; here they count from 0 and compare with ``<``. Traffic
allocation is the same hash under its own seed. ``split-legacy`` is algorithm 1.

References:
    splitio/javascript-commons, src/utils/murmur3 and src/evaluator.
"""

from steelyard.errors import SpecError
from steelyard.hashing.hashes import Java, Murmur3
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.scheme import Scheme


def seed_of(salt: str) -> int:
    """The seed that a salt names, unsigned.

    Raises:
        SpecError: The salt is no integer of 32 bits.
    """
    digits = salt.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or not -(1 << 31) <= int(salt) < 1 << 32:
        raise SpecError(f"the salt {salt!r} is no 32-bit integer", hint="Split's salt is the feature's seed")
    return int(salt) & 0xFFFFFFFF


SCHEME = Scheme(name="split", hash=Murmur3(), buckets=100, seed_of=seed_of)
LEGACY = Scheme(name="split-legacy", hash=Java(), buckets=100, seed_of=seed_of, reduce=Reduce.MODULO_SIGNED)
