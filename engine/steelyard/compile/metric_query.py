"""A metric's query, read: its relation, unit key, time column and values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from steelyard.compile.aggregates import Value, take_apart, widen_floats
from steelyard.compile.canonical import CANONICAL, parse_query, text
from steelyard.compile.lift import lift_time
from steelyard.compile.metric_source import MetricSource
from steelyard.compile.safety import refuse_unsafe
from steelyard.compile.time_predicate import TimeColumn, has_bounds, split_time
from steelyard.errors import CompileError
from steelyard.spec.fields import closest

Shape = Literal["aggregate", "rows", "opaque"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetricQuery:
    """What the compiler knows of a metric's query.

    Attributes:
        source: The file it comes from.
        shape: ``aggregate``: taken apart; ``rows``: a value per event, for quantiles; ``opaque``: runs as written.
        tree: The whole query, as parsed.
        relation: FROM, JOINs and CTEs of the SELECT that holds the bounds, as a SELECT without anything else.
        unit: The unit's key, as an expression over the relation.
        time: The bounded column.
        conditions: The rest of the WHERE.
        values: One value, or numerator and denominator.
        value_names: Their names in the query.
        why_opaque: Why it could not be taken apart; '' if it was.
    """

    source: MetricSource
    shape: Shape
    tree: exp.Select
    relation: exp.Select
    unit: exp.Expr
    time: TimeColumn
    conditions: tuple[exp.Expr, ...]
    values: tuple[Value, ...]
    rows: exp.Expr | None
    value_names: tuple[str, ...]
    why_opaque: str = ""

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.source.name


def read_query(source: MetricSource, *, units: Mapping[str, str], dialect: str) -> MetricQuery:
    """Parse and take apart one metric.

    Args:
        source: The rendered metric.
        units: Key column of each unit of the project.
        dialect: The target's dialect, for metrics that name none.

    Raises:
        CompileError: Anything that is not a metric: see the messages.
    """
    where = source.where
    tree = parse_query(source.sql, dialect=source.config.dialect or dialect, where=where)
    refuse_unsafe(tree, where=where)
    if not isinstance(tree, exp.Select):
        raise CompileError(
            "a metric is one select, not a union", where=where, hint="put the union into a CTE"
        )
    tree = lift_time(tree, where=where)
    key = _key_column(source, units)
    columns = _columns(tree, source, key)
    unit = columns[0].unalias()
    reason = _why_opaque(tree)
    if not has_bounds(tree):
        raise CompileError(
            "there is no time predicate",
            where=where,
            hint="add where ts >= :start and ts < :end; the engine binds them for each unit",
        )
    if reason:
        return _opaque(source, tree, columns, reason)
    time, conditions = split_time(tree, where=where)
    is_rows = source.config.type == "quantile" and not _is_grouped(tree)
    if not is_rows:
        _check_group(tree, unit, key, where)
    values = () if is_rows else tuple(_value(tree, column, conditions, where) for column in columns[1:])
    return MetricQuery(
        source=source,
        shape="rows" if is_rows else "aggregate",
        tree=tree,
        relation=_relation(tree),
        unit=unit.copy(),
        time=time,
        conditions=tuple(conditions),
        values=values,
        rows=widen_floats(columns[1].unalias()) if is_rows else None,
        value_names=tuple(column.alias_or_name for column in columns[1:]),
    )


def _key_column(source: MetricSource, units: Mapping[str, str]) -> str:
    name = source.config.unit
    if name is None:
        if len(units) > 1:
            raise CompileError(
                "the project has several units, and the metric names none",
                where=source.where,
                hint=f"add unit={min(units)!r} to its config",
            )
        return next(iter(units.values()))
    if name not in units:
        raise CompileError(f"unknown unit {name!r}", where=source.where, hint=closest(name, units))
    return units[name]


def _columns(tree: exp.Select, source: MetricSource, key: str) -> list[exp.Expr]:
    """Return the select list, checked: the unit's key, then one value or two."""
    columns = list(tree.expressions)
    if any(column.is_star for column in columns):
        raise CompileError(
            "select * does not say what the value is", where=source.where, hint="name the columns"
        )
    names = [column.alias_or_name for column in columns]
    if not names or names[0].lower() != key.lower():
        raise CompileError(
            f"the first column is {names[0]!r}, not the unit's key {key!r}"
            if names
            else "there is no column",
            where=source.where,
            hint=f"select {key}, then the value",
        )
    wanted = ["numerator", "denominator"] if source.config.type == "ratio" else ["the value"]
    if len(columns) != 1 + len(wanted):
        raise CompileError(
            f"{len(columns) - 1} columns stand after the unit's key; a {source.config.type} metric has "
            f"{len(wanted)}: {' and '.join(wanted)}",
            where=source.where,
        )
    if source.config.type == "ratio":
        lowered = [name.lower() for name in names[1:]]
        if sorted(lowered) == ["denominator", "numerator"]:
            columns[1:] = sorted(columns[1:], key=lambda column: column.alias_or_name.lower() != "numerator")
        elif set(lowered) & {"numerator", "denominator"}:
            raise CompileError(
                f"the columns are named {names[1]!r} and {names[2]!r}",
                where=source.where,
                hint="name them numerator and denominator",
            )
    return columns


def _why_opaque(tree: exp.Select) -> str:
    """Return why a query cannot be taken apart, or ''."""
    if tree.args.get("qualify") is not None:
        return "it uses qualify"
    if tree.args.get("limit") is not None:
        return "it uses limit"
    if tree.find(exp.Window):
        return "it uses a window function"
    if any(call.find_ancestor(exp.AggFunc) for call in tree.find_all(exp.AggFunc)):
        return "it nests aggregates"
    where = tree.args.get("where")
    if where is None or not has_bounds(where) or _bounds_below(tree):
        return "its time predicate is not in the outer select"
    if any(select.find(exp.AggFunc) for select in tree.find_all(exp.Select) if select is not tree):
        return "it aggregates in a subquery"
    return ""


def _bounds_below(tree: exp.Select) -> bool:
    return any(has_bounds(select) for select in tree.find_all(exp.Select) if select is not tree)


def _is_grouped(tree: exp.Select) -> bool:
    return tree.args.get("group") is not None or any(column.find(exp.AggFunc) for column in tree.expressions)


def _check_group(tree: exp.Select, unit: exp.Expr, key: str, where: str) -> None:
    """Raise unless the query has one row per unit."""
    group = tree.args.get("group")
    if group is None:
        raise CompileError("there is no group by", where=where, hint=f"add group by {key}")
    if group.args.get("all"):
        return
    for item in group.expressions:
        target = item
        if isinstance(item, exp.Literal) and item.is_int:
            position = int(item.this)
            target = tree.expressions[position - 1].unalias() if position <= len(tree.expressions) else item
        is_alias = isinstance(target, exp.Column) and not target.table and target.name.lower() == key.lower()
        if not is_alias and text(target) != text(unit):
            raise CompileError(
                f"group by {text(target)} gives more than one row per unit",
                where=where,
                hint=f"group by {key}",
            )
    if not group.expressions:
        raise CompileError("group by names nothing", where=where, hint=f"group by {key}")


def _value(tree: exp.Select, column: exp.Expr, conditions: list[exp.Expr], where: str) -> Value:
    expression = column.unalias()
    having = tree.args.get("having")
    if having is not None:
        expression = exp.Case(ifs=[exp.If(this=having.this.copy(), true=expression.copy())])
    if expression.find(exp.AggFunc) is None:
        raise CompileError(
            f"the value {text(expression)!r} is not an aggregate",
            where=where,
            hint="write sum(…), count(*) or avg(…)",
        )
    return take_apart(expression, conditions, where=where)


def _relation(tree: exp.Select) -> exp.Select:
    """Return FROM, JOINs and CTEs alone."""
    relation = exp.Select()
    for part in ("with_", "from_", "joins", "laterals"):
        value = tree.args.get(part)
        if value:
            copied = [item.copy() for item in value] if isinstance(value, list) else value.copy()
            relation.set(part, copied)
    return relation


def _relation_of(scope: exp.Select, tree: exp.Select) -> exp.Select:
    """Return a subquery's relation with the CTEs of the whole query that come before it."""
    relation = _relation(scope)
    outer = tree.args.get("with_")
    if outer is not None and relation.args.get("with_") is None:
        before = []
        for cte in outer.expressions:
            if any(select is scope for select in cte.find_all(exp.Select)):
                break
            before.append(cte.copy())
        if before:
            relation.set("with_", exp.With(expressions=before))
    return relation


def _opaque(source: MetricSource, tree: exp.Select, columns: list[exp.Expr], reason: str) -> MetricQuery:
    bounded = _bounded_select(tree, source.where)
    time, conditions = split_time(bounded, where=source.where)
    return MetricQuery(
        source=source,
        shape="opaque",
        tree=tree,
        relation=_relation_of(bounded, tree),
        unit=columns[0].unalias().copy(),
        time=time,
        conditions=tuple(conditions),
        values=(),
        rows=None,
        value_names=tuple(column.alias_or_name for column in columns[1:]),
        why_opaque=reason,
    )


def _bounded_select(tree: exp.Select, where: str) -> exp.Select:
    """Return the one SELECT whose own WHERE holds the bounds."""
    found = list(_selects_with_bounds(tree))
    if len(found) != 1:
        raise CompileError(
            f"the bounds stand in {len(found)} subqueries" if found else "the bounds stand outside any where",
            where=where,
            hint="bound one time column, in one where",
        )
    return found[0]


def _selects_with_bounds(tree: exp.Select) -> Iterator[exp.Select]:
    for select in tree.find_all(exp.Select):
        condition = select.args.get("where")
        holders = [] if condition is None else list(condition.find_all(exp.Placeholder, exp.Parameter))
        if any(node.find_ancestor(exp.Select) is select for node in holders):
            yield select


def pretty_query(query: MetricQuery) -> str:
    """Return the normalised text of a query: white space, comments and the case of keywords do not count."""
    return query.tree.sql(CANONICAL, comments=False, pretty=True)
