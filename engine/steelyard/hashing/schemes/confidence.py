"""Spotify Confidence.

The salt is ``MegaSalt-<account>`` for a segment's allocation and the segment's id for its variants, which
have as many buckets as their rule says. Confidence itself refuses units of more than 100 bytes.

References:
    spotify/confidence-resolver, confidence-resolver/src/lib.rs.
"""

from steelyard.hashing.hashes import Murmur3Wide
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(name="confidence", hash=Murmur3Wide(), before="{salt}|", buckets=1_000_000)
