"""GO Feature Flag; the salt is the flag's name. Buckets are 1,000 times the sum of the percentages.

References:
    thomaspoignant/go-feature-flag, modules/core/utils/hash.go.
"""

from steelyard.hashing.hashes import Fnv1a
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(
    name="go-feature-flag",
    hash=Fnv1a(),
    before="{salt}",
    buckets=100_000,
    warning="FNV-1a modulo a round number is uneven, and experiments with similar names depend on each other",
)
