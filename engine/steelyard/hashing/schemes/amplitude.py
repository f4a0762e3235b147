"""Amplitude Experiment; the salt is the bucketing salt. One hash serves both stages.

``amplitude`` is the place in a variant's distribution, ``amplitude-allocation`` that in the allocation.

References:
    amplitude/experiment-python-server, evaluation/engine.py.
"""

from steelyard.hashing.hashes import Murmur3
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(
    name="amplitude", hash=Murmur3(), before="{salt}/", reduce=Reduce.QUOTIENT, buckets=42_949_673, fixed=True
)
ALLOCATION = Scheme(name="amplitude-allocation", hash=Murmur3(), before="{salt}/", buckets=100)
