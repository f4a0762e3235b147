"""The one predicate that bounds a metric's rows in time: ``:start`` and ``:end`` on one column."""

from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from steelyard.compile.canonical import text
from steelyard.errors import CompileError

STARTS = frozenset({"start", "start_date"})
ENDS = frozenset({"end", "end_date"})
TimeKind = Literal["date", "timestamp"]
_TURNED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GTE: exp.LTE,
    exp.GT: exp.LT,
    exp.LTE: exp.GTE,
    exp.LT: exp.GT,
}
_HINT = "write ts >= :start and ts < :end, or day between :start_date and :end_date"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeColumn:
    """What the predicate bounds.

    Attributes:
        tree: The column, or an expression over columns.
        kind: What the query says of it: a cast, or the names of the bounds.
        is_certain: Whether the query settles the kind; else the column's type decides once it is known.
    """

    tree: exp.Expr
    kind: TimeKind
    is_certain: bool


def bound_name(node: exp.Expr) -> str | None:
    """Return the name of a placeholder (``:x``, ``@x``, ``$x``), or None."""
    if isinstance(node, exp.Placeholder):
        return str(node.this)
    if isinstance(node, exp.Parameter):
        return node.name
    return None


def has_bounds(tree: exp.Expr) -> bool:
    """Return whether a tree holds a placeholder."""
    return any(bound_name(node) is not None for node in tree.find_all(exp.Placeholder, exp.Parameter))


def split_time(select: exp.Select, *, where: str) -> tuple[TimeColumn, list[exp.Expr]]:
    """Split a WHERE into its time predicate and the rest.

    Args:
        select: The SELECT whose WHERE names the bounds.
        where: Place for messages.

    Returns:
        The bounded column, and the other conditions.

    Raises:
        CompileError: A bound is missing, stands twice, or stands in a comparison that is no window.
    """
    condition = select.args.get("where")
    parts = list(condition.this.flatten()) if condition and isinstance(condition.this, exp.And) else []
    parts = parts or ([condition.this] if condition else [])
    parts = [part.unnest() for part in parts]
    bounding = [part for part in parts if has_bounds(part)]
    rest = [part for part in parts if not has_bounds(part)]
    bounds = [bound for part in bounding for bound in _bounds(part, where)]
    sides = sorted(side for side, _, _ in bounds)
    columns = {text(column) for _, column, _ in bounds}
    if len(columns) > 1:
        raise CompileError(
            f"the bounds stand on more than one column: {', '.join(sorted(columns))}",
            where=where,
            hint="bound one time column; join the other table on a key",
        )
    if sides != ["end", "start"]:
        missing = {"start", "end"} - set(sides)
        problem = f"there is no :{min(missing)}" if missing else "a bound stands twice"
        raise CompileError(f"{problem} in the time predicate", where=where, hint=_HINT)
    return _classify(bounds[0][1], {name for _, _, name in bounds}), rest


def _bounds(part: exp.Expr, where: str) -> list[tuple[str, exp.Expr, str]]:
    """Return (side, column, name of the bound) for one conjunct."""
    if isinstance(part, exp.Between):
        low, high = bound_name(part.args["low"]), bound_name(part.args["high"])
        if low in STARTS and high in ENDS:
            return [("start", part.this, low), ("end", part.this, high)]
    elif isinstance(part, exp.GTE | exp.GT | exp.LTE | exp.LT):
        column, bound = part.this, part.expression
        operator: type[exp.Expr] = type(part)
        if bound_name(column) is not None:
            column, bound = bound, column
            operator = _TURNED[operator]
        name = bound_name(bound)
        if name in STARTS and operator is exp.GTE:
            return [("start", column, name)]
        if name in ENDS and operator in (exp.LT, exp.LTE):
            return [("end", column, name)]
    unknown = [
        name
        for node in part.find_all(exp.Placeholder, exp.Parameter)
        if (name := bound_name(node)) not in STARTS | ENDS
    ]
    if unknown:
        raise CompileError(f"unknown placeholder ':{unknown[0]}'", where=where, hint=_HINT)
    raise CompileError(f"{text(part)!r} is not a window in time", where=where, hint=_HINT)


def _classify(column: exp.Expr, names: set[str]) -> TimeColumn:
    tree = column.unnest()
    if isinstance(tree, exp.Cast):
        kind: TimeKind = "date" if tree.to.is_type("date") else "timestamp"
        return TimeColumn(tree=tree, kind=kind, is_certain=True)
    if isinstance(tree, exp.Date | exp.TsOrDsToDate):
        return TimeColumn(tree=tree, kind="date", is_certain=True)
    return TimeColumn(
        tree=tree, kind="date" if names <= {"start_date", "end_date"} else "timestamp", is_certain=False
    )
