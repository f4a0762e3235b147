"""Statsig; the salt of a gate or experiment is ``config_salt.rule_salt``, that of a layer its own.

Statsig buckets the empty id as well, so all units without one share a bucket; here they have none.

References:
    statsig-io/python-sdk, statsig/evaluator.py.
"""

from steelyard.hashing.hashes import Digest
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(name="statsig", hash=Digest("sha256", 16), before="{salt}.")
LAYER = Scheme(name="statsig-layer", hash=Digest("sha256", 16), before="{salt}.", buckets=1000)
