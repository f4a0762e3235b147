import numpy as np
import pytest

from steelyard.stats.arrays import divide, optional, root


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.float64(1.5), 1.5),
        (np.float64("nan"), None),
        (np.array([[1.0, np.nan], [np.inf, -np.inf]]), [[1.0, None], [None, None]]),
        (np.array([True, False]), [True, False]),
        (np.array(["", "no_data"], dtype=object), ["", "no_data"]),
        (np.array([3], dtype=np.int64), [3]),
    ],
)
def test_optional_lets_neither_nan_nor_infinity_out(array: np.ndarray, expected: object) -> None:
    assert optional(array) == expected


def test_optional_returns_python_numbers() -> None:
    assert type(optional(np.float64(2.0))) is float
    assert {type(value) for value in optional(np.array([1.0, 2.0]))} == {float}


def test_divide_by_zero_is_nan_without_a_warning() -> None:
    assert np.isnan(divide([1.0, 0.0, np.nan, 1.0], [0.0, 0.0, 1.0, np.nan])).all()
    assert divide(3.0, 2.0) == 1.5


def test_root_of_a_negative_number_is_nan_without_a_warning() -> None:
    assert np.isnan(root([-1.0, np.nan])).all()
    assert root(4.0) == 2.0
