"""Comparisons of versions as SQL.

Versions are taken apart by text functions alone, because a cast of what is no number is an error in some warehouses.
"""

from dataclasses import dataclass

from sqlglot import exp

from steelyard.targeting import Op
from steelyard.targeting.semver import PATTERN, version_key


@dataclass(frozen=True, slots=True)
class _Order:
    """Where a part of a column's version stands to that of a rule's."""

    below: exp.Expr
    equal: exp.Expr


def version_condition(op: Op, value: str, column: exp.Expr) -> exp.Expr:
    """Return the comparison of a column of text with a version; NULL or false where the column holds none.

    Args:
        op: How they are compared.
        value: The version.
        column: The column.
    """
    key = version_key(value)
    assert key is not None
    numbers, is_release, identifiers = key
    without_build = _part(column, "+", 1)
    core = _part(without_build, "-", 1)
    before_release = exp.Substring(
        this=without_build, start=exp.Add(this=exp.Length(this=core), expression=exp.Literal.number(2))
    )
    orders = [_number_order(_core_number(core, index), text) for index, (_, text) in enumerate(numbers, 1)]
    orders += _release_orders(before_release, is_release, [text for _, _, text in identifiers])
    found: exp.Expr
    if op is Op.VERSION_EQUALS:
        found = exp.and_(*(order.equal for order in orders))
    else:
        found = _below(orders, or_equal=op in (Op.VERSION_AT_MOST, Op.VERSION_ABOVE))
        if op in (Op.VERSION_ABOVE, Op.VERSION_AT_LEAST):
            found = exp.not_(found)
    return exp.and_(_matches(column, PATTERN), found)


def _part(text: exp.Expr, delimiter: str, index: int) -> exp.Expr:
    return exp.SplitPart(
        this=text.copy(), delimiter=exp.Literal.string(delimiter), part_index=exp.Literal.number(index)
    )


def _core_number(core: exp.Expr, index: int) -> exp.Expr:
    given = exp.Nullif(this=_part(core, ".", index), expression=exp.Literal.string(""))
    return exp.func("COALESCE", given, exp.Literal.string("0"))


def _number_order(number: exp.Expr, text: str) -> _Order:
    """Digits without leading zeros are in the order of their length, and then of their text."""
    value, length = exp.Literal.string(text), exp.Literal.number(len(text))
    is_shorter = exp.LT(this=exp.Length(this=number.copy()), expression=length)
    is_as_long = exp.Length(this=number.copy()).eq(length.copy())
    is_less = exp.LT(this=number.copy(), expression=value)
    return _Order(exp.or_(is_shorter, exp.and_(is_as_long, is_less)), number.eq(value.copy()))


def _release_orders(before_release: exp.Expr, is_release: bool, identifiers: list[str]) -> list[_Order]:
    is_column_release = before_release.eq("")
    if is_release:
        return [_Order(exp.not_(is_column_release), is_column_release.copy())]
    orders = [_Order(exp.false(), exp.not_(is_column_release))]
    for index, text in enumerate(identifiers, 1):
        orders.append(_identifier_order(_part(before_release, ".", index), text))
    return [*orders, _Order(exp.false(), _part(before_release, ".", len(identifiers) + 1).eq(""))]


def _identifier_order(identifier: exp.Expr, text: str) -> _Order:
    is_absent, is_number = identifier.eq(""), _matches(identifier, "[0-9]+")
    if text.isdigit():
        number = _number_order(identifier, text)
        return _Order(exp.or_(is_absent, exp.and_(is_number, number.below)), number.equal)
    is_less = exp.LT(this=identifier.copy(), expression=exp.Literal.string(text))
    return _Order(exp.or_(is_absent, is_number, is_less), identifier.eq(exp.Literal.string(text)))


def _below(orders: list[_Order], *, or_equal: bool) -> exp.Expr:
    """Whether the first part that differs is below; a part is looked at where all before it are equal."""
    last = orders[-1]
    below = exp.or_(last.below, last.equal) if or_equal else last.below
    for order in reversed(orders[:-1]):
        below = exp.or_(order.below, exp.and_(order.equal, below))
    return below


def _matches(column: exp.Expr, pattern: str) -> exp.Expr:
    return exp.RegexpFullMatch(this=column.copy(), expression=exp.Literal.string(pattern))
