"""Flipt; the salt is the flag's key. A boolean flag's rollout puts it behind the unit.

References:
    flipt-io/flipt, internal/server/evaluation.
"""

from steelyard.hashing.hashes import Crc32
from steelyard.hashing.scheme import Scheme

DEPENDENT = "CRC-32 is linear: experiments with similar keys depend on each other"

SCHEME = Scheme(name="flipt", hash=Crc32(), before="{salt}", buckets=1000, warning=DEPENDENT)
BOOLEAN = Scheme(name="flipt-boolean", hash=Crc32(), after="{salt}", buckets=100, warning=DEPENDENT)
