"""PlanOut; the salt is ``experiment_salt.param_salt``, or the namespace with ``.segment`` for its segments.

``planout`` serves uniformChoice and randomInteger, with as many buckets as there are choices;
``planout-weighted`` serves weightedChoice and bernoulliTrial. PlanOut itself refuses text beyond ASCII.

References:
    facebookarchive/planout, python/planout/ops/random.py.
"""

from steelyard.hashing.hashes import Digest
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(name="planout", hash=Digest("sha1", 15), before="{salt}.")
WEIGHTED = Scheme(name="planout-weighted", hash=Digest("sha1", 15), before="{salt}.", reduce=Reduce.SCALE)
