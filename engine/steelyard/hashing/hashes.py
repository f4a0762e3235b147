"""The hash functions that schemes are built of: bytes in, an unsigned integer out.

A value of these classes is data as well as a function: batches and SQL read its fields and say the same thing
in their own way.
"""

import hashlib
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

from steelyard.hashing.folds import fnv1a_32, java_32
from steelyard.hashing.murmur3 import murmur3_32, murmur3_x64_128

Algorithm = Literal["sha256", "sha1", "md5"]
Encoding = Literal["utf-8", "utf-16", "utf-32"]
Number = Callable[[bytes], int]

# The flag lets machines under FIPS rules reproduce buckets: nothing here is about security.
CONSTRUCTORS: MappingProxyType[str, Callable[[bytes], Any]] = MappingProxyType(
    {
        "sha256": hashlib.sha256,
        "sha1": partial(hashlib.sha1, usedforsecurity=False),
        "md5": partial(hashlib.md5, usedforsecurity=False),
    }
)


def _of_python(algorithm: str, *modules: str) -> Callable[[bytes], Any]:
    """Python's own implementation where there is one; else that of `CONSTRUCTORS`."""
    for name in modules:
        try:
            found: Callable[[bytes], Any] = getattr(import_module(name), algorithm)
        except (ImportError, AttributeError):
            continue
        return found
    return CONSTRUCTORS[algorithm]


# OpenSSL 3 takes longer to set up a call than Python's own SHA-256 or MD5 takes to hash a short key.
SHORT: MappingProxyType[str, Callable[[bytes], Any]] = MappingProxyType(
    {
        "sha256": _of_python("sha256", "_sha2", "_sha256"),
        "sha1": CONSTRUCTORS["sha1"],
        "md5": _of_python("md5", "_md5"),
    }
)
"""The same functions, faster for keys of at most `SHORT_BYTES`."""

SHORT_BYTES = 119
NATIVE = "le" if sys.byteorder == "little" else "be"


@dataclass(frozen=True, slots=True, eq=False)
class Digest:
    """The leading hexadecimal digits of a digest, read as one integer."""

    algorithm: Algorithm
    hex_digits: int

    @property
    def bits(self) -> int:
        """Width of the number."""
        return 4 * self.hex_digits

    def number(self, seed: int) -> Number:
        """The hash of a key; digests know no seed."""
        del seed
        new, read = CONSTRUCTORS[self.algorithm], int.from_bytes
        size, shift = (self.bits + 7) // 8, -self.bits % 8
        if size == new(b"").digest_size:
            return lambda key: read(new(key).digest())
        return lambda key: read(new(key).digest()[:size]) >> shift


@dataclass(frozen=True, slots=True, eq=False)
class Retried:
    """MD5 modulo 9,999; where that is 9,998, of 'key,key', then of 'key,key,key' and so on."""

    bits: int = 14

    def number(self, seed: int) -> Number:
        """The hash of a key, below 9,998; it knows no seed."""
        md5 = Digest("md5", 32).number(seed)

        def number(key: bytes) -> int:
            rest, times = md5(key) % 9999, 1
            while rest == 9998:
                times += 1
                rest = md5(b",".join([key] * times)) % 9999
            return rest

        return number


@dataclass(frozen=True, slots=True, eq=False)
class Murmur3:
    """MurmurHash3 x86_32."""

    bits: int = 32

    def number(self, seed: int) -> Number:
        """The hash of a key."""
        return partial(murmur3_32, seed=seed)


@dataclass(frozen=True, slots=True, eq=False)
class Murmur3Wide:
    """The upper 60 bits of the low half of MurmurHash3 x64_128."""

    bits: int = 60

    def number(self, seed: int) -> Number:
        """The hash of a key."""
        return lambda key: murmur3_x64_128(key, seed)[0] >> 4


@dataclass(frozen=True, slots=True, eq=False)
class Crc32:
    """CRC-32 of IEEE 802.3."""

    bits: int = 32

    def number(self, seed: int) -> Number:
        """The checksum of a key; it knows no seed."""
        del seed
        return zlib.crc32


@dataclass(frozen=True, slots=True, eq=False)
class Fnv1a:
    """FNV-1a over the symbols of a text; ``twice`` hashes the decimal text of the first hash again."""

    encoding: Encoding = "utf-8"
    twice: bool = False
    bits: int = 32

    def number(self, seed: int) -> Number:
        """The hash of a key; FNV knows no seed."""
        del seed
        once: Number = lambda key: fnv1a_32(symbols_of(key, self.encoding))  # noqa: E731
        return (lambda key: fnv1a_32(str(once(key)).encode())) if self.twice else once


@dataclass(frozen=True, slots=True, eq=False)
class Java:
    """Java's ``String.hashCode`` over UTF-16 code units, XOR the seed."""

    encoding: Encoding = "utf-16"
    bits: int = 32

    def number(self, seed: int) -> Number:
        """The hash of a key."""
        return lambda key: java_32(symbols_of(key, self.encoding)) ^ seed


Hash = Digest | Retried | Murmur3 | Murmur3Wide | Crc32 | Fnv1a | Java


def symbols_of(data: bytes, encoding: Encoding) -> bytes | memoryview:
    """UTF-8 text as the integers that a fold runs over: bytes, UTF-16 code units or code points."""
    if encoding == "utf-8":
        return data
    return memoryview(data.decode().encode(f"{encoding}-{NATIVE}")).cast("H" if encoding == "utf-16" else "I")
