"""Optimizely; the salt is the id of the experiment, or of its group first.

References:
    optimizely/python-sdk, optimizely/bucketer.py.
"""

from steelyard.hashing.hashes import Murmur3
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.scheme import Scheme

SCHEME = Scheme(name="optimizely", hash=Murmur3(), after="{salt}", reduce=Reduce.SCALE, seed=1)
