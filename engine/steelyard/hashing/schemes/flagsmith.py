"""Flagsmith; the salt is the feature's or segment's key, the unit the identity's key.

The bucket over 9,998 is Flagsmith's percentage. A multivariate value takes ``start <= p < end``; a
percentage split takes ``p <= value``, its own bound included.

References:
    Flagsmith/flagsmith-engine, flag_engine/utils/hashing.py.
"""

from steelyard.hashing.hashes import Retried
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(name="flagsmith", hash=Retried(), before="{salt},", buckets=9998, fixed=True)
