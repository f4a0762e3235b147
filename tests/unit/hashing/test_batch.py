"""A batch is the scalar, unit by unit."""

import re

import numpy as np
import pyarrow as pa
import pytest

from steelyard.errors import SpecError
from steelyard.hashing import DEFAULT, SCHEMES, Scheme
from steelyard.hashing.batch import batch
from steelyard.hashing.columns import PIECE

EVERY = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
CHARACTERS = list("aZ09_-:' \\\"%\n\té你😀𝒳\u200b\u0301\xa0\0")
EDGES = ["x" * 22, "x" * 23, "x" * 24, "x" * 255, "x" * 256, "é" * 200, "\uffff\U00010000\U0010ffff"]


def mixed_ids(n: int) -> list[str]:
    """Hexadecimal, numeric and unicode ids, and a few long ones."""
    rng = np.random.default_rng(0)
    hexadecimal = [rng.bytes(16).hex() for _ in range(n // 3)]
    numeric = [str(number) for number in rng.integers(0, 10**12, n // 3)]
    lengths = rng.integers(1, 40, n - 2 * (n // 3) - len(EDGES))
    texts = ["".join(CHARACTERS[k] for k in rng.integers(0, len(CHARACTERS), length)) for length in lengths]
    return [*hexadecimal, *numeric, *texts, *EDGES]


IDS = mixed_ids(1500)


def salt_of(scheme: Scheme) -> str:
    return "467569525" if scheme.seed_of and scheme.name.startswith("split") else "exp_é"


@EVERY
@pytest.mark.parametrize("buckets", [None, 7, 1_000_003])
def test_batch_equals_scalar(scheme: Scheme, buckets: int | None) -> None:
    if buckets and scheme.fixed:
        pytest.skip("the scheme has one number of buckets")
    bucket = scheme.bucketer(salt_of(scheme), buckets)
    expected = [bucket(unit) for unit in IDS]
    assert batch(scheme, salt_of(scheme), IDS, buckets).tolist() == expected
    assert batch(scheme, salt_of(scheme), pa.array(IDS), buckets).to_pylist() == expected


@pytest.mark.parametrize("name", ["sha256", "flagd", "flagd-v3", "growthbook-v2"])
def test_long_units_equal_scalar(name: str) -> None:
    ids = ["x" * 66_000, "é" * 129, "y"]
    assert batch(SCHEMES[name], "e", ids).tolist() == [SCHEMES[name].scalar("e", unit) for unit in ids]


@pytest.mark.slow
@EVERY
def test_batch_equals_scalar_on_100_000_mixed_ids(scheme: Scheme) -> None:
    ids = mixed_ids(100_000)
    bucket = scheme.bucketer(salt_of(scheme))
    assert batch(scheme, salt_of(scheme), pa.array(ids)).to_pylist() == [bucket(unit) for unit in ids]


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
@pytest.mark.parametrize("units", [["a", None, "", "b"], ["", "a"], [None, "a"]], ids=repr)
def test_arrow_text_of_every_kind_gives_null_where_there_is_no_unit(
    kind: pa.DataType, units: list[str | None]
) -> None:
    column = pa.array(units).cast(kind)
    result = batch(DEFAULT, "exp", column)
    assert result.type == pa.int64()
    assert result.to_pylist() == [DEFAULT.scalar("exp", unit) for unit in units]


def test_integer_columns_hash_as_text() -> None:
    expected = [DEFAULT.scalar("exp", unit) for unit in ("3", "-4")]
    assert batch(DEFAULT, "exp", pa.array([3, -4], pa.int16())).to_pylist() == expected
    assert batch(DEFAULT, "exp", np.array([3, -4])).tolist() == expected
    assert batch(DEFAULT, "exp", np.array(["3", "-4"])).tolist() == expected
    assert batch(DEFAULT, "exp", (3, "-4")).tolist() == expected


def test_pieces_join_in_order() -> None:
    ids = [str(i) for i in range(PIECE + 5)]
    expected = [DEFAULT.scalar("exp", unit) for unit in ids]
    assert batch(DEFAULT, "exp", ids).tolist() == expected
    chunked = pa.chunked_array([ids[:3], [], ids[3:]])
    assert batch(DEFAULT, "exp", chunked).to_pylist() == expected


@EVERY
def test_empty_and_null_columns_give_no_bucket(scheme: Scheme) -> None:
    salt = salt_of(scheme)
    assert batch(scheme, salt, []).tolist() == []
    assert batch(scheme, salt, pa.array([], pa.string())).to_pylist() == []
    assert batch(scheme, salt, pa.array([None, None])).to_pylist() == [None, None]
    assert batch(scheme, salt, pa.array(["", None])).to_pylist() == [None, None]


@pytest.mark.parametrize("missing", ["", None], ids=repr)
def test_sequence_with_a_missing_unit_is_refused_with_its_row(missing: str | None) -> None:
    with pytest.raises(SpecError, match="row 2 has no unit"):
        batch(DEFAULT, "exp", ["a", "b", missing])


@pytest.mark.parametrize(
    "column", [[1.0], [True], np.array([1.5]), np.array([True]), [b"a"], ["a", 2.0]], ids=repr
)
def test_values_that_are_neither_text_nor_integer_are_refused(column: object) -> None:
    with pytest.raises(SpecError, match="a unit must be text or an integer"):
        batch(DEFAULT, "exp", column)


@pytest.mark.parametrize("kind", [pa.float64(), pa.bool_(), pa.binary(), pa.date32()], ids=str)
def test_arrow_column_that_is_neither_text_nor_integer_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(SpecError, match=f"units must be text or integers, not {re.escape(str(kind))}"):
        batch(DEFAULT, "exp", pa.nulls(2, kind))


def test_one_text_is_no_column() -> None:
    with pytest.raises(SpecError, match="must be an array or a sequence, not one text"):
        batch(DEFAULT, "exp", "user_1")


def test_half_a_surrogate_pair_in_a_column_is_refused() -> None:
    with pytest.raises(SpecError, match="is not valid unicode text"):
        batch(DEFAULT, "exp", ["a", "\udc00"])


def test_salt_and_bucket_count_are_checked() -> None:
    with pytest.raises(SpecError, match="is empty or holds"):
        batch(DEFAULT, "a:b", ["u"])
    with pytest.raises(SpecError, match="the number of buckets must be"):
        batch(DEFAULT, "a", ["u"], 0)
