"""Values that a column does not take."""

from datetime import UTC, date, datetime
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from steelyard.errors import WarehouseError
from steelyard.warehouse.bulk import to_arrays


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("double", nan, "a number is NaN or infinite"),
        ("double", inf, "a number is NaN or infinite"),
        ("double", np.float64(nan), "a number is NaN or infinite"),
        ("double", "1", "a str does not fit into a double"),
        ("double", True, "a bool does not fit into a double"),
        ("bigint", 1.0, "a float does not fit into a bigint"),
        ("bigint", 2**63, "a number is too large for a bigint"),
        ("double", 10**400, "a number is too large for a double"),
        ("boolean", 1, "a int does not fit into a boolean"),
        ("varchar", b"x", "a bytes does not fit into a varchar"),
        ("date", datetime(2026, 4, 1, tzinfo=UTC), "a moment does not fit into a date"),
        ("date", "2026-04-01", "a str does not fit into a date"),
        ("timestamptz", datetime(2026, 4, 1), "a moment has no time zone"),
        ("timestamptz", date(2026, 4, 1), "a date does not fit into a timestamptz"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_to_arrays_refuses(kind: str, value: Any, message: str) -> None:
    with pytest.raises(WarehouseError, match=rf"^table t, column x: {message}"):
        to_arrays({"x": kind}, [(None,), (value,)], where="table t")


def test_to_arrays_refuses_a_row_of_another_length() -> None:
    with pytest.raises(WarehouseError, match="t: a row has not 2 values, one for each column"):
        to_arrays({"a": "bigint", "b": "bigint"}, [(1, 2), (1,)], where="t")


def test_to_arrays_takes_numpy_scalars_and_whole_numbers_for_doubles() -> None:
    arrays = to_arrays({"x": "double", "n": "bigint"}, [(np.float64(1.5), np.int64(2)), (3, 4)], where="t")
    assert arrays["c0"].tolist() == [1.5, 3.0]
    assert arrays["c1"].tolist() == [2, 4]


def test_to_arrays_takes_a_column_of_nothing() -> None:
    arrays = to_arrays({"x": "double", "name": "varchar"}, [(None, None)], where="t")
    assert arrays["c0"].mask.tolist() == [True]  # type: ignore[attr-defined]
    assert arrays["c1"].tolist() == [None]
