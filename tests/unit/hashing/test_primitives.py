"""Hash functions against published values and against other implementations."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.hashing.cbor import text_header
from steelyard.hashing.folds import fnv1a_32, java_32
from steelyard.hashing.hashes import symbols_of
from steelyard.hashing.murmur3 import murmur3_32, murmur3_x64_128


@given(data=st.binary(max_size=70), seed=st.integers(0, 2**32 - 1))
def test_murmur_equals_the_reference_implementation(data: bytes, seed: int) -> None:
    mmh3 = pytest.importorskip("mmh3")
    assert murmur3_32(data, seed) == mmh3.hash(data, seed, signed=False)
    assert murmur3_x64_128(data, seed) == mmh3.hash64(data, seed, signed=False)


@pytest.mark.parametrize(
    ("data", "seed", "expected"),
    [
        (b"", 0, 0),
        (b"", 1, 0x514E28B7),
        (b"", 0xFFFFFFFF, 0x81F16F39),
        (b"\xff\xff\xff\xff", 0, 0x76293B50),
        (b"!Ce\x87", 0x5082EDEE, 0x2362F9DE),
        (b"aaaa", 0x9747B28C, 0x5A97808A),
        (b"Hello, world!", 0x9747B28C, 0x24884CBA),
    ],
)
def test_murmur_gives_published_values(data: bytes, seed: int, expected: int) -> None:
    assert murmur3_32(data, seed) == expected


@pytest.mark.parametrize(("text", "expected"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_fnv_gives_the_values_of_its_draft(text: str, expected: int) -> None:
    assert fnv1a_32(text.encode()) == expected


def test_java_hash_of_published_strings() -> None:
    assert java_32(b"polygenelubricants") == 1 << 31
    assert java_32(symbols_of("😀".encode(), "utf-16")) == 0xD83D * 31 + 0xDE00


def test_symbols_follow_the_encoding() -> None:
    data = "é😀".encode()
    assert list(symbols_of(data, "utf-8")) == [0xC3, 0xA9, 0xF0, 0x9F, 0x98, 0x80]
    assert list(symbols_of(data, "utf-16")) == [0xE9, 0xD83D, 0xDE00]
    assert list(symbols_of(data, "utf-32")) == [0xE9, 0x1F600]


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, "60"),
        (23, "77"),
        (24, "7818"),
        (255, "78ff"),
        (256, "790100"),
        (65535, "79ffff"),
        (65536, "7a00010000"),
    ],
)
def test_cbor_headers_are_shortest(length: int, header: str) -> None:
    assert text_header(length).hex() == header


def test_crc_is_that_of_ieee() -> None:
    assert zlib.crc32(b"123456789") == 0xCBF43926
