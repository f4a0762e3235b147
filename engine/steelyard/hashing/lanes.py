"""Murmur and the folds over many keys at once: one numpy lane of 32 bits per key.

Keys are sorted by length, so that the lanes still running are always the last ones.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.hashing.folds import FNV_OFFSET, FNV_PRIME
from steelyard.hashing.hashes import NATIVE, Encoding
from steelyard.hashing.murmur3 import C1_32, C2_32

Lanes = NDArray[np.uint32]
Places = NDArray[np.int64]

SYMBOLS: dict[Encoding, type[np.unsignedinteger[Any]]] = {
    "utf-8": np.uint8,
    "utf-16": np.uint16,
    "utf-32": np.uint32,
}


def murmur3_32_lanes(keys: list[bytes], seed: int) -> Lanes:
    """`murmur3_32` of each key; shape (n,)."""
    lengths, order, starts = _layout(keys)
    data = np.frombuffer(b"".join(keys) + bytes(4), dtype=np.uint8)
    words, rest = lengths // 4, (8 * (lengths % 4)).astype(np.uint32)
    h = np.full(len(keys), seed, dtype=np.uint32)
    for block, first in _running(words):
        mixed = h[first:] ^ _mix_word(_little_endian(data, starts[first:] + 4 * block))
        h[first:] = _rotate(mixed, 13) * np.uint32(5) + np.uint32(0xE6546B64)
    tail = _little_endian(data, starts + 4 * words) & ((np.uint32(1) << rest) - np.uint32(1))
    h ^= _mix_word(tail) ^ lengths.astype(np.uint32)
    h = (h ^ _right(h, 16)) * np.uint32(0x85EBCA6B)
    h = (h ^ _right(h, 13)) * np.uint32(0xC2B2AE35)
    return _unsorted(h ^ _right(h, 16), order)


def fnv1a_32_lanes(keys: list[bytes], encoding: Encoding) -> Lanes:
    """`fnv1a_32` of each key's symbols; shape (n,)."""
    return _fold(keys, encoding, FNV_OFFSET, lambda h, symbol: (h ^ symbol) * np.uint32(FNV_PRIME))


def java_32_lanes(keys: list[bytes], encoding: Encoding) -> Lanes:
    """`java_32` of each key's symbols; shape (n,)."""
    return _fold(keys, encoding, 0, lambda h, symbol: h * np.uint32(31) + symbol)


def _fold(keys: list[bytes], encoding: Encoding, start: int, step: Callable[[Lanes, Lanes], Lanes]) -> Lanes:
    symbol = SYMBOLS[encoding]
    if encoding != "utf-8":
        keys = [key.decode().encode(f"{encoding}-{NATIVE}") for key in keys]
    lengths, order, starts = _layout(keys, symbol().itemsize)
    data = np.frombuffer(b"".join(keys), dtype=symbol)
    h = np.full(len(keys), start, dtype=np.uint32)
    for place, first in _running(lengths):
        h[first:] = step(h[first:], data[starts[first:] + place].astype(np.uint32))
    return _unsorted(h, order)


def _layout(keys: list[bytes], width: int = 1) -> tuple[Places, Places, Places]:
    """Lengths in symbols, ascending; the order that sorts them; where each key starts in the joined data."""
    lengths = np.fromiter(map(len, keys), dtype=np.int64, count=len(keys)) // width
    order = np.argsort(lengths, kind="stable")
    return lengths[order], order, (np.cumsum(lengths) - lengths)[order]


def _running(lengths: Places) -> Iterator[tuple[int, int]]:
    """Each step, with the first of the lanes that have not ended before it."""
    for step in range(int(lengths[-1]) if len(lengths) else 0):
        yield step, int(np.searchsorted(lengths, step, side="right"))


def _little_endian(data: NDArray[np.uint8], starts: Places) -> Lanes:
    word = data[starts].astype(np.uint32)
    for place in (1, 2, 3):
        word |= _left(data[starts + place].astype(np.uint32), 8 * place)
    return word


def _mix_word(k: Lanes) -> Lanes:
    return _rotate(k * np.uint32(C1_32), 15) * np.uint32(C2_32)


def _rotate(x: Lanes, bits: int) -> Lanes:
    return _left(x, bits) | _right(x, 32 - bits)


def _left(x: Lanes, bits: int) -> Lanes:
    return np.left_shift(x, np.uint32(bits))


def _right(x: Lanes, bits: int) -> Lanes:
    return np.right_shift(x, np.uint32(bits))


def _unsorted(h: Lanes, order: Places) -> Lanes:
    result = np.empty_like(h)
    result[order] = h
    return result
