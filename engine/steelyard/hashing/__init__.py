"""Assignment by hashing: one bucket in a request, in a batch and in SQL.

What is imported here needs the standard library alone.
"""

from steelyard.hashing.assignment import Assignment, BucketSet
from steelyard.hashing.registry import DEFAULT, SCHEMES, scheme_named
from steelyard.hashing.scheme import Scheme
from steelyard.hashing.shares import WHOLE, cuts_of, ten_thousandths, variant_of
from steelyard.hashing.units import Unit

__all__ = [
    "DEFAULT",
    "SCHEMES",
    "WHOLE",
    "Assignment",
    "BucketSet",
    "Scheme",
    "Unit",
    "cuts_of",
    "scheme_named",
    "ten_thousandths",
    "variant_of",
]
