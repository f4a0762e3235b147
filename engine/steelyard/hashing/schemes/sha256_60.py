"""The canonical key with the first 60 bits of SHA-256: one integer in every warehouse, and faster."""

from steelyard.hashing.hashes import Digest
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(name="sha256-60", hash=Digest("sha256", 15), before="{salt}:", reserved=":")
