"""The value of a unit as SQL: final expression over a scan's columns, caps, fill."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

from steelyard.compile.aggregates import Value
from steelyard.compile.measure import Measure
from steelyard.compile.scan import Scan

# From the name of a scan's column to the tree that reads it.
Read = Callable[[str], exp.Expr]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Limits on one value; trees, because a percentile differs by experiment.

    Attributes:
        lower: Lower limit.
        upper: Upper limit.
    """

    lower: exp.Expr | None = None
    upper: exp.Expr | None = None


def measured(scan: Scan, measure: Measure, index: int, read: Read) -> exp.Expr:
    """Return one value of a measure as DOUBLE: NULL where the unit has no rows, or where it is not finite.

    Args:
        scan: The scan that gives it.
        measure: The measure.
        index: 0, or 1 for a ratio's denominator.
        read: How the scan's columns are read.
    """
    if scan.kind == "opaque":
        return finite(as_double(read(f"v{index + 1}")))
    names = scan.columns[(measure.name, index)]
    by_placeholder = {f"p{number}": read(name) for number, name in enumerate(names)}

    def fill(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder):
            return by_placeholder[str(node.this)].copy()
        return node

    final = measure.query.values[index].final.transform(fill)
    value = as_double(final)
    if not _is_sum(measure.query.values[index]) and not _is_truth(final):
        value = finite(value)
    if measure.presence:
        has_rows = exp.GT(this=read(scan.presence[measure.name]), expression=exp.Literal.number(0))
        value = exp.Case(ifs=[exp.If(this=has_rows, true=value)])
    return value


def capped(value: exp.Expr, caps: Caps) -> exp.Expr:
    """Return a value within limits; NULL stays NULL, which LEAST and GREATEST do not promise everywhere."""
    ifs = []
    if caps.upper is not None:
        ifs.append(
            exp.If(this=exp.GT(this=value.copy(), expression=caps.upper.copy()), true=caps.upper.copy())
        )
    if caps.lower is not None:
        ifs.append(
            exp.If(this=exp.LT(this=value.copy(), expression=caps.lower.copy()), true=caps.lower.copy())
        )
    return exp.Case(ifs=ifs, default=value) if ifs else value


def filled(value: exp.Expr, fill: float | None) -> exp.Expr:
    """Return a value, or the fill where it is NULL."""
    return value if fill is None else exp.Coalesce(this=value, expressions=[number(fill)])


def as_double(tree: exp.Expr) -> exp.Expr:
    """Return a number or a truth value as DOUBLE."""
    if _is_truth(tree):
        return exp.Case(
            ifs=[
                exp.If(this=tree.copy(), true=number(1.0)),
                exp.If(this=exp.Not(this=exp.paren(tree.copy())), true=number(0.0)),
            ]
        )
    return exp.cast(tree, exp.DType.DOUBLE)


def finite(tree: exp.Expr) -> exp.Expr:
    """Return a number, NULL where it is NaN or infinite."""
    return exp.Case(ifs=[exp.If(this=exp.func("isfinite", tree.copy()), true=tree.copy())])


def number(value: float) -> exp.Expr:
    """Return a DOUBLE literal."""
    literal: exp.Expr = exp.Literal.number(repr(abs(float(value))))
    return exp.cast(exp.Neg(this=literal) if value < 0 else literal, exp.DType.DOUBLE, copy=False)


def column(name: str, table: str = "") -> exp.Column:
    """Return a quoted column."""
    return exp.column(exp.to_identifier(name, quoted=False), table=table or None)


def output(projection: exp.Expr, table: str = "") -> exp.Column:
    """Return the column that a projection is read as; one that was written in quotes keeps them, and so its case.

    Examples:
        >>> import sqlglot
        >>> [output(one, "w").sql() for one in sqlglot.parse_one('select "UserId", t.x, sum(y) as "V" from t').selects]
        ['w."UserId"', 'w.x', 'w."V"']
    """
    name = projection.args.get("alias") if isinstance(projection, exp.Alias) else projection.this
    if not isinstance(name, exp.Identifier):
        return column(projection.alias_or_name, table)
    return exp.column(name.copy(), table=table or None)


def reader(table: str) -> Read:
    """Return a `Read` from one table."""
    return lambda name: column(name, table)


def fill_constants(measure: Measure, caps: Sequence[Mapping[str, float]]) -> tuple[float | None, ...]:
    """Return the fills with each value's caps applied, the values that units without rows count with."""
    fills: list[float | None] = []
    for fill, limits in zip(measure.fills, caps, strict=True):
        if fill is None:
            fills.append(None)
            continue
        bounded = min(fill, limits.get("upper", fill))
        fills.append(max(bounded, limits.get("lower", bounded)))
    return tuple(fills)


def _is_truth(tree: exp.Expr) -> bool:
    return annotate_types(tree.copy()).is_type(exp.DType.BOOLEAN)


def _is_sum(value: Value) -> bool:
    """Return whether a value is a bare sum or count, finite because its rows are."""
    final = value.final.this if isinstance(value.final, exp.Coalesce) else value.final
    return isinstance(final, exp.Placeholder) and value.partials[0].merge in ("add", "distinct")
