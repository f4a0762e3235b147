"""LaunchDarkly; the salt is ``flag_key.salt``, or the rollout's seed. Weights are integers of 1/100,000.

A unit past the last cut gets the last variation. SDKs divide floating-point numbers; the integers here agree
with them except within 1e-16 of a cut.

References:
    launchdarkly/python-server-sdk, ldclient/impl/evaluator.py.
"""

from steelyard.hashing.hashes import Digest
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(
    name="launchdarkly", hash=Digest("sha1", 15), before="{salt}.", reduce=Reduce.SCALE, buckets=100_000
)
