"""PostHog; the salt is the flag's key, and variants hash the word "variant" behind the unit.

References:
    PostHog/posthog-python, posthog/feature_flags.py.
"""

from steelyard.hashing.hashes import Digest
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(
    name="posthog", hash=Digest("sha1", 15), before="{salt}.", after="variant", reduce=Reduce.SCALE
)
ROLLOUT = Scheme(name="posthog-rollout", hash=Digest("sha1", 15), before="{salt}.", reduce=Reduce.SCALE)
