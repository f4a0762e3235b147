"""Shares of variants, exactly."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.errors import SpecError
from steelyard.spec.allocation import TEN_THOUSANDTHS, parse_allocations


@pytest.mark.parametrize(
    ("written", "shares"),
    [
        (["50%", "50%"], (5000, 5000)),
        ([0.5, 0.5], (5000, 5000)),
        ([50, 50], (5000, 5000)),
        (["50", "50"], (5000, 5000)),
        ([33.3, 33.3, 33.4], (3330, 3330, 3340)),
        (["33.3%", "33.3%", "33.4%"], (3330, 3330, 3340)),
        (["1/3", " 1 / 3 ", "1/3"], (3334, 3333, 3333)),
        ([None, None, None], (3334, 3333, 3333)),
        (["50%", 0.25, "1/4"], (5000, 2500, 2500)),
        ([1, 99], (100, 9900)),
        ([0.1, 0.2, 0.7], (1000, 2000, 7000)),
        (["66.666%", "33.334%"], (6667, 3333)),
    ],
    ids=str,
)
def test_shares_are_exact_ten_thousandths(written: list[Any], shares: tuple[int, ...]) -> None:
    assert parse_allocations(written) == shares


@pytest.mark.parametrize(
    ("written", "total", "hint"),
    [
        (["50%", "40%"], "90%, not 100%", ""),
        ([33.3, 33.3, 33.3], "99.9, which is neither 1 nor 100", "write '1/3' for each"),
        ([0.3, 0.3], "0.6, not 1", "write '1/2' for each"),
        ([50, 51], "101, which is neither 1 nor 100", ""),
        (["50%", 50], "50.5, which is neither 1 nor 100", ""),
        (["33.333%"] * 3, "99.999%, not 100%", "write '1/3' for each"),
        ([1, 1], "2, which is neither 1 nor 100", "write '1/2' for each"),
    ],
    ids=str,
)
def test_a_wrong_total_is_refused_and_named(written: list[Any], total: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_allocations(written)
    assert caught.value.args[0] == f"the allocations add up to {total}"
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (["50%", None], "some variants have an allocation and some have none"),
        ([100, 0], "the allocation 0 is not above 0"),
        (["150%", "-50%"], "the allocation '-50%' is not above 0"),
        (["1/0", "1/2"], "'1/0' is not a share"),
        (["half", "half"], "'half' is not a number"),
        ([True, True], "true is not a number"),
        (["99.9999%", "0.0001%"], r"an allocation is below 0\.01%"),
    ],
    ids=str,
)
def test_what_is_no_share_is_refused(written: list[Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_allocations(written)


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=12))
def test_any_weights_that_add_up_to_one_give_all_ten_thousandths(weights: list[int]) -> None:
    total = sum(weights)
    shares = parse_allocations([f"{weight}/{total}" for weight in weights])
    assert sum(shares) == TEN_THOUSANDTHS
    assert all(abs(s - TEN_THOUSANDTHS * w / total) < 1 for s, w in zip(shares, weights, strict=True))
