"""How the number that a hash gives becomes a bucket: exact integer arithmetic, never floating point."""

from collections.abc import Callable
from enum import Enum
from types import MappingProxyType


class Reduce(Enum):
    """The ways of vendors from a number of ``bits`` bits to a bucket."""

    MODULO = "number % buckets"
    MODULO_SIGNED = "abs(signed number) % buckets"
    SCALE = "number * buckets // 2**bits"
    SCALE_CLOSED = "number * buckets // (2**bits - 1)"
    """The largest number gives the bucket ``buckets``, which no variant owns."""
    SCALE_SIGNED = "min(abs(signed number), top) * buckets // top, with top = 2**(bits - 1) - 1"
    """The two largest magnitudes give the bucket ``buckets``, which no variant owns."""
    QUOTIENT = "number // 100"


def _magnitude(number: int, bits: int) -> int:
    """The absolute value of a number read as a signed one."""
    return min(number, (1 << bits) - number)


def _scale_signed(number: int, buckets: int, bits: int) -> int:
    top = (1 << bits - 1) - 1
    return min(_magnitude(number, bits), top) * buckets // top


REDUCERS: MappingProxyType[Reduce, Callable[[int, int, int], int]] = MappingProxyType(
    {
        Reduce.MODULO: lambda number, buckets, bits: number % buckets,
        Reduce.MODULO_SIGNED: lambda number, buckets, bits: _magnitude(number, bits) % buckets,
        Reduce.SCALE: lambda number, buckets, bits: number * buckets >> bits,
        Reduce.SCALE_CLOSED: lambda number, buckets, bits: number * buckets // ((1 << bits) - 1),
        Reduce.SCALE_SIGNED: _scale_signed,
        Reduce.QUOTIENT: lambda number, buckets, bits: number // 100,
    }
)
"""``(number, buckets, bits) -> bucket``."""
