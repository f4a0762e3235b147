"""A metric's value taken apart: partial aggregates that merge, and one scalar expression over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from steelyard.compile.canonical import text
from steelyard.dialects.numbers import number_conditions
from steelyard.errors import CompileError

Merge = Literal["add", "min", "max", "distinct", "recompute"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partial:
    """One aggregate per unit and day.

    Attributes:
        merge: How the aggregates of two days become one: added, the smaller, the larger; ``distinct`` counts
            merge once each value is counted on its first day; the rest is computed from rows again.
        call: The aggregate with its argument; its condition is not in it.
        condition: Rows that take part; None for all.
        is_count: Whether it is a count: 0 without rows, and exact under subtraction.
        key: Text that two partials share exactly when they are the same aggregate.
    """

    merge: Merge
    call: exp.Expr
    condition: exp.Expr | None
    is_count: bool = False
    key: str = field(init=False)

    def __post_init__(self) -> None:
        condition = "" if self.condition is None else f" where {text(self.condition)}"
        object.__setattr__(self, "key", f"{self.merge} {text(self.call)}{condition}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Value:
    """One value per unit.

    Attributes:
        final: Scalar expression whose `exp.Placeholder` nodes ``p0, p1, …`` stand for the partials.
        partials: The partials, in the order of their numbers.
    """

    final: exp.Expr
    partials: tuple[Partial, ...]


def take_apart(tree: exp.Expr, conditions: Sequence[exp.Expr], *, where: str) -> Value:
    """Split an expression over aggregates.

    Args:
        tree: The value as the metric's SELECT has it.
        conditions: The metric's WHERE without its time predicate.
        where: Place for messages.

    Raises:
        CompileError: A column outside any aggregate.
    """
    shared = exp.and_(*map(widen_floats, conditions)) if conditions else None
    found: dict[str, tuple[int, Partial]] = {}

    def placeholder(partial: Partial) -> exp.Expr:
        number, _ = found.setdefault(partial.key, (len(found), partial))
        node: exp.Expr = exp.Placeholder(this=f"p{number}")
        return exp.Coalesce(this=node, expressions=[exp.Literal.number(0)]) if partial.is_count else node

    def replace(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Filter):
            inner = exp.and_(node.expression.this, *([shared] if shared else []))
            return _replace_call(node.this, inner, placeholder)
        if isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Filter):
            return _replace_call(node, shared, placeholder)
        return node

    final = widen_floats(tree).transform(replace)
    stray = final.find(exp.Column)
    if stray is not None:
        raise CompileError(
            f"the column {text(stray)} stands outside any aggregate",
            where=where,
            hint=f"write max({text(stray)})",
        )
    ordered = [partial for _, partial in sorted(found.values(), key=lambda item: item[0])]
    return Value(final=final, partials=tuple(ordered))


def _replace_call(
    node: exp.Expr, condition: exp.Expr | None, placeholder: Callable[[Partial], exp.Expr]
) -> exp.Expr:
    node = number_conditions(node.copy())
    argument = node.this
    if isinstance(node, exp.CountIf):
        both = exp.and_(argument, condition) if condition is not None else argument
        return placeholder(_count(exp.Star(), both))
    if isinstance(node, exp.Count):
        return placeholder(_classify_count(node, condition))
    if isinstance(node, exp.Distinct) or isinstance(argument, exp.Distinct):
        return placeholder(Partial(merge="recompute", call=node, condition=condition))
    if isinstance(node, exp.Sum):
        return placeholder(Partial(merge="add", call=exp.Sum(this=argument.copy()), condition=condition))
    if isinstance(node, exp.Avg):
        top = placeholder(Partial(merge="add", call=exp.Sum(this=argument.copy()), condition=condition))
        known = is_finite(argument)
        bottom = placeholder(_count(exp.Star(), exp.and_(condition, known) if condition else known))
        zero = exp.Literal.number(0)
        return exp.Paren(this=exp.Div(this=top, expression=exp.Nullif(this=bottom, expression=zero)))
    if isinstance(node, exp.Min | exp.Max):
        merge: Merge = "min" if isinstance(node, exp.Min) else "max"
        return placeholder(Partial(merge=merge, call=type(node)(this=argument.copy()), condition=condition))
    if isinstance(node, exp.LogicalOr | exp.LogicalAnd):
        return _replace_logical(node, condition, placeholder)
    return placeholder(Partial(merge="recompute", call=node.copy(), condition=condition))


def is_finite(tree: exp.Expr) -> exp.Expr:
    """Return the condition that a value is neither NaN nor infinite; truth values are numbers, too."""
    return exp.func("isfinite", exp.cast(tree.copy(), exp.DType.DOUBLE))


def _replace_logical(
    node: exp.Expr, condition: exp.Expr | None, placeholder: Callable[[Partial], exp.Expr]
) -> exp.Expr:
    """Return ``bool_or`` as ``max(case …) = 1`` and ``bool_and`` as ``min(case …) = 1``: every warehouse has those."""
    number = exp.Case(
        ifs=[
            exp.If(this=node.this.copy(), true=exp.Literal.number(1)),
            exp.If(this=exp.Not(this=exp.paren(node.this.copy())), true=exp.Literal.number(0)),
        ]
    )
    is_or = isinstance(node, exp.LogicalOr)
    call = (exp.Max if is_or else exp.Min)(this=number)
    partial = Partial(merge="max" if is_or else "min", call=call, condition=condition)
    return exp.Paren(this=exp.EQ(this=placeholder(partial), expression=exp.Literal.number(1)))


def _classify_count(node: exp.Count, condition: exp.Expr | None) -> Partial:
    argument = node.this
    if isinstance(argument, exp.Distinct):
        if len(argument.expressions) == 1:
            column = argument.expressions[0]
            return Partial(
                merge="distinct",
                call=exp.Count(this=exp.Distinct(expressions=[column.copy()])),
                condition=condition,
                is_count=True,
            )
        return Partial(merge="recompute", call=node.copy(), condition=condition, is_count=True)
    if argument is None or isinstance(argument, exp.Star | exp.Literal):
        return _count(exp.Star(), condition)
    return _count(argument, condition)


def _count(argument: exp.Expr, condition: exp.Expr | None) -> Partial:
    return Partial(merge="add", call=exp.Count(this=argument.copy()), condition=condition, is_count=True)


def widen_floats(tree: exp.Expr) -> exp.Expr:
    """Widen casts to a 32-bit float: FLOAT is 64 bits on some warehouses, and a metric must not depend on that."""

    def widen(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.DataType) and node.this == exp.DType.FLOAT:
            return exp.DataType.build("double")
        return node

    return tree.transform(widen)
