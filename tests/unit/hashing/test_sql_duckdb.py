"""SQL is the scalar, unit by unit, in a real warehouse."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from steelyard.errors import CompileError
from steelyard.hashing import DEFAULT, SCHEMES, Scheme, cuts_of, variant_of
from steelyard.hashing.sql import bucket_sql, call_sql, drop_ddl, udf_ddl, variant_sql

EXPRESSIBLE = {name: scheme for name, scheme in SCHEMES.items() if name != "confidence"}
EVERY = pytest.mark.parametrize("scheme", EXPRESSIBLE.values(), ids=EXPRESSIBLE)
WAREHOUSE = duckdb.connect()
CHARACTERS = list("aZ09_-:' \\\"%\n\té你😀𝒳\u200b\u0301\xa0\0")
EDGES = ["x" * 22, "x" * 23, "x" * 24, "x" * 255, "x" * 256, "é" * 200, "\uffff\U00010000\U0010ffff"]
AWKWARD_SALT = "it's \\ \n 実験 \"%s {salt} $1"


def mixed_ids(n: int) -> list[str]:
    rng = np.random.default_rng(1)
    hexadecimal = [rng.bytes(16).hex() for _ in range(n // 3)]
    numeric = [str(number) for number in rng.integers(0, 10**12, n // 3)]
    lengths = rng.integers(1, 40, n - 2 * (n // 3) - len(EDGES))
    texts = ["".join(CHARACTERS[k] for k in rng.integers(0, len(CHARACTERS), length)) for length in lengths]
    return [*hexadecimal, *numeric, *texts, *EDGES]


def salt_of(scheme: Scheme) -> str:
    return "467569525" if scheme.name.startswith("split") else AWKWARD_SALT


def sql_buckets(
    scheme: Scheme, salt: str, ids: list[str | None], buckets: int | None = None
) -> list[int | None]:
    expression = bucket_sql(scheme, "duckdb", salt, "unit", buckets).sql("duckdb")
    units = pa.table({"unit": pa.array(ids, pa.string())})  # noqa: F841  DuckDB reads it by name
    return [row[0] for row in WAREHOUSE.execute(f"SELECT {expression} FROM units").fetchall()]


def assert_sql_is_scalar(scheme: Scheme, ids: list[str], buckets: int | None = None) -> None:
    bucket = scheme.bucketer(salt_of(scheme), buckets)
    assert sql_buckets(scheme, salt_of(scheme), [*ids], buckets) == [bucket(unit) for unit in ids]


@EVERY
def test_sql_equals_scalar(scheme: Scheme) -> None:
    assert_sql_is_scalar(scheme, mixed_ids(150))


@pytest.mark.long
@pytest.mark.parametrize("name", ["sha256", "sha256-60", "statsig"])
def test_digest_sql_equals_scalar_on_100_000_mixed_ids(name: str) -> None:
    assert_sql_is_scalar(SCHEMES[name], mixed_ids(100_000))


@pytest.mark.slow
@EVERY
def test_sql_equals_scalar_on_100_000_mixed_ids(scheme: Scheme) -> None:
    assert_sql_is_scalar(scheme, mixed_ids(100_000))


@pytest.mark.long
@pytest.mark.parametrize("buckets", [1, 1 << 24])
@EVERY
def test_sql_follows_the_bucket_count(scheme: Scheme, buckets: int) -> None:
    if scheme.fixed:
        pytest.skip("the scheme has one number of buckets")
    assert_sql_is_scalar(scheme, mixed_ids(30), buckets)


@EVERY
def test_null_and_empty_units_have_no_bucket(scheme: Scheme) -> None:
    assert sql_buckets(scheme, salt_of(scheme), [None, "", None]) == [None, None, None]


@EVERY
def test_result_is_a_bigint_and_integers_hash_as_text(scheme: Scheme) -> None:
    expression = bucket_sql(scheme, "duckdb", salt_of(scheme), "unit").sql("duckdb")
    query = f"SELECT typeof({expression}), {expression} FROM (SELECT -42 AS unit)"
    assert WAREHOUSE.execute(query).fetchall() == [("BIGINT", scheme.scalar(salt_of(scheme), -42))]


@pytest.mark.parametrize(
    "name", ["sha256", "sha256-60", "posthog", "growthbook-v1", "flagd-v3", "flipt-boolean"]
)
def test_function_equals_scalar(name: str) -> None:
    scheme = SCHEMES[name]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE SCHEMA steelyard; CREATE TABLE t AS SELECT 'user_' || range AS u FROM range(50)"
        )
        connection.execute(udf_ddl(scheme, "duckdb", schema="steelyard"))
        call = call_sql("duckdb", "it's", "u", schema="steelyard")
        found = connection.execute(f"SELECT u, {call} FROM t").fetchall()
        assert found == [(unit, scheme.scalar("it's", unit)) for unit, _ in found]
        connection.execute(drop_ddl("duckdb", schema="steelyard"))
        with pytest.raises(duckdb.CatalogException):
            connection.execute(f"SELECT {call} FROM t")


def test_variant_sql_equals_python() -> None:
    cuts = cuts_of([3000, 3000])
    tree = variant_sql(bucket_sql(DEFAULT, "duckdb", "exp", "unit"), ["a", "it's"], cuts)
    with duckdb.connect() as connection:
        query = f"SELECT unit, {tree.sql('duckdb')} FROM (SELECT 'u' || range AS unit FROM range(200))"
        found = connection.execute(query).fetchall()
    names = {0: "a", 1: "it's", None: None}
    assert found == [(unit, names[variant_of(DEFAULT.scalar("exp", unit) or 0, cuts)]) for unit, _ in found]
    assert {name for _, name in found} == {"a", "it's", None}


def test_confidence_is_refused() -> None:
    with pytest.raises(CompileError, match="DuckDB has no SQL for Murmur3Wide"):
        bucket_sql(SCHEMES["confidence"], "duckdb", "s", "unit")
