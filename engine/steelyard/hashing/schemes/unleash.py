"""Unleash; the salt is the group id. Variants have the sum of their weights as buckets, a rollout 100.

Unleash counts buckets from 1 and compares with ``<=``; here they count from 0 and compare with ``<``.

References:
    Unleash/client-specification; Unleash/unleash-client-node, src/strategy/util.ts.
"""

from steelyard.hashing.hashes import Murmur3
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(name="unleash", hash=Murmur3(), before="{salt}:", buckets=1000, seed=86_028_157)
ROLLOUT = Scheme(name="unleash-rollout", hash=Murmur3(), before="{salt}:", buckets=100)
