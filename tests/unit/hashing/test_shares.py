"""Shares are exact integers, and cuts put every bucket where its start lies."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.errors import SpecError
from steelyard.hashing import cuts_of, ten_thousandths, variant_of


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.5, 5000),
        ("50%", 5000),
        ("0.5", 5000),
        (1, 10_000),
        (0, 0),
        (0.3333, 3333),
        (Decimal("0.07"), 700),
        (" 5 % ", 500),
    ],
    ids=repr,
)
def test_share_is_exact(share: float, expected: int) -> None:
    assert ten_thousandths(share) == expected


@given(st.integers(0, 10_000))
def test_every_float_of_four_decimals_is_exact(parts: int) -> None:
    assert ten_thousandths(parts / 10_000) == parts


@pytest.mark.parametrize("share", [1 / 3, "0.00005", "33.333%"], ids=repr)
def test_share_finer_than_a_bucket_is_refused(share: float) -> None:
    with pytest.raises(SpecError, match="is finer than 1/10,000"):
        ten_thousandths(share)


@pytest.mark.parametrize("share", [50, -0.1, "101%", float("nan"), float("inf")], ids=repr)
def test_share_outside_the_whole_is_refused(share: float) -> None:
    with pytest.raises(SpecError, match="lies outside 0 to 1"):
        ten_thousandths(share)


@pytest.mark.parametrize("share", ["half", "", True, None], ids=repr)
def test_share_that_is_no_number_is_refused(share: float) -> None:
    with pytest.raises(SpecError, match="is not a share"):
        ten_thousandths(share)


@given(
    shares=st.lists(st.integers(0, 2500), min_size=1, max_size=4),
    buckets=st.integers(1, 30_000),
    place=st.floats(0, 1, exclude_max=True),
)
def test_variant_owns_the_share_in_which_its_bucket_starts(
    shares: list[int], buckets: int, place: float
) -> None:
    bucket = int(place * buckets)
    start, total, owner = Fraction(bucket, buckets), Fraction(0), None
    for position, share in enumerate(shares):
        if owner is None and total <= start < total + Fraction(share, 10_000):
            owner = position
        total += Fraction(share, 10_000)
    assert variant_of(bucket, cuts_of(shares, buckets)) == owner


@pytest.mark.parametrize("share", [0.5, True, -1, 10_001, "5"], ids=repr)
def test_cut_of_a_share_that_is_no_integer_of_the_whole_is_refused(share: int) -> None:
    with pytest.raises(SpecError, match="a share must be an integer from 0 to 10,000"):
        cuts_of([share])


@pytest.mark.parametrize("shares", [[], [5000, 5001]], ids=repr)
def test_shares_beyond_the_whole_are_refused(shares: list[int]) -> None:
    with pytest.raises(SpecError, match="the shares add up to"):
        cuts_of(shares)


def test_negative_bucket_is_refused() -> None:
    with pytest.raises(SpecError, match="-1 is not a bucket"):
        variant_of(-1, (5000, 10_000))
