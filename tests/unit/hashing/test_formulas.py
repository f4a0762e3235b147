"""Vendors' formulas as their sources write them, with other implementations of the hashes."""

import hashlib
import math
import zlib

import pytest

from steelyard.hashing import SCHEMES

mmh3 = pytest.importorskip("mmh3")

UNITS = ["user_1", "u", "é😀", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "x" * 70, "42"]
SALTS = ["checkout", "a.b", "実験"]


def murmur(text: str, seed: int = 0) -> int:
    return int(mmh3.hash(text.encode(), seed, signed=False))


def hexadecimal(algorithm: str, text: str) -> str:
    return hashlib.new(algorithm, text.encode()).hexdigest()


def sha1_fraction(text: str) -> float:
    return int(hexadecimal("sha1", text)[:15], 16) / float(0xFFFFFFFFFFFFFFF)


def flagd_v1(text: str) -> float:
    return float(abs(mmh3.hash(text.encode(), 0)) / 0x7FFFFFFF)


FORMULAS = {
    "statsig": lambda s, u: int.from_bytes(hashlib.sha256(f"{s}.{u}".encode()).digest()[:8]) % 10_000,
    "statsig-layer": lambda s, u: int.from_bytes(hashlib.sha256(f"{s}.{u}".encode()).digest()[:8]) % 1000,
    "eppo": lambda s, u: int(hexadecimal("md5", f"{s}-{u}")[:8], 16) % 10_000,
    "eppo-exposure": lambda s, u: int(hexadecimal("md5", f"exposure-{u}-{s}")[:8], 16) % 10_000,
    "eppo-assignment": lambda s, u: int(hexadecimal("md5", f"assignment-{u}-{s}")[:8], 16) % 10_000,
    "launchdarkly": lambda s, u: math.floor(sha1_fraction(f"{s}.{u}") * 100_000),
    "posthog": lambda s, u: math.floor(sha1_fraction(f"{s}.{u}variant") * 10_000),
    "posthog-rollout": lambda s, u: math.floor(sha1_fraction(f"{s}.{u}") * 10_000),
    "optimizely": lambda s, u: math.floor(murmur(f"{u}{s}", 1) / 2**32 * 10_000),
    "unleash": lambda s, u: murmur(f"{s}:{u}", 86028157) % 1000,
    "unleash-rollout": lambda s, u: murmur(f"{s}:{u}") % 100,
    "confidence": lambda s, u: (mmh3.hash64(f"{s}|{u}".encode(), 0, signed=False)[0] >> 4) % 1_000_000,
    "planout": lambda s, u: int(hexadecimal("sha1", f"{s}.{u}")[:15], 16) % 10_000,
    "planout-weighted": lambda s, u: math.floor(sha1_fraction(f"{s}.{u}") * 10_000),
    "amplitude": lambda s, u: murmur(f"{s}/{u}") // 100,
    "amplitude-allocation": lambda s, u: murmur(f"{s}/{u}") % 100,
    "flagd": lambda s, u: murmur(f"{s}{u}") * 10_000 >> 32,
    "flagd-v1": lambda s, u: math.floor(flagd_v1(f"{s}{u}") * 10_000),
    "flipt": lambda s, u: zlib.crc32(f"{s}{u}".encode()) % 1000,
    "flipt-boolean": lambda s, u: zlib.crc32(f"{u}{s}".encode()) % 100,
    "devcycle": lambda s, u: math.floor(murmur(u, murmur(s, 1)) / 4294967295 * 10_000),
    "devcycle-rollout": lambda s, u: math.floor(murmur(f"{u}_rollout", murmur(s, 1)) / 4294967295 * 10_000),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_scheme_is_its_vendors_formula(name: str) -> None:
    for salt in SALTS:
        for unit in UNITS:
            assert SCHEMES[name].scalar(salt, unit) == FORMULAS[name](salt, unit), (salt, unit)
