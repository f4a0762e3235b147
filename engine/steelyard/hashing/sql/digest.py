"""Digest schemes in SQL: the digest, and arithmetic on its hexadecimal digits."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from steelyard.errors import CompileError
from steelyard.hashing.hashes import Digest
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.sql.trees import divide, tree

WORD = 8
"""Hexadecimal digits per word: eight words of 32 bits times a bucket count of 24 bits fit 63."""

SINGLE = 15
"""The most hexadecimal digits that are a positive 64-bit integer in every warehouse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestWords:
    """How a warehouse says a digest of the text ``k_`` in hexadecimal, and digits of ``h_`` as an integer."""

    sha256: str
    sha1: str
    md5: str
    integer: str


_SPARK = DigestWords(
    sha256="SHA2(k_, 256)",
    sha1="SHA1(k_)",
    md5="MD5(k_)",
    integer="CAST(CONV(SUBSTRING(h_, {start}, {digits}), 16, 10) AS BIGINT)",
)

WORDS = MappingProxyType(
    {
        "duckdb": DigestWords(
            sha256="SHA256(k_)",
            sha1="SHA1(k_)",
            md5="MD5(k_)",
            integer="CAST(('0x' || SUBSTRING(h_, {start}, {digits})) AS BIGINT)",
        ),
        "postgres": DigestWords(
            sha256="ENCODE(SHA256(CONVERT_TO(k_, 'UTF8')), 'hex')",
            sha1="ENCODE(DIGEST(CONVERT_TO(k_, 'UTF8'), 'sha1'), 'hex')",
            md5="MD5(CONVERT_TO(k_, 'UTF8'))",
            integer="CAST(CAST(('x' || SUBSTRING(h_, {start}, {digits})) AS BIT({bits})) AS BIGINT)",
        ),
        "spark": _SPARK,
        "databricks": _SPARK,
        "clickhouse": DigestWords(
            sha256="SHA256(k_)", sha1="SHA1(k_)", md5="MD5(k_)", integer="see _clickhouse"
        ),
        "snowflake": DigestWords(
            sha256="SHA2(k_, 256)",
            sha1="SHA1(k_)",
            md5="MD5(k_)",
            integer="TO_NUMBER(SUBSTR(h_, {start}, {digits}), '{pattern}')",
        ),
        "bigquery": DigestWords(
            sha256="TO_HEX(SHA256(k_))",
            sha1="TO_HEX(SHA1(k_))",
            md5="TO_HEX(MD5(k_))",
            integer="CAST(CONCAT('0x', SUBSTR(h_, {start}, {digits})) AS INT64)",
        ),
        "redshift": DigestWords(
            sha256="SHA2(k_, 256)",
            sha1="SHA1(k_)",
            md5="MD5(k_)",
            integer="STRTOL(SUBSTRING(h_, {start}, {digits}), 16)",
        ),
        "trino": DigestWords(
            sha256="TO_HEX(SHA256(TO_UTF8(k_)))",
            sha1="TO_HEX(SHA1(TO_UTF8(k_)))",
            md5="TO_HEX(MD5(TO_UTF8(k_)))",
            integer="FROM_BASE(SUBSTR(h_, {start}, {digits}), 16)",
        ),
    }
)


def digest_tree(dialect: str, algorithm: str, key: exp.Expr) -> exp.Expr:
    """The digest of a key: lower- or upper-case hexadecimal text; in ClickHouse its bytes."""
    return tree(dialect, getattr(WORDS[dialect], algorithm), k=key)


def digest_bucket(dialect: str, digest: Digest, key: exp.Expr, reduce: Reduce, buckets: int) -> exp.Expr:
    """The bucket of a key.

    Raises:
        CompileError: No scheme asks for this reduction of a digest.
    """
    if reduce not in (Reduce.MODULO, Reduce.SCALE):
        raise CompileError(f"{dialect} has no SQL for {reduce.value!r} of a digest")
    text = digest_tree(dialect, digest.algorithm, key)
    if dialect == "clickhouse":
        return _clickhouse(digest, text, reduce, buckets)
    if reduce is Reduce.SCALE:
        return _once(dialect, text, lambda h: _scaled(dialect, digest, h, buckets))
    if digest.hex_digits <= SINGLE:
        return tree(dialect, f"x_ % {buckets}", x=_integer(dialect, text, 0, digest.hex_digits))
    return _once(dialect, text, lambda h: _modulo(dialect, digest, h, buckets))


def _once(dialect: str, text: exp.Expr, build: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """A tree that names the digest several times, computed once where the warehouse would not notice."""
    if dialect != "postgres":
        return build(text)
    inner = tree(dialect, "SELECT t_ AS steelyard_digest OFFSET 0", t=text)
    outer = exp.select(build(exp.column("steelyard_digest"))).from_(
        exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("hashed")))
    )
    return outer.subquery()


def _integer(dialect: str, text: exp.Expr, start: int, digits: int) -> exp.Expr:
    template = WORDS[dialect].integer
    numbers = {"start": start + 1, "digits": digits, "bits": 4 * digits, "pattern": "X" * digits}
    return tree(dialect, template.format(**numbers), h=text)


def _modulo(dialect: str, digest: Digest, text: exp.Expr, buckets: int) -> exp.Expr:
    """The sum of the words, each times its place value modulo the buckets."""
    if dialect == "duckdb":
        return _duckdb_modulo(digest, text, buckets)
    terms = [
        tree(
            dialect,
            f"x_ * {pow(16, digest.hex_digits - start - WORD, buckets)}",
            x=_integer(dialect, text, start, WORD),
        )
        for start in range(0, digest.hex_digits, WORD)
    ]
    return tree(dialect, f"(x_) % {buckets}", x=_added(terms))


def _duckdb_modulo(digest: Digest, text: exp.Expr, buckets: int) -> exp.Expr:
    """Words of 64 bits: fewer casts, and DuckDB has an unsigned integer for them."""
    terms = [
        tree(
            "duckdb",
            f"CAST(('0x' || SUBSTRING(h_, {start + 1}, 16)) AS UBIGINT) % {buckets}"
            f" * {pow(16, digest.hex_digits - start - 16, buckets)}",
            h=text,
        )
        for start in range(0, digest.hex_digits, 16)
    ]
    return tree("duckdb", f"CAST((x_) % {buckets} AS BIGINT)", x=_added(terms))


def _scaled(dialect: str, digest: Digest, text: exp.Expr, buckets: int) -> exp.Expr:
    """``number * buckets >> bits`` within 63 bits: the lower digits carry into the upper word."""
    lower = digest.hex_digits - WORD
    carry = divide(
        dialect, tree(dialect, f"x_ * {buckets}", x=_integer(dialect, text, WORD, lower)), 1 << 4 * lower
    )
    upper = tree(dialect, f"x_ * {buckets}", x=_integer(dialect, text, 0, WORD))
    return divide(dialect, _added([upper, carry]), 1 << 4 * WORD)


def _clickhouse(digest: Digest, text: exp.Expr, reduce: Reduce, buckets: int) -> exp.Expr:
    """ClickHouse has integers as wide as any digest."""
    width = next(bits for bits in (32, 64, 128, 256) if bits >= digest.bits)
    number = f"reinterpretAsUInt{width}(reverse(substring(h_, 1, {width // 8})))"
    if width > digest.bits:
        number = f"bitShiftRight({number}, {width - digest.bits})"
    if reduce is Reduce.SCALE:
        number = f"bitShiftRight(toUInt128({number}) * {buckets}, {digest.bits})"
    else:
        number = f"{number} % {buckets}"
    return tree("clickhouse", f"toInt64({number})", h=text)


def _added(terms: list[exp.Expr]) -> exp.Expr:
    total = terms[0]
    for term in terms[1:]:
        total = exp.Add(this=total, expression=term)
    return total
