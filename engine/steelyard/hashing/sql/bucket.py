"""Buckets as SQL expressions: the same scheme, said by the warehouse.

The expression is built for one dialect and must be generated for that one.
"""

from collections.abc import Callable
from types import MappingProxyType

from sqlglot import exp

from steelyard.errors import CompileError
from steelyard.hashing.hashes import Crc32, Digest, Murmur3, Murmur3Wide, Retried
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.scheme import Framing, Scheme
from steelyard.hashing.sql.digest import digest_bucket
from steelyard.hashing.sql.duckdb_folds import number_tree
from steelyard.hashing.sql.trees import DIALECTS, divide, tree, unit_text

Salt = str | exp.Expr

NATIVE: MappingProxyType[tuple[str, type], str] = MappingProxyType(
    {
        ("spark", Crc32): "CRC32(k_)",
        ("databricks", Crc32): "CRC32(k_)",
        ("clickhouse", Crc32): "toInt64(CRC32(k_))",
        ("trino", Crc32): "CRC32(TO_UTF8(k_))",
        ("clickhouse", Murmur3): "toInt64(murmurHash3_32(k_))",
        ("clickhouse", Murmur3Wide): "toInt64(bitShiftRight("
        "reinterpretAsUInt64(substring(murmurHash3_128(k_), 1, 8)), 4))",
    }
)
"""Hash functions of warehouses that equal ours; those of ClickHouse know the seed 0 only."""


def bucket_sql(
    scheme: Scheme,
    dialect: str,
    salt: Salt,
    unit: str | exp.Expr,
    buckets: int | None = None,
    *,
    change_key: Callable[[exp.Expr], exp.Expr] | None = None,
) -> exp.Expr:
    """The bucket of a unit as an expression of a warehouse.

    Args:
        scheme: The scheme.
        dialect: One of `DIALECTS`.
        salt: The salt; or an expression that holds it, where the scheme puts it into the key.
        unit: The unit's expression, as a tree or in the dialect: text or integers.
        buckets: Number of buckets, where it is not the scheme's own.
        change_key: What is done to the key's text before it is hashed; for digests also to its bytes.

    Returns:
        An integer expression; NULL where the unit is NULL or ''. Generate it for ``dialect`` only.

    Raises:
        SpecError: The salt or the bucket count is refused, as by `Scheme.scalar`.
        CompileError: The warehouse cannot say it, or the unit is visibly neither text nor integer.

    Examples:
        >>> from steelyard.hashing import SCHEMES
        >>> bucket_sql(SCHEMES["flipt"], "spark", "flag", "user_id").sql("spark")
        "((CRC32('flag' || NULLIF(CAST(user_id AS STRING), ''))) % 1000)"
    """
    if dialect not in DIALECTS:
        raise CompileError(f"no hash SQL for dialect {dialect!r}", hint=f"one of {', '.join(DIALECTS)}")
    size = scheme.check_buckets(buckets)
    if isinstance(salt, str):
        scheme.check_salt(salt)
    key = _key(scheme, dialect, salt, unit_text(dialect, unit))
    key = key if change_key is None else change_key(key)
    match scheme.hash:
        case Digest() as digest:
            bucket = digest_bucket(dialect, digest, key, scheme.reduce, size)
        case Retried():
            bucket = _retried(dialect, key)
        case _:
            bucket = _reduced(dialect, _number(scheme, dialect, salt, key), scheme.reduce, size)
    return exp.paren(bucket, copy=False) if isinstance(bucket, exp.Binary) else bucket


def _key(scheme: Scheme, dialect: str, salt: Salt, unit: exp.Expr) -> exp.Expr:
    """The key's text; under CBOR the hexadecimal text of its bytes."""
    if scheme.framing is not Framing.TEXT:
        return _cbor_key(scheme, dialect, salt, unit)
    parts = [*_affix(scheme.before, salt), unit, *_affix(scheme.after, salt)]
    key = parts[0]
    for part in parts[1:]:
        key = exp.DPipe(this=key, expression=part)
    return key


def _affix(template: str, salt: Salt) -> list[exp.Expr]:
    if isinstance(salt, str):
        text = template.replace("{salt}", salt)
        return [exp.Literal.string(text)] if text else []
    head, found, tail = template.partition("{salt}")
    middle = [exp.cast(salt.copy(), "text")] if found else []
    return [
        *([exp.Literal.string(head)] if head else []),
        *middle,
        *([exp.Literal.string(tail)] if tail else []),
    ]


# LEAST would be shorter, but most warehouses skip NULL in it.
MAGNITUDE = "CASE WHEN n_ <= 2147483648 THEN n_ ELSE 4294967296 - n_ END"
MAGNITUDE_TO_TOP = (
    "CASE WHEN n_ < 2147483647 THEN n_ WHEN n_ <= 2147483649 THEN 2147483647 ELSE 4294967296 - n_ END"
)
CBOR_HEADER = (
    "CASE WHEN octet_length(encode(t_)) < 24 THEN printf('%02x', 96 + octet_length(encode(t_)))"
    " WHEN octet_length(encode(t_)) < 256 THEN printf('78%02x', octet_length(encode(t_)))"
    " WHEN octet_length(encode(t_)) < 65536 THEN printf('79%04x', octet_length(encode(t_)))"
    " ELSE printf('7a%08x', octet_length(encode(t_))) END"
)


def _cbor_key(scheme: Scheme, dialect: str, salt: Salt, unit: exp.Expr) -> exp.Expr:
    if dialect != "duckdb":
        raise CompileError(
            f"{dialect} has no SQL for {scheme.name}", hint="its key is CBOR; compute the buckets in Python"
        )
    start = exp.Literal.string(salt) if isinstance(salt, str) else exp.cast(salt.copy(), "text")
    if scheme.framing is Framing.CBOR_TEXT:
        return _cbor_text(exp.DPipe(this=start, expression=unit))
    return tree(dialect, "'82' || s_ || u_", s=_cbor_text(start), u=_cbor_text(unit))


def _cbor_text(text: exp.Expr) -> exp.Expr:
    return tree("duckdb", f"({CBOR_HEADER}) || hex(encode(t_))", t=text)


def _number(scheme: Scheme, dialect: str, salt: Salt, key: exp.Expr) -> exp.Expr:
    if scheme.seed_of is not None and not isinstance(salt, str):
        raise CompileError(
            f"{scheme.name} needs its salt as text, not as an expression",
            hint="its seed is computed from the salt before the query runs",
        )
    seed = scheme.seed_for(salt) if isinstance(salt, str) else scheme.seed
    if dialect == "duckdb":
        return number_tree(scheme.hash, key, seed, is_hex=scheme.framing is not Framing.TEXT)
    if seed == 0 and (dialect, type(scheme.hash)) in NATIVE:
        return tree(dialect, NATIVE[dialect, type(scheme.hash)], k=key)
    if isinstance(scheme.hash, Murmur3) and dialect == "redshift" and seed < 1 << 31:
        # Redshift's result is signed.
        return tree(dialect, f"(MURMUR3_32_HASH(k_, {seed}) + 4294967296) % 4294967296", k=key)
    raise CompileError(
        f"{dialect} has no SQL for {scheme.name}",
        hint=f"it has no {type(scheme.hash).__name__} with seed {seed}; compute the buckets in Python",
    )


def _reduced(dialect: str, number: exp.Expr, reduce: Reduce, size: int) -> exp.Expr:
    """`reduce.REDUCERS`, for numbers whose product with the bucket count fits 63 bits."""
    match reduce:
        case Reduce.MODULO:
            result = tree(dialect, f"(n_) % {size}", n=number)
        case Reduce.MODULO_SIGNED:
            result = tree(dialect, f"({MAGNITUDE}) % {size}", n=number)
        case Reduce.SCALE:
            result = divide(dialect, tree(dialect, f"(n_) * {size}", n=number), 1 << 32)
        case Reduce.SCALE_CLOSED:
            result = divide(dialect, tree(dialect, f"(n_) * {size}", n=number), (1 << 32) - 1)
        case Reduce.SCALE_SIGNED:
            scaled = tree(dialect, f"({MAGNITUDE_TO_TOP}) * {size}", n=number)
            result = divide(dialect, scaled, (1 << 31) - 1)
        case Reduce.QUOTIENT:
            result = divide(dialect, number, 100)
    return exp.cast(result, "bigint") if dialect == "duckdb" else result


def _retried(dialect: str, key: exp.Expr) -> exp.Expr:
    """`Retried` for three repetitions; the fourth would be needed once in 10**16 units, and gives NULL."""
    whens = exp.Case()
    for times in (1, 2, 3):
        text = key
        for _ in range(times - 1):
            text = exp.DPipe(this=exp.DPipe(this=text, expression=exp.Literal.string(",")), expression=key)
        rest = digest_bucket(dialect, Digest("md5", 32), text, Reduce.MODULO, 9999)
        whens = whens.when(exp.LT(this=rest.copy(), expression=exp.Literal.number(9998)), rest)
    return whens
