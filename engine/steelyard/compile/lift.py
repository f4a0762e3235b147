"""A time predicate inside a plain subquery, lifted to the outer select, so that the metric can share its scan."""

from collections.abc import Callable

from sqlglot import exp

from steelyard.compile.time_predicate import has_bounds, split_time

LIFTED = "sy_event_time"
_PLAIN = ("group", "having", "distinct", "limit", "offset", "qualify", "windows", "with_")


def lift_time(tree: exp.Select, *, where: str) -> exp.Select:
    """Return a query whose outer select holds the time predicate, where that changes nothing.

    A subquery or CTE that only filters and projects gives the same rows whether they are bounded inside or outside.

    Args:
        tree: A query.
        where: Place for messages.

    Returns:
        The query as it was, where the predicate is outside already or cannot be lifted.
    """
    condition = tree.args.get("where")
    if not has_bounds(tree) or (condition is not None and has_bounds(condition)):
        return tree
    lifted = tree.copy()
    found = [
        (select, name) for select, name in _sources(lifted) if _is_plain(select) and _bounds_in_where(select)
    ]
    if len(found) != 1:
        return tree
    select, name = found[0]
    time, rest = split_time(select, where=where)
    bounds = [part for part in _conjuncts(select) if has_bounds(part)]
    select.set("where", exp.Where(this=exp.and_(*(part.copy() for part in rest))) if rest else None)
    select.append("expressions", exp.alias_(time.tree.copy(), LIFTED))
    outside = exp.column(LIFTED, table=name)
    moved = [part.copy().transform(_replacing(time.tree, outside)) for part in bounds]
    if any(has_bounds(one) for one in lifted.find_all(exp.Select) if one is not lifted):
        return tree
    return lifted.where(*moved, copy=False)


def _sources(tree: exp.Select) -> list[tuple[exp.Select, str]]:
    """Return the subqueries and the CTEs used once that the outer select reads, with the names it knows them by."""
    tables = [tree.args["from_"].this] if tree.args.get("from_") else []
    tables += [join.this for join in tree.args.get("joins") or []]
    outer = tree.args.get("with_")
    ctes = {cte.alias: cte.this for cte in outer.expressions} if outer is not None else {}
    uses = [table.name for table in tree.find_all(exp.Table)]
    found = []
    for table in tables:
        if isinstance(table, exp.Subquery) and isinstance(table.this, exp.Select) and table.alias:
            found.append((table.this, table.alias))
        elif (
            isinstance(table, exp.Table)
            and uses.count(table.name) == 1
            and isinstance(ctes.get(table.name), exp.Select)
        ):
            found.append((ctes[table.name], table.alias_or_name))
    return found


def _is_plain(select: exp.Select) -> bool:
    return not any(select.args.get(part) for part in _PLAIN) and select.find(exp.AggFunc, exp.Window) is None


def _bounds_in_where(select: exp.Select) -> bool:
    condition = select.args.get("where")
    return condition is not None and has_bounds(condition)


def _conjuncts(select: exp.Select) -> list[exp.Expr]:
    condition = select.args["where"].this
    parts = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
    return [part.unnest() for part in parts]


def _replacing(old: exp.Expr, new: exp.Expr) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: new.copy() if node == old else node
