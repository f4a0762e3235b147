"""Buckets of a whole column, by the same schemes: Arrow in, Arrow out; numpy or a sequence in, numpy out."""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.hashing.columns import Buckets, Keys, map_column
from steelyard.hashing.hashes import CONSTRUCTORS, Crc32, Digest, Fnv1a, Hash, Java, Murmur3
from steelyard.hashing.lanes import fnv1a_32_lanes, java_32_lanes, murmur3_32_lanes
from steelyard.hashing.reduce import REDUCERS, Reduce
from steelyard.hashing.scheme import Framing, Scheme
from steelyard.hashing.units import utf8

Numbers = NDArray[np.int64]


def batch(scheme: Scheme, salt: str, column: Any, buckets: int | None = None) -> Any:
    """The buckets of a column of units: `Scheme.scalar` for each of them.

    Args:
        scheme: The scheme.
        salt: The salt, as for `Scheme.scalar`.
        column: A pyarrow Array or ChunkedArray of text or integers; or a numpy array or a sequence of them.
        buckets: Number of buckets, where it is not the scheme's own.

    Returns:
        For Arrow an int64 Array, null where the unit is null or empty; otherwise a numpy int64 array.
        Memory beyond the result does not grow with the column.

    Raises:
        SpecError: As `Scheme.scalar` raises, or a numpy array or sequence misses a unit.

    Examples:
        >>> from steelyard.hashing import DEFAULT
        >>> batch(DEFAULT, "exp_checkout", ["user_1", "user_2"]).tolist()
        [2419, 2062]
    """
    scheme.check_salt(salt)
    size = scheme.check_buckets(buckets)
    keys_of, reduce = _keys_of(scheme, salt), _keys_to_buckets(scheme, salt, size)
    return map_column(column, lambda texts: reduce(keys_of(texts)))


def _keys_of(scheme: Scheme, salt: str) -> Callable[[Keys], Keys]:
    if scheme.framing is Framing.TEXT:
        before, after = (utf8(affix) for affix in scheme.affixes(salt))
        return lambda texts: [before + text + after for text in texts]
    key_of = scheme.key_of(salt)
    return lambda texts: list(map(key_of, texts))


def _keys_to_buckets(scheme: Scheme, salt: str, size: int) -> Callable[[Keys], Buckets]:
    seed, bits = scheme.seed_for(salt), scheme.hash.bits
    if isinstance(scheme.hash, Digest) and scheme.reduce is Reduce.MODULO:
        return _digest_modulo(scheme.hash, size)
    numbers = _numbers_of(scheme.hash, seed)
    if numbers is not None and bits == 32:
        return lambda keys: _reduce_32(scheme.reduce, numbers(keys), size)
    number, reduce = scheme.hash.number(seed), REDUCERS[scheme.reduce]
    return lambda keys: np.fromiter(
        (reduce(number(key), size, bits) for key in keys), dtype=np.int64, count=len(keys)
    )


def _numbers_of(hash_: Hash, seed: int) -> Callable[[Keys], Numbers] | None:
    match hash_:
        case Murmur3():
            return lambda keys: murmur3_32_lanes(keys, seed).astype(np.int64)
        case Fnv1a(encoding=encoding, twice=False):
            return lambda keys: fnv1a_32_lanes(keys, encoding).astype(np.int64)
        case Fnv1a(encoding=encoding, twice=True):
            return lambda keys: fnv1a_32_lanes(
                [b"%d" % first for first in fnv1a_32_lanes(keys, encoding).tolist()], "utf-8"
            ).astype(np.int64)
        case Java(encoding=encoding):
            return lambda keys: java_32_lanes(keys, encoding).astype(np.int64) ^ seed
        case Crc32():
            return lambda keys: np.fromiter(map(zlib.crc32, keys), dtype=np.int64, count=len(keys))
    return None


def _reduce_32(reduce: Reduce, numbers: Numbers, size: int) -> Buckets:
    """`REDUCERS` for numbers of 32 bits, whose product with a bucket count fits 63."""
    magnitudes = np.minimum(numbers, (1 << 32) - numbers)
    match reduce:
        case Reduce.MODULO:
            result = numbers % size
        case Reduce.MODULO_SIGNED:
            result = magnitudes % size
        case Reduce.SCALE:
            result = numbers * size >> 32
        case Reduce.SCALE_CLOSED:
            result = numbers * size // 0xFFFFFFFF
        case Reduce.SCALE_SIGNED:
            result = np.minimum(magnitudes, 0x7FFFFFFF) * size // 0x7FFFFFFF
        case Reduce.QUOTIENT:
            result = numbers // 100
    return result


def _digest_modulo(digest: Digest, size: int) -> Callable[[Keys], Buckets]:
    """Horner's rule on the digest's 32-bit words, the last of which is cut to the bits that count."""
    new = CONSTRUCTORS[digest.algorithm]
    width = new(b"").digest_size // 4
    words, surplus = -(-digest.bits // 32), -digest.bits % 32

    def reduce(keys: Keys) -> Buckets:
        table = np.frombuffer(b"".join([new(key).digest() for key in keys]), dtype=">u4")
        columns = table.reshape(-1, width)[:, :words].T.astype(np.int64)
        rest = columns[0] if words > 1 else columns[0] >> surplus
        for column in columns[1:-1]:
            rest = ((rest % size) << 32) + column
        if words > 1:
            rest = ((rest % size) << (32 - surplus)) + (columns[-1] >> surplus)
        result: Buckets = rest % size
        return result

    return reduce
