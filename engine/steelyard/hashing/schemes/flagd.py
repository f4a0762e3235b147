"""flagd's fractional rule; the salt is the flag's key, or whatever text the rule puts before the unit.

``flagd`` is version 2, ``flagd-v1`` the floating-point one before it. Version 3 hashes CBOR: ``flagd-v3`` the
pair of flag key and unit where the rule names no value, ``flagd-v3-text`` the one text that the rule names.
Buckets are the sum of the weights.

References:
    open-feature/flagd-testbed, gherkin/targeting.feature; flagd, core/pkg/evaluator/fractional.go.
"""

from steelyard.hashing.hashes import Murmur3
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.scheme import Framing, Scheme

SCHEME = Scheme(name="flagd", hash=Murmur3(), before="{salt}", reduce=Reduce.SCALE)
VERSION_1 = Scheme(name="flagd-v1", hash=Murmur3(), before="{salt}", reduce=Reduce.SCALE_SIGNED)
VERSION_3 = Scheme(
    name="flagd-v3", hash=Murmur3(), before="{salt}", framing=Framing.CBOR_PAIR, reduce=Reduce.SCALE
)
VERSION_3_TEXT = Scheme(
    name="flagd-v3-text", hash=Murmur3(), before="{salt}", framing=Framing.CBOR_TEXT, reduce=Reduce.SCALE
)
