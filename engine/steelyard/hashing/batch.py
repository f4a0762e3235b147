"""Buckets of a whole column, by the same schemes: Arrow in, Arrow out; numpy or a sequence in, numpy out."""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.hashing.columns import Buckets, Keys, map_column
from steelyard.hashing.hashes import (
    CONSTRUCTORS,
    SHORT,
    SHORT_BYTES,
    Crc32,
    Digest,
    Fnv1a,
    Hash,
    Java,
    Murmur3,
)
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
        if not after:
            return lambda texts: [before + text for text in texts]
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
    """The sum of the digest's 64-bit words, each times its place value; the last is cut to the bits that count."""
    short, long = SHORT[digest.algorithm], CONSTRUCTORS[digest.algorithm]
    width = long(b"").digest_size
    words, surplus = -(-digest.bits // 64), np.uint64(-digest.bits % 64)
    weights = [pow(2, digest.bits - 64 * place, size) for place in range(1, words)]

    def reduce(keys: Keys) -> Buckets:
        some = keys[:256]
        new = short if sum(map(len, some)) <= SHORT_BYTES * len(some) else long
        data = np.frombuffer(b"".join([new(key).digest() for key in keys]), dtype=np.uint8)
        table = np.ascontiguousarray(data.reshape(-1, width)[:, : 8 * words]).view(">u8").astype(np.uint64)
        total = (table[:, -1] >> surplus) % np.uint64(size)
        for place, weight in enumerate(weights):
            total += table[:, place] % np.uint64(size) * np.uint64(weight)
        result: Buckets = (total % np.uint64(size)).astype(np.int64)
        return result

    return reduce
