"""MurmurHash3, exactly.

References:
    Appleby (2011), MurmurHash3.cpp, public domain.
"""

M32 = 0xFFFFFFFF
M64 = 0xFFFFFFFFFFFFFFFF
C1_32, C2_32 = 0xCC9E2D51, 0x1B873593
C1_64, C2_64 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def _rotate32(x: int, bits: int) -> int:
    return (x << bits | x >> (32 - bits)) & M32


def _rotate64(x: int, bits: int) -> int:
    return (x << bits | x >> (64 - bits)) & M64


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """The 32-bit hash of ``data`` (variant x86_32), as an unsigned integer.

    Examples:
        >>> hex(murmur3_32(b"test"))
        '0xba6bd213'
    """
    h = seed & M32
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little")
        h ^= _rotate32(k * C1_32 & M32, 15) * C2_32 & M32
        h = (_rotate32(h, 13) * 5 + 0xE6546B64) & M32
    tail = int.from_bytes(data[whole:], "little")
    h ^= _rotate32(tail * C1_32 & M32, 15) * C2_32 & M32
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & M32
    h = (h ^ h >> 13) * 0xC2B2AE35 & M32
    return h ^ h >> 16


def _mix64(h: int) -> int:
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & M64
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & M64
    return h ^ h >> 33


def murmur3_x64_128(data: bytes, seed: int = 0) -> tuple[int, int]:
    """The two 64-bit halves of the 128-bit hash of ``data`` (variant x64_128), low half first.

    Examples:
        >>> [hex(half) for half in murmur3_x64_128(b"hello")]
        ['0xcbd8a7b341bd9b02', '0x5b1e906a48ae1d19']
    """
    h1 = h2 = seed
    whole = len(data) & ~15
    for start in range(0, whole, 16):
        k1 = int.from_bytes(data[start : start + 8], "little")
        k2 = int.from_bytes(data[start + 8 : start + 16], "little")
        h1 ^= _rotate64(k1 * C1_64 & M64, 31) * C2_64 & M64
        h1 = ((_rotate64(h1, 27) + h2) * 5 + 0x52DCE729) & M64
        h2 ^= _rotate64(k2 * C2_64 & M64, 33) * C1_64 & M64
        h2 = ((_rotate64(h2, 31) + h1) * 5 + 0x38495AB5) & M64
    k1 = int.from_bytes(data[whole : whole + 8], "little")
    k2 = int.from_bytes(data[whole + 8 :], "little")
    h2 ^= _rotate64(k2 * C2_64 & M64, 33) * C1_64 & M64
    h1 ^= _rotate64(k1 * C1_64 & M64, 31) * C2_64 & M64
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & M64
    h2 = (h2 + h1) & M64
    h1, h2 = _mix64(h1), _mix64(h2)
    h1 = (h1 + h2) & M64
    return h1, (h2 + h1) & M64
