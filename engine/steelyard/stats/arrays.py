"""Array types of this package, and the way out of it."""

from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from steelyard.errors import StatisticsError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
TextArray = npt.NDArray[np.object_]
ArrayLike = npt.ArrayLike
Alternative = Literal["two-sided", "greater", "less"]


def as_floats(values: ArrayLike) -> FloatArray:
    """Return the values as a float64 array; None becomes NaN.

    Raises:
        StatisticsError: They are no numbers, or rows of several lengths.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatisticsError(
            "the values are no numbers, or stand in rows of several lengths",
            hint="give numbers, None where one is missing, and as many in each row",
        ) from error


def together(*values: ArrayLike) -> tuple[FloatArray, ...]:
    """Return values as float64 arrays of one shape, that of all of them together.

    Raises:
        StatisticsError: They have no such shape.
    """
    arrays = [as_floats(one) for one in values]
    try:
        return tuple(np.broadcast_arrays(*arrays))
    except ValueError as error:
        shapes = " and ".join(str(shape) for shape in dict.fromkeys(one.shape for one in arrays))
        raise StatisticsError(
            f"values of shapes {shapes} do not go together",
            hint="give as many of each, or one for all; the last axes are matched first",
        ) from error


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
    top, bottom = together(numerator, denominator)
    valid = (bottom != 0) & ~np.isnan(bottom)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=valid)
    return np.where(np.isfinite(ratio), ratio, np.nan)


def root(values: ArrayLike) -> FloatArray:
    """Square root, NaN without a warning where a value is negative or NaN."""
    array = as_floats(values)
    return cast(FloatArray, np.sqrt(array, out=np.full(array.shape, np.nan), where=array >= 0))
