"""Eppo; the salt is the shard's. A split takes a unit that lies in all of its shards, each with its salt.

Flags of the old format have two keys that name the unit before the flag: ``exposure-<unit>-<flag>`` and
``assignment-<unit>-<flag>``; there the salt is the flag.

References:
    Eppo-exp/python-sdk, eppo_client/sharders.py.
"""

from steelyard.hashing.hashes import Digest
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(name="eppo", hash=Digest("md5", 8), before="{salt}-")
EXPOSURE = Scheme(name="eppo-exposure", hash=Digest("md5", 8), before="exposure-", after="-{salt}")
ASSIGNMENT = Scheme(name="eppo-assignment", hash=Digest("md5", 8), before="assignment-", after="-{salt}")
