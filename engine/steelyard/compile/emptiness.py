"""What a unit without rows is worth: the value of a metric's expression over nothing, and the default fill."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from steelyard.compile.aggregates import Value

Known = float | None


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A value that cannot be told without a warehouse."""


UNKNOWN: Final = _Unknown()

_ARITHMETIC: dict[type[exp.Expr], Callable[[float, float], float | None]] = {
    exp.Add: lambda left, right: left + right,
    exp.Sub: lambda left, right: left - right,
    exp.Mul: lambda left, right: left * right,
    exp.Div: lambda left, right: left / right if right else None,
    exp.GT: lambda left, right: float(left > right),
    exp.GTE: lambda left, right: float(left >= right),
    exp.LT: lambda left, right: float(left < right),
    exp.LTE: lambda left, right: float(left <= right),
    exp.EQ: lambda left, right: float(left == right),
    exp.NEQ: lambda left, right: float(left != right),
}


def value_without_rows(tree: exp.Expr) -> Known | _Unknown:
    """Return what a final expression gives where all partials are NULL (counts are coalesced to 0 in it).

    Examples:
        >>> from sqlglot import parse_one
        >>> value_without_rows(parse_one("coalesce(:p0, 0) / nullif(coalesce(:p1, 0), 0)")) is None
        True
        >>> value_without_rows(parse_one("coalesce(:p0, 0) + 5"))
        5.0
    """
    if isinstance(tree, exp.Paren | exp.Cast | exp.Alias):
        return value_without_rows(tree.this)
    if isinstance(tree, exp.Placeholder | exp.Null):
        return None
    if isinstance(tree, exp.Literal) and not tree.is_string:
        return float(tree.this)
    if isinstance(tree, exp.Neg):
        inner = value_without_rows(tree.this)
        return -inner if isinstance(inner, float) else inner
    if isinstance(tree, exp.Coalesce):
        return _first_known([tree.this, *tree.expressions])
    if isinstance(tree, exp.Nullif):
        return _nullif(value_without_rows(tree.this), value_without_rows(tree.expression))
    if type(tree) in _ARITHMETIC:
        return _combine(_ARITHMETIC[type(tree)], tree)
    return UNKNOWN


def is_additive(tree: exp.Expr) -> bool:
    """Return whether an expression adds, subtracts and multiplies sums and counts, and nothing else."""
    if isinstance(tree, exp.Paren | exp.Cast | exp.Alias | exp.Neg):
        return is_additive(tree.this)
    if isinstance(tree, exp.Coalesce):
        others = [value_without_rows(other) == 0.0 for other in tree.expressions]
        return is_additive(tree.this) and all(others)
    if isinstance(tree, exp.Add | exp.Sub | exp.Mul):
        return is_additive(tree.this) and is_additive(tree.expression)
    return isinstance(tree, exp.Placeholder) or (isinstance(tree, exp.Literal) and not tree.is_string)


def default_fill(value: Value, *, is_proportion: bool) -> float | None:
    """Return the fill of a metric that names none: 0 for sums, counts and proportions, otherwise None."""
    adds = all(partial.merge in ("add", "distinct") for partial in value.partials)
    return 0.0 if is_proportion or (adds and bool(value.partials) and is_additive(value.final)) else None


def needs_presence(value: Value, fill: float | None) -> bool:
    """Return whether a unit's rows must be counted, because the value over nothing is not the fill."""
    empty = value_without_rows(value.final)
    return not (empty is None or (fill is not None and empty == fill))


def _first_known(items: list[exp.Expr]) -> Known | _Unknown:
    for item in items:
        value = value_without_rows(item)
        if value is not None:
            return value
    return None


def _nullif(value: Known | _Unknown, other: Known | _Unknown) -> Known | _Unknown:
    if value is UNKNOWN or other is UNKNOWN:
        return UNKNOWN
    return None if value == other else value


def _combine(operation: Callable[[float, float], float | None], tree: exp.Expr) -> Known | _Unknown:
    left, right = value_without_rows(tree.this), value_without_rows(tree.expression)
    if isinstance(left, _Unknown) or isinstance(right, _Unknown):
        return UNKNOWN
    return None if left is None or right is None else operation(left, right)
