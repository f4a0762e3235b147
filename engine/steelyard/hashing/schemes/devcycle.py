"""DevCycle; the salt is the target's id, hashed to a seed. A rollout puts a word behind the unit.

References:
    DevCycleHQ/js-sdks, lib/shared/bucketing/src/bucketing.ts.
"""

from steelyard.hashing.hashes import Murmur3
from steelyard.hashing.murmur3 import murmur3_32
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.scheme import Scheme
from steelyard.hashing.units import utf8


def seed_of(salt: str) -> int:
    """The seed of a target."""
    return murmur3_32(utf8(salt), 1)


SCHEME = Scheme(name="devcycle", hash=Murmur3(), reduce=Reduce.SCALE_CLOSED, seed_of=seed_of)
ROLLOUT = Scheme(
    name="devcycle-rollout", hash=Murmur3(), after="_rollout", reduce=Reduce.SCALE_CLOSED, seed_of=seed_of
)
