"""Hashes that DuckDB has no function for, as lambdas over lists: exact, and far slower than a digest.

A list of one element, transformed, is DuckDB's way to name a value once.
"""

from sqlglot import exp

from steelyard.errors import CompileError
from steelyard.hashing.folds import FNV_OFFSET, FNV_PRIME
from steelyard.hashing.hashes import Crc32, Encoding, Fnv1a, Hash, Java, Murmur3
from steelyard.hashing.murmur3 import C1_32, C2_32
from steelyard.hashing.sql.trees import tree

MASK = "4294967295::UBIGINT"

BYTES = "list_transform(range(length(hx) // 2), lambda i: ('0x' || substr(hx, 2 * i + 1, 2))::UBIGINT)"
POINTS = "list_transform(range(length(tx)), lambda i: unicode(substr(tx, i + 1, 1))::UBIGINT)"
UTF_16 = (
    f"flatten(list_transform({POINTS}, lambda c: CASE WHEN c > 65535"
    " THEN [55296::UBIGINT + ((c - 65536::UBIGINT) >> 10),"
    " 56320::UBIGINT + ((c - 65536::UBIGINT) & 1023::UBIGINT)]"
    " ELSE [c] END))"
)


def number_tree(hash_: Hash, key: exp.Expr, seed: int, *, is_hex: bool) -> exp.Expr:
    """The hash of a key, as an unsigned integer.

    Args:
        hash_: The hash function.
        key: The key as text, or as the hexadecimal text of its bytes.
        seed: The hash's seed.
        is_hex: Which of the two the key is.

    Raises:
        CompileError: DuckDB cannot say this hash at all.
    """
    match hash_:
        case Murmur3():
            return tree("duckdb", _let("hx", _hex(is_hex), _murmur3(seed)), k=key)
        case Crc32():
            return tree("duckdb", _let("hx", _hex(is_hex), _crc32()), k=key)
        case Fnv1a(encoding=encoding, twice=False):
            return tree("duckdb", _fnv1a("k_", encoding), k=key)
        case Fnv1a(encoding=encoding, twice=True):
            return tree("duckdb", _fnv1a(f"({_fnv1a('k_', encoding)})::TEXT", "utf-8"), k=key)
        case Java(encoding=encoding):
            fold = (
                f"list_reduce({_symbols(encoding)}, lambda h, s: (h * 31::UBIGINT + s) & {MASK}, 0::UBIGINT)"
            )
            return tree("duckdb", f"xor({_let('tx', 'k_', fold)}, {seed}::UBIGINT)", k=key)
    raise CompileError(
        f"DuckDB has no SQL for {type(hash_).__name__}",
        hint="128-bit multiplication does not fit its integers; compute the buckets in Python",
    )


def _let(name: str, value: str, body: str) -> str:
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def _hex(is_hex: bool) -> str:
    return "k_" if is_hex else "hex(encode(k_))"


def _symbols(encoding: Encoding) -> str:
    return {"utf-8": BYTES, "utf-16": UTF_16, "utf-32": POINTS}[encoding]


def _fnv1a(key: str, encoding: Encoding) -> str:
    step = f"(xor(h, s) * {FNV_PRIME}::UBIGINT) & {MASK}"
    fold = f"list_reduce({_symbols(encoding)}, lambda h, s: {step}, {FNV_OFFSET}::UBIGINT)"
    return _let("hx", f"hex(encode({key}))", fold) if encoding == "utf-8" else _let("tx", key, fold)


def _crc32() -> str:
    table = ", ".join(str(_crc32_entry(byte)) for byte in range(256))
    step = "xor(h >> 8, list_extract(crc, (xor(h, s) & 255::UBIGINT)::BIGINT + 1))"
    fold = f"list_reduce({BYTES}, lambda h, s: {step}, {MASK})"
    return f"xor({_let('crc', f'[{table}]::UBIGINT[]', fold)}, {MASK})"


def _crc32_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xEDB88320 if byte & 1 else 0)
    return byte


def _murmur3(seed: int) -> str:
    """Over ``hx``; words are read from the last byte to the first, and bytes past the end are not there."""
    digits = " || ".join(f"substr(hx, 8 * i + {place}, 2)" for place in (7, 5, 3, 1))
    word = f"(('0x0' || {digits})::UBIGINT * {C1_32}::UBIGINT) & {MASK}"
    mix = f"((((w << 15) | (w >> 17)) & {MASK}) * {C2_32}::UBIGINT) & {MASK}"
    words = f"list_transform(list_transform(range(length(hx) // 8 + 1), lambda i: {word}), lambda w: {mix})"
    rotated = f"(((xor(h, s) << 13) | (xor(h, s) >> 19)) & {MASK})"
    step = f"({rotated} * 5::UBIGINT + 3864292196::UBIGINT) & {MASK}"
    body = f"list_reduce(ws[:-2], lambda h, s: {step}, {seed}::UBIGINT)"
    mixed = f"xor(xor({body}, ws[-1]), (length(hx) // 2)::UBIGINT)"
    first = _let("h", _let("ws", words, mixed), f"(xor(h, h >> 16) * 2246822507::UBIGINT) & {MASK}")
    second = _let("h", first, f"(xor(h, h >> 13) * 3266489909::UBIGINT) & {MASK}")
    return _let("h", second, "xor(h, h >> 16)")
