"""Exact shares of traffic: integers of 1/10,000, and the cuts that they make among buckets."""

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import accumulate

from steelyard.errors import SpecError

WHOLE = 10_000
"""Ten-thousandths in a whole."""


def ten_thousandths(share: int | float | str | Decimal) -> int:
    """A share of traffic as an exact integer of 1/10,000.

    Args:
        share: A fraction of one (``0.5``, ``"0.5"``, ``1``) or a percentage as text (``"50%"``).

    Returns:
        The share in 1/10,000, between 0 and 10,000.

    Raises:
        SpecError: The share is no number, lies outside [0, 1], or is finer than 1/10,000.

    Examples:
        >>> ten_thousandths(0.5), ten_thousandths("33.33%"), ten_thousandths("0.0001")
        (5000, 3333, 1)
    """
    text = str(share).strip()
    scale = 100 if text.endswith("%") else WHOLE
    try:
        if isinstance(share, bool):
            raise InvalidOperation
        parts = Decimal(text.removesuffix("%").strip()) * scale
    except InvalidOperation as error:
        raise SpecError(f"{share!r} is not a share", hint="write 0.5 or 50%") from error
    if not parts.is_finite() or not 0 <= parts <= WHOLE:
        raise SpecError(f"the share {share} lies outside 0 to 1", hint="write 0.5 or 50%")
    if parts != int(parts):
        raise SpecError(f"the share {share} is finer than 1/10,000", hint="round it to 0.01 %")
    return int(parts)


def cuts_of(shares: Sequence[int], buckets: int = WHOLE) -> tuple[int, ...]:
    """Where each variant's buckets end, in the order given.

    The variant ``i`` owns the buckets from ``cuts[i - 1]`` up to, and without, ``cuts[i]``. In a
    scheme whose bucket count is not 10,000 a bucket belongs to the share that its start lies in.

    Args:
        shares: The variants' shares in 1/10,000; together at most 10,000.
        buckets: The number of buckets of the scheme.

    Returns:
        One cut per share, ascending.

    Raises:
        SpecError: There is no share, one is no integer of 1/10,000, or together they exceed the whole.

    Examples:
        >>> cuts_of([5000, 3000])
        (5000, 8000)
        >>> cuts_of([3333, 3333, 3334], buckets=1000)
        (334, 667, 1000)
    """
    for share in shares:
        if isinstance(share, bool) or not isinstance(share, int) or not 0 <= share <= WHOLE:
            raise SpecError(
                f"a share must be an integer from 0 to 10,000, not {share!r}",
                hint="`ten_thousandths` turns 0.5 or '50%' into 5000",
            )
    if not shares or sum(shares) > WHOLE:
        raise SpecError(
            f"the shares add up to {sum(shares) / 100:g} %",
            hint="give at least one, and at most 100 % in total",
        )
    return tuple(-(-total * buckets // WHOLE) for total in accumulate(shares))


def variant_of(bucket: int, cuts: Sequence[int]) -> int | None:
    """The position of the variant that owns a bucket; None past the last cut.

    Raises:
        SpecError: The bucket is negative, so it is not one.

    Examples:
        >>> [variant_of(bucket, (5000, 8000)) for bucket in (0, 4999, 5000, 7999, 8000)]
        [0, 0, 1, 1, None]
    """
    if bucket < 0:
        raise SpecError(f"{bucket} is not a bucket")
    position = bisect_right(cuts, bucket)
    return position if position < len(cuts) else None
