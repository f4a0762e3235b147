"""Numbers, percentages and names."""

from fractions import Fraction
from typing import Any

import pytest

from steelyard.errors import SpecError
from steelyard.spec.fields import (
    closest,
    parse_column_name,
    parse_file_name,
    parse_fraction,
    parse_label,
    parse_level,
    parse_number,
    parse_relative,
    shown,
)


@pytest.mark.parametrize(
    ("value", "exact"),
    [(33.3, Fraction(333, 10)), ("0.1", Fraction(1, 10)), (7, Fraction(7)), (1e-5, Fraction(1, 100_000))],
    ids=str,
)
def test_a_number_is_exactly_what_was_written(value: Any, exact: Fraction) -> None:
    assert parse_fraction(value) == exact


@pytest.mark.parametrize(
    "value", [True, None, "x", "", float("nan"), float("inf"), "nan", "1e999", [1], "1_000", 10**400], ids=str
)
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(SpecError, match="is not a number"):
        parse_number(value)


@pytest.mark.parametrize(
    ("value", "size"), [("1%", 0.01), (0.01, 0.01), ("0.01", 0.01), ("150%", 1.5), ("0.5 %", 0.005)], ids=str
)
def test_percent_texts_and_shares_mean_the_same_relative_size(value: Any, size: float) -> None:
    assert parse_relative(value) == size


@pytest.mark.parametrize("value", [1, 2, 1.0, "2"], ids=repr)
def test_a_plain_number_from_one_on_is_ambiguous_as_a_relative_size(value: Any) -> None:
    with pytest.raises(SpecError, match=r"could mean [12]% or [12]00%") as caught:
        parse_relative(value)
    assert caught.value.hint in ("write '1%' or 0.01", "write '2%' or 0.02")


@pytest.mark.parametrize("value", [0, -0.01, "-1%", "0%"], ids=repr)
def test_a_relative_size_is_above_zero(value: Any) -> None:
    with pytest.raises(SpecError, match="is not above 0"):
        parse_relative(value)


def test_a_percentage_that_no_number_holds_is_refused() -> None:
    with pytest.raises(SpecError, match="'1e400' is not a number"):
        parse_relative("1e400%")


def test_a_level_is_a_share_or_a_percentage() -> None:
    assert parse_level(0.05) == parse_level("5%") == 0.05


@pytest.mark.parametrize("value", [0, 1, -1, "100%", 250], ids=repr)
def test_a_level_outside_zero_to_one_is_refused(value: Any) -> None:
    with pytest.raises(SpecError, match="is not between 0 and 1"):
        parse_level(value)


def test_a_level_that_looks_like_a_percentage_gets_both_spellings_as_hint() -> None:
    with pytest.raises(SpecError) as caught:
        parse_level(5)
    assert caught.value.hint == "write '5%' or 0.05"


def test_closest_ignores_case_and_lists_short_lists() -> None:
    assert closest("CheckoutRate", ["checkoutrate", "other"]) == "did you mean 'checkoutrate'?"
    assert closest("zzz", ["b", "a"]) == "one of a, b"
    assert closest("zzz", ["alpha"]) == "there is only 'alpha'"
    assert closest("zzz", []) == ""
    assert closest("zzz", [f"name{i}" for i in range(20)]).startswith("one of name0, name1,")
    assert closest("zzz", [f"name{i}" for i in range(21)]) == ""


@pytest.mark.parametrize("value", ["a b", "1a", "a-b", "", "a;drop", "é", "a" * 101, "a\n"], ids=repr)
def test_an_unsafe_column_name_is_refused(value: str) -> None:
    with pytest.raises(SpecError, match="is not a safe name"):
        parse_column_name(value)


@pytest.mark.parametrize("value", ["a b", "a:b", "a/b", "..", "-a", "", "ü", "a\n"], ids=repr)
def test_an_unsafe_file_name_is_refused(value: str) -> None:
    with pytest.raises(SpecError, match="is not a safe name"):
        parse_file_name(value)


def test_a_name_that_is_not_text_is_refused() -> None:
    with pytest.raises(SpecError, match="5 is not a name") as caught:
        parse_file_name(5)
    assert caught.value.hint == "put it in quotes"


def test_a_label_may_hold_blanks_and_unicode() -> None:
    assert parse_label("No E-Mail ✉") == "No E-Mail ✉"


@pytest.mark.parametrize("value", ["", " a", "a\nb", "a\u200b"], ids=repr)
def test_a_label_that_cannot_be_read_is_refused(value: str) -> None:
    with pytest.raises(SpecError, match="is empty, has blanks around it, or holds unprintable characters"):
        parse_label(value)


def test_a_label_that_is_not_text_is_refused() -> None:
    with pytest.raises(SpecError, match="1 is not text"):
        parse_label(1)


def test_values_are_shown_as_files_write_them() -> None:
    assert [shown(v) for v in (None, True, {}, [], "a")] == ["nothing", "true", "a mapping", "a list", "'a'"]
    assert len(shown("x" * 500)) == 80
