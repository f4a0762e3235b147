"""The self-test's data are right, and the self-test finds a warehouse that is wrong."""

import hashlib

import duckdb
import pytest
import sqlglot

from steelyard.errors import WarehouseError
from steelyard.hashing.conformance import GOLDEN, SALT, check_buckets
from steelyard.hashing.sql import DIALECTS, conformance_sql

SHA256 = {position: golden.sha256 for position, golden in enumerate(GOLDEN)}


def test_known_buckets_are_the_formula_as_written() -> None:
    assert len(GOLDEN) >= 100
    assert len({golden.unit for golden in GOLDEN}) == len(GOLDEN)
    for golden in GOLDEN:
        digest = hashlib.sha256(f"{SALT}:{golden.unit}".encode()).hexdigest()
        assert (golden.sha256, golden.sha256_60) == (int(digest, 16) % 10_000, int(digest[:15], 16) % 10_000)


def test_duckdb_conforms() -> None:
    with duckdb.connect() as connection:
        rows = connection.execute(conformance_sql("duckdb")).fetchall()
    check_buckets("sha256", {position: bucket for position, bucket, _ in rows})
    check_buckets("sha256-60", {position: bucket for position, _, bucket in rows})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_query_parses_in_its_dialect(dialect: str) -> None:
    assert sqlglot.parse_one(conformance_sql(dialect), read=dialect).named_selects == [
        "position",
        "sha256",
        "sha256_60",
    ]


@pytest.mark.parametrize("found", [None, 1, 10_000])
def test_one_wrong_bucket_is_reported_with_its_unit(found: int | None) -> None:
    message = f"hash scheme sha256: 1 of {len(GOLDEN)} buckets differ: unit 'user_2' is in {found}, not "
    with pytest.raises(WarehouseError, match=message):
        check_buckets("sha256", {**SHA256, 1: found})


def test_missing_rows_are_reported() -> None:
    with pytest.raises(WarehouseError, match=f"{len(GOLDEN)} of {len(GOLDEN)} buckets differ"):
        check_buckets("sha256-60", {})
