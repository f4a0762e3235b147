"""Columns of units as lists of UTF-8 bytes, in pieces, and buckets back as the same kind of column.

Arrow arrays are recognised without importing pyarrow: whoever passes one has imported it.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import SpecError
from steelyard.hashing.units import text_of, utf8

PIECE = 1 << 14
"""Units per piece: small enough to stay in cache, large enough that numpy's overhead vanishes."""

Buckets = NDArray[np.int64]
Keys = list[bytes]


def map_column(column: Any, bucket: Callable[[Keys], Buckets]) -> Any:
    """Apply a function of unit texts to a column.

    Args:
        column: A pyarrow Array or ChunkedArray of text or integers; or a numpy array or a sequence of them.
        bucket: From n texts, none empty, to n buckets.

    Returns:
        For Arrow an int64 Array, null where the unit is null or empty; otherwise a numpy int64 array.

    Raises:
        SpecError: The column is neither text nor integer, or a numpy array or sequence misses a unit.
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and isinstance(column, arrow.Array | arrow.ChunkedArray):
        return _map_arrow(arrow, column, bucket)
    pieces = [bucket(texts) for texts in _pieces(column)]
    return np.concatenate(pieces) if pieces else np.empty(0, dtype=np.int64)


def _map_arrow(arrow: Any, column: Any, bucket: Callable[[Keys], Buckets]) -> Any:
    pieces = [
        _arrow_piece(arrow, chunk.slice(start, PIECE), bucket)
        for chunk in (column.chunks if isinstance(column, arrow.ChunkedArray) else [column])
        for start in range(0, len(chunk), PIECE)
    ]
    return arrow.concat_arrays(pieces) if pieces else arrow.array([], arrow.int64())


def _arrow_piece(arrow: Any, piece: Any, bucket: Callable[[Keys], Buckets]) -> Any:
    kind = arrow.types
    if kind.is_dictionary(piece.type):
        piece = piece.dictionary_decode()
    if kind.is_integer(piece.type):
        piece = piece.cast(arrow.string())
    is_text = any(test(piece.type) for test in (kind.is_string, kind.is_large_string, kind.is_string_view))
    if not is_text and not kind.is_null(piece.type):
        raise SpecError(
            f"units must be text or integers, not {piece.type}", hint="cast the column to text in the query"
        )
    texts = piece.cast(arrow.large_binary()).to_pylist()
    if all(texts):
        return arrow.array(bucket(texts))
    there = np.fromiter(map(bool, texts), dtype=np.bool_, count=len(texts))
    buckets = np.zeros(len(texts), dtype=np.int64)
    buckets[there] = bucket([text for text in texts if text])
    return arrow.array(buckets, mask=~there)


def _pieces(column: NDArray[Any] | Sequence[Any]) -> Iterator[Keys]:
    if isinstance(column, str | bytes):
        raise SpecError("a column of units must be an array or a sequence, not one text")
    for start in range(0, len(column), PIECE):
        piece = column[start : start + PIECE]
        units = piece.tolist() if isinstance(piece, np.ndarray) else list(piece)
        yield _texts(units, start)


def _texts(units: list[Any], start: int) -> Keys:
    if set(map(type, units)) == {str} and "" not in units:
        keys = _encode_joined(units)
        if len(keys) == len(units):
            return keys
    texts = [text_of(unit) for unit in units]
    if None in texts:
        raise SpecError(
            f"row {start + texts.index(None)} has no unit",
            hint="leave such rows out, or pass an Arrow array, whose buckets can be null",
        )
    return [utf8(text) for text in texts if text]


def _encode_joined(units: list[str]) -> Keys:
    """All texts in UTF-8 with one call; more of them than units where one holds the separator."""
    try:
        return "\0".join(units).encode().split(b"\0")
    except UnicodeEncodeError:
        return []
