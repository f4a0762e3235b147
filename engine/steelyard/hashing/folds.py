"""Hashes that fold over the symbols of a text one by one: FNV-1a and Java's ``String.hashCode``.

References:
    Fowler, Noll & Vo, "The FNV Non-Cryptographic Hash Algorithm", draft-eastlake-fnv.
"""

from collections.abc import Iterable

M32 = 0xFFFFFFFF
FNV_OFFSET = 0x811C9DC5
FNV_PRIME = 0x01000193


def fnv1a_32(symbols: Iterable[int]) -> int:
    """The 32-bit FNV-1a hash of bytes, UTF-16 code units or code points.

    Examples:
        >>> hex(fnv1a_32(b"foobar"))
        '0xbf9cf968'
    """
    h = FNV_OFFSET
    for symbol in symbols:
        h = (h ^ symbol) * FNV_PRIME & M32
    return h


def java_32(symbols: Iterable[int]) -> int:
    """``String.hashCode`` of UTF-16 code units, as an unsigned integer.

    Examples:
        >>> java_32(b"hello")
        99162322
    """
    h = 0
    for symbol in symbols:
        h = (31 * h + symbol) & M32
    return h
