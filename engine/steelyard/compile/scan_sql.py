"""A scan as SQL: facts joined with exposed units, aggregated per unit and day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlglot import exp

from steelyard.compile.aggregates import is_finite
from steelyard.compile.canonical import text
from steelyard.compile.clock import Clock, date_literal, plus, timestamp_literal, zoned_literal
from steelyard.compile.exposure_sql import CELLS_PER_EXPERIMENT, UNITS_PER_CELL
from steelyard.compile.scan import Scan, ScanPartial
from steelyard.compile.time_predicate import TimeKind
from steelyard.compile.values import column
from steelyard.errors import CompileError

DAY = timedelta(days=1)
_EXPOSED, _FACTS = "exposed", "facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """When a fact counts for a partial: before or after the exposure.

    Attributes:
        name: ``before`` or ``after``.
        conditions: All of them.
        is_narrow: Whether they ask for more than the scan reads on that side.
    """

    name: str
    conditions: list[exp.Expr]
    is_narrow: bool


class ScanSql:
    """Builds the trees that the scan's template needs.

    Args:
        scan: The scan.
        clock: Zones, and the span of the run.
        time_kind: What the time column is, once its type is known.
        is_zoned: Whether it is a timestamp with zone.
        origin: The day before the first day of any experiment; days of the series are counted from it.
        open_until: End of measures without a window: a moment, or None where it differs by experiment.
    """

    def __init__(
        self,
        scan: Scan,
        *,
        clock: Clock,
        time_kind: TimeKind,
        is_zoned: bool,
        origin: date,
        open_until: datetime | None,
    ) -> None:
        self.scan, self.clock, self.origin, self.open_until = scan, clock, origin, open_until
        self.is_date, self.is_zoned = time_kind == "date", is_zoned
        self._names: dict[str, tuple[str, exp.Column]] = {}
        # In one order, so that every query of the scan gives them the same names.
        self._columns()
        _check_whole_days(scan, is_date=self.is_date)

    @property
    def exposed(self) -> exp.Expr:
        """The moment of exposure, or its day where the facts only know days."""
        return column("exposed_day" if self.is_date else "exposed_at", _EXPOSED)

    @property
    def event(self) -> exp.Expr:
        """The fact's moment or day."""
        return column("event_time", _FACTS)

    def context(self) -> dict[str, Any]:
        """Return the values of the template ``unit_day.sql``."""
        columns = [
            {"name": partial.name, "aggregate": self.aggregate(partial)} for partial in self.scan.partials
        ]
        return {**self.reach(), "columns": columns, "exposed": exp.to_table("exposed_units")}

    def unit_context(self) -> dict[str, Any]:
        """Return the values of the template ``unit_scan.sql``: each partial before and after the exposure."""
        columns = [
            {"name": f"{side.name}_{partial.name}", "aggregate": self._aggregate(partial, side.conditions)}
            for partial in self.scan.partials
            for side in self._sides(partial)
        ]
        return {**self.reach(), "columns": columns}

    def distinct_context(self) -> dict[str, Any]:
        """Return the values of the template ``unit_day_distinct.sql``."""
        (partial,) = self.scan.partials
        value = self._in_facts(partial.partial.call.this.expressions[0])
        parts: list[exp.Expr] = [exp.Not(this=exp.Is(this=value.copy(), expression=exp.null()))]
        if partial.partial.condition is not None:
            parts.append(self._in_facts(partial.partial.condition))
        narrower = self._narrower(partial)
        if narrower is not None:
            parts.append(narrower)
        return {
            **self.reach(),
            "name": partial.name,
            "value": value,
            "is_counted": exp.paren(exp.and_(*parts)),
        }

    def recompute_context(self) -> dict[str, Any]:
        """Return the values of the template ``unit_day_recompute.sql``, whose facts carry the exposure."""

        def relocate(node: exp.Expr) -> exp.Expr:
            return (
                column(node.name, _FACTS) if isinstance(node, exp.Column) and node.table == _EXPOSED else node
            )

        columns = [
            {"name": partial.name, "aggregate": self.aggregate(partial).transform(relocate)}
            for partial in self.scan.partials
        ]
        has_open_until = self.open_until is None and any(
            measure.end is None for measure in self.scan.outcomes
        )
        return {**self.reach(), "columns": columns, "has_open_until": has_open_until}

    def rows_context(self) -> dict[str, Any]:
        """Return the values of the template ``unit_rows.sql``."""
        rows = self.scan.query.rows
        assert rows is not None
        facts = self.facts().select(exp.alias_(rows.copy(), "value"), copy=False)
        for condition in self.scan.query.conditions:
            facts = facts.where(exp.paren(condition.copy()), copy=False)
        return {**self.reach(), "facts": facts}

    def values_read(self) -> list[tuple[exp.Expr, exp.Expr | None]]:
        """Return what is summed, or of which the smallest or largest is taken, and on which rows."""
        found: dict[str, tuple[exp.Expr, exp.Expr | None]] = {}
        for partial in (one.partial for one in self.scan.partials):
            if isinstance(partial.call, exp.Sum | exp.Min | exp.Max):
                condition = None if partial.condition is None else self._in_facts(partial.condition)
                found[partial.key.partition(" ")[2]] = self._in_facts(partial.call.this), condition
        if self.scan.kind == "rows":
            found["value"] = column("value", _FACTS), None
        return list(found.values())

    def reach(self) -> dict[str, Any]:
        """Return what every scan's template takes."""
        return {
            "day": self.day(),
            "in_reach": self.in_reach(),
            "facts": self.facts(),
        }

    def day(self) -> exp.Expr:
        """Return 0 before the exposure; after it 1, or the number of the day."""
        before = exp.LT(this=self.event, expression=self.exposed)
        after: exp.Expr = exp.Literal.number(1)
        if self.scan.grain == "day":
            after = exp.Sub(this=self.local_day(self.event), expression=date_literal(self.origin))
        if self.scan.lookback is None:
            return after
        return exp.Case(ifs=[exp.If(this=before, true=exp.Literal.number(0))], default=after)

    def local_day(self, event: exp.Expr) -> exp.Expr:
        """Return the day of a fact in the project's zone."""
        return event if self.is_date else self.clock.local_day(event)

    def in_reach(self) -> exp.Expr:
        """Return the condition that a fact is inside some measure's window or look-back."""
        lookback = self.scan.lookback
        first_start = min((measure.start for measure in self.scan.outcomes), default=None)
        conditions: list[exp.Expr] = []
        if lookback is not None:
            conditions.append(exp.GTE(this=self.event, expression=plus(self.exposed, -lookback)))
        elif first_start is not None:
            conditions.append(exp.GTE(this=self.event, expression=plus(self.exposed, first_start)))
        conditions += self._upper_bounds()
        conditions += [only_experiments(self.scan, _EXPOSED)] if self.scan.experiments else []
        return exp.and_(*conditions)

    def _upper_bounds(self) -> list[exp.Expr]:
        ends = {measure.end for measure in self.scan.outcomes}
        if not ends:
            return [exp.LT(this=self.event, expression=self.exposed)]
        closing = [plus(self.exposed, max(end for end in ends if end is not None))] if ends != {None} else []
        opening = [self._open_end()] if None in ends else []
        if opening and closing:
            either = exp.or_(*(exp.LT(this=self.event, expression=bound) for bound in opening + closing))
            return [exp.paren(either)]
        return [exp.LT(this=self.event, expression=(opening + closing)[0])]

    def last_bound(self) -> exp.Expr:
        """Return the end of a window that has none, as a column of the exposed units or a constant."""
        return self._open_end(table="")

    def _open_end(self, table: str = _EXPOSED) -> exp.Expr:
        if self.open_until is None:
            bound: exp.Expr = column("open_until", table)
            return self.clock.local_day(bound) if self.is_date else bound
        if self.is_date:
            return date_literal(_day_of(self.clock, self.open_until))
        return timestamp_literal(self.open_until)

    def aggregate(self, partial: ScanPartial) -> exp.Expr:
        """Return a partial aggregate over the rows inside its own window and look-back."""
        narrower = self._narrower(partial)
        return self._aggregate(partial, [] if narrower is None else [narrower])

    def _aggregate(self, partial: ScanPartial, conditions: Sequence[exp.Expr]) -> exp.Expr:
        own = [] if partial.partial.condition is None else [self._in_facts(partial.partial.condition)]
        call = self._in_facts(partial.partial.call)
        return _conditional(call, exp.and_(*own, *conditions) if own or conditions else None)

    def _narrower(self, partial: ScanPartial) -> exp.Expr | None:
        """Return the condition that a fact counts for this partial, where the scan reads more than that."""
        sides = self._sides(partial)
        if not any(side.is_narrow for side in sides):
            return None
        return exp.paren(exp.or_(*(exp.paren(exp.and_(*side.conditions)) for side in sides)))

    def _sides(self, partial: ScanPartial) -> list[_Side]:
        """Return when a fact counts for a partial, before and after the exposure."""
        sides = []
        scan_lookback = self.scan.lookback
        if scan_lookback is not None:
            conditions: list[exp.Expr] = [exp.LT(this=self.event, expression=self.exposed)]
            lookback = partial.lookback
            is_narrow = lookback is not None and lookback != scan_lookback
            if lookback is not None and is_narrow:
                conditions.append(exp.GTE(this=self.event, expression=plus(self.exposed, -lookback)))
            sides.append(_Side(name="before", conditions=conditions, is_narrow=is_narrow))
        if partial.window is not None:
            start, end = partial.window
            conditions = [exp.GTE(this=self.event, expression=plus(self.exposed, start))]
            starts = {measure.start for measure in self.scan.outcomes}
            is_narrow = start != (timedelta(0) if scan_lookback is not None else min(starts))
            if {measure.end for measure in self.scan.outcomes} != {end}:
                is_narrow = True
                bound = self._open_end() if end is None else plus(self.exposed, end)
                conditions.append(exp.LT(this=self.event, expression=bound))
            sides.append(_Side(name="after", conditions=conditions, is_narrow=is_narrow))
        return sides

    def facts(self) -> exp.Select:
        """Return the relation with the columns that the scan reads, bounded by constants for pruning."""
        relation = self.scan.query.relation.copy()
        raw = self.scan.query.time.tree
        select = relation.select(exp.alias_(self.scan.query.unit.copy(), "unit"), copy=False)
        select = select.select(exp.alias_(self.instant(raw), "event_time"), copy=False)
        for name, tree in sorted(self._columns().items()):
            select = select.select(exp.alias_(tree.copy(), name), copy=False)
        select = select.where(self.in_span(raw), copy=False)
        shared = self._shared_filter()
        return select if shared is None else select.where(shared, copy=False)

    def _columns(self) -> dict[str, exp.Column]:
        """Return the columns that the partials read, by their name in the facts."""
        for partial in self.scan.partials:
            for tree in (partial.partial.call, partial.partial.condition):
                if tree is not None:
                    for node in tree.find_all(exp.Column, bfs=False):
                        if not isinstance(node.this, exp.Star):
                            self._name(node)
        return dict(self._names.values())

    def _in_facts(self, tree: exp.Expr) -> exp.Expr:
        """Return a tree over the relation's columns as one over the facts."""

        def replace(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
                return column(self._name(node), _FACTS)
            return node

        return tree.transform(replace)

    def _name(self, node: exp.Column) -> str:
        """Return the facts' name of a column: its own where that is free, else with its table's."""
        key = node.sql("duckdb")
        if key not in self._names:
            own = "".join(c if c.isalnum() else "_" for c in node.name.lower())
            taken = {"unit", "event_time", *(name for name, _ in self._names.values())}
            options = [own, f"{node.table.lower()}_{own}", *(f"{own}_{number}" for number in range(2, 1000))]
            name = next(name for name in options if name not in taken and name != "_")
            self._names[key] = (name, node.copy())
        return self._names[key][0]

    def instant(self, raw: exp.Expr) -> exp.Expr:
        """Return the time column as a UTC timestamp, or as its day."""
        if self.is_date:
            return raw.copy()
        if self.is_zoned:
            return exp.AtTimeZone(this=raw.copy(), zone=exp.Literal.string("UTC"))
        return self.clock.from_naive(raw)

    def in_span(self, raw: exp.Expr) -> exp.Expr:
        """Return constant bounds on the time column itself, so that the warehouse reads only what it must."""
        first, last = self.bound(self.clock.first), self.bound(self.clock.last)
        return exp.and_(exp.GTE(this=raw.copy(), expression=first), exp.LT(this=raw.copy(), expression=last))

    def bound(self, instant: datetime) -> exp.Expr:
        """Return an instant as the time column writes it."""
        if self.is_date:
            return date_literal(_day_of(self.clock, instant))
        return zoned_literal(instant) if self.is_zoned else timestamp_literal(self.clock.to_naive(instant))

    def _shared_filter(self) -> exp.Expr | None:
        """Return the rows that any partial needs, where all partials have a condition and few differ."""
        conditions = {
            ""
            if partial.partial.condition is None
            else text(partial.partial.condition): partial.partial.condition
            for partial in self.scan.partials
        }
        trees = [exp.paren(tree.copy()) for _, tree in sorted(conditions.items()) if tree is not None]
        return exp.or_(*trees) if "" not in conditions and 0 < len(trees) <= 4 else None


def only_experiments(scan: Scan, table: str) -> exp.Expr:
    """Return the condition that a unit is in one of the experiments that use a scan; its key begins with them."""
    per_experiment = exp.Literal.number(CELLS_PER_EXPERIMENT * UNITS_PER_CELL)
    number = exp.IntDiv(this=column("unit_key", table), expression=per_experiment)
    return exp.In(this=number, expressions=[exp.Literal.number(one) for one in sorted(scan.experiments)])


def _day_of(clock: Clock, instant: datetime) -> date:
    from_utc = instant.replace(tzinfo=None)
    day = from_utc.date()
    for candidate in (day - DAY, day, day + DAY):
        if clock.start_of(candidate) <= from_utc < clock.start_of(candidate + DAY):
            return candidate
    raise AssertionError(f"{instant} is on no day")


def _conditional(call: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
    """Return an aggregate over the rows that meet a condition; sums leave NaN and infinity out."""
    if isinstance(call, exp.Count):
        argument = call.this
        if isinstance(argument, exp.Distinct):
            inner = argument.expressions[0]
            counted: exp.Expr = exp.Distinct(expressions=[_when(inner, condition)])
        elif isinstance(argument, exp.Star):
            if condition is None:
                return exp.cast(call, exp.DType.DOUBLE)
            counted = _when(exp.Literal.number(1), condition)
        else:
            counted = _when(argument, condition)
        return exp.cast(exp.Count(this=counted), exp.DType.DOUBLE)
    if isinstance(call, exp.Sum):
        is_distinct = isinstance(call.this, exp.Distinct)
        value = call.this.expressions[0] if is_distinct else call.this
        known = is_finite(value)
        summed = _when(value, known if condition is None else exp.and_(condition, known))
        if is_distinct:
            summed = exp.Distinct(expressions=[summed])
        return exp.cast(exp.Sum(this=summed), exp.DType.DOUBLE)
    if isinstance(call, exp.Min | exp.Max):
        return type(call)(this=_when(call.this, condition))
    if condition is None:
        return call
    return exp.Filter(this=call, expression=exp.Where(this=condition))


def _when(value: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
    if condition is None:
        return value.copy()
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=value.copy())])


def _check_whole_days(scan: Scan, *, is_date: bool) -> None:
    """Raise where a date column cannot tell a window's hours."""
    for measure in (*scan.outcomes, *scan.covariates) if is_date else ():
        for value in (measure.start, measure.end, measure.lookback):
            if value is not None and value % DAY != timedelta(0):
                raise CompileError(
                    f"the window of {measure.name} is not whole days, and its time column is a date",
                    where=measure.query.source.where,
                    hint="use a timestamp column, or whole days",
                )
