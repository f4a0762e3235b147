"""Array types of this package, and the way out of it."""

from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
TextArray = npt.NDArray[np.object_]
ArrayLike = npt.ArrayLike
Alternative = Literal["two-sided", "greater", "less"]


def as_floats(values: ArrayLike) -> FloatArray:
    """Return the values as a float64 array; None becomes NaN."""
    return np.asarray(values, dtype=np.float64)


def optional(array: npt.ArrayLike) -> Any:
    """Turn an array into Python numbers, with None where there is no number.

    Inside `steelyard.stats` a missing number is NaN, and a reason stands beside it. This is the border:
    neither NaN nor infinity passes it.

    Args:
        array: Any shape, floats, integers, booleans or text.

    Returns:
        A float, int, bool, str or None for a single value; nested lists of them otherwise.

    References:
        JSON (RFC 8259) and SQL know no NaN; both know null.

    Examples:
        >>> optional(np.array([1.5, np.nan, np.inf]))
        [1.5, None, None]
        >>> optional(np.float64(2))
        2.0
    """
    values = np.asarray(array)
    if values.dtype.kind != "f":
        return values.tolist()
    numbers = values.astype(object)
    numbers[~np.isfinite(values)] = None
    return numbers.tolist()


def divide(numerator: ArrayLike, denominator: ArrayLike) -> FloatArray:
    """Divide, giving NaN without a warning where the result is not a finite number."""
    top, bottom = np.broadcast_arrays(as_floats(numerator), as_floats(denominator))
    valid = (bottom != 0) & ~np.isnan(bottom)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=valid)
    return np.where(np.isfinite(ratio), ratio, np.nan)


def root(values: ArrayLike) -> FloatArray:
    """Square root, NaN without a warning where a value is negative or NaN."""
    array = as_floats(values)
    return cast(FloatArray, np.sqrt(array, out=np.full(array.shape, np.nan), where=array >= 0))
