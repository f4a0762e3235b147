"""The canonical scheme: all 256 bits of SHA-256, modulo the number of buckets.

The salt is the experiment's id unless one is set.
"""

from steelyard.hashing.hashes import Digest
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(name="sha256", hash=Digest("sha256", 64), before="{salt}:", reserved=":")
