"""GrowthBook, hash versions 1 and 2; the salt is the experiment's seed, or its key.

GrowthBook's SDKs disagree on text beyond ASCII: JavaScript hashes UTF-16 code units (the default here),
Python code points (``-utf32``, different for characters beyond the basic plane), Go UTF-8 bytes (``-utf8``).
The namespace of an old experiment is version 1 with the salt ``"__" + namespace``.

References:
    growthbook/growthbook, packages/sdk-js/src/util.ts.
"""

from steelyard.hashing.hashes import Encoding, Fnv1a
from steelyard.hashing.scheme import Scheme

DEPENDENT = "FNV-1a modulo 1000 leaves experiments with similar keys dependent on each other"


def _version_1(suffix: str, encoding: Encoding) -> Scheme:
    return Scheme(
        name=f"growthbook-v1{suffix}", hash=Fnv1a(encoding), after="{salt}", buckets=1000, warning=DEPENDENT
    )


def _version_2(suffix: str, encoding: Encoding) -> Scheme:
    return Scheme(name=f"growthbook-v2{suffix}", hash=Fnv1a(encoding, twice=True), before="{salt}")


SCHEMES = (
    _version_1("", "utf-16"),
    _version_2("", "utf-16"),
    _version_1("-utf8", "utf-8"),
    _version_2("-utf8", "utf-8"),
    _version_1("-utf32", "utf-32"),
    _version_2("-utf32", "utf-32"),
)
