"""Run a plan that continues from state: what the open days add, and what units that have left take away."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from steelyard.analysis.collect import Collector
from steelyard.analysis.shared_units import SharedUnits
from steelyard.compile.group import MomentQuery
from steelyard.compile.metric_quality import NotFinite
from steelyard.compile.plan import bind
from steelyard.compile.scan import Scan
from steelyard.compile.shared_units import Sharing
from steelyard.compile.state_plan import StatePlan
from steelyard.errors import StatisticsError
from steelyard.warehouse.base import Warehouse

Row = tuple[Any, ...]


@dataclass(slots=True, kw_only=True)
class Increment:
    """What the open days of a group hold.

    Attributes:
        queries: The moment queries, by name.
        rows: Rows that the open days add to each of them.
        gone: Rows of the closed days of units that no longer count: to be taken away.
        shifts: Value of each shift placeholder, by query.
        log: Rows of `LogPlan.log_quality_query`.
        multiple: Rows (experiment, first variant, n) of units seen in several variants, in all.
        assigned: Rows (experiment, variant, n) of units of experiments with a trigger, in all.
        exposed: Rows of `ExposurePlan.exposed_query`, in all.
        not_finite: Rows (experiment, n) of facts that hold NaN or infinity, in all.
        seen: Number of units that the open days of the log name.
        entered: Number of units that have entered.
        departed: Number of units that have gone.
    """

    queries: dict[str, MomentQuery] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    gone: dict[str, list[Row]] = field(default_factory=dict)
    shifts: dict[str, dict[str, float]] = field(default_factory=dict)
    log: list[Row] = field(default_factory=list)
    multiple: list[Row] = field(default_factory=list)
    assigned: list[Row] = field(default_factory=list)
    exposed: list[Row] = field(default_factory=list)
    not_finite: list[Row] = field(default_factory=list)
    seen: int = 0
    entered: int = 0
    departed: int = 0


class IncrementCollector(Collector):
    """Executes a plan that continues from state.

    Args:
        plan: The plan.
        warehouse: Where it runs.
        units: The plan of the units whose facts are read; by default the same. One with an earlier last day lets
            the days until then be closed, and those after it be read along.
        caps: Percentile caps, all on record.
        shifts: Shifts of each query; none where there is no state yet.
        kept: Gives the rows of a query that open days add, of units of before, as an earlier run has found them.
        label: See `Collector`.
    """

    plan: StatePlan

    def __init__(
        self,
        plan: StatePlan,
        warehouse: Warehouse,
        *,
        units: StatePlan | None = None,
        caps: Mapping[str, float | None],
        shifts: Mapping[str, Mapping[str, float]],
        kept: Callable[[MomentQuery], Sequence[Row]] = lambda query: (),
        label: str = "",
    ) -> None:
        super().__init__(plan, warehouse, label=label)
        self.units = units or plan
        self.caps, self.known_shifts, self.kept = caps, shifts, kept

    def increment(self) -> Increment:
        """Run everything that the open days need."""
        found = self._seen()
        self._add_days(found)
        self._tell(found, any_read=True)
        return found

    def closing(self, until: date) -> Increment:
        """Read the open days once, and prepare what the state becomes when those up to one are closed."""
        found = self._seen()
        self._add_days(found)
        found.log = list(self._rows("log_quality", self.units.log_quality_query()))
        for scan in self.plan.group.scans:
            self._fill(self.plan.closed_totals(scan, until))
        self._fill(self.plan.not_finite_units())
        return found

    def follow(self, before: Increment) -> Increment:
        """Add to the days that `closing` has read what units make of them that have entered or gone since."""
        found = self._seen()
        found.queries, found.shifts = before.queries, before.shifts
        if found.entered:
            self._add_days(found)
        for name, query in before.queries.items():
            still = [
                row for row in before.rows[name] if not self.plan.is_settled(query, row, self.plan.since)
            ]
            found.rows[name] = [*still, *found.rows.get(name, [])]
        self._tell(found, any_read=found.entered > 0)
        return found

    def _seen(self) -> Increment:
        """Find who has been seen, has entered and has gone, and take away what those who have gone have added."""
        units, found = self.units, Increment()
        self._fill(units.newly_seen())
        found.seen = self._count("newly_seen")
        for statement in units.units(any_seen=found.seen > 0):
            self._fill(statement)
        found.departed, found.entered = self._count("gone_units"), self._count("entered_units")
        if found.departed:
            for statement in self.plan.departed():
                self._fill(statement)
            for query in self._asked(closed_day=0):
                rows = self._moments(query, found)
                found.gone[query.name] = [row for row in rows if self.plan.was_added(query, row)]
        return found

    def _add_days(self, found: Increment) -> None:
        """Add what the open days of the units hold."""
        self._scan(found)
        for query in self._asked(closed_day=self.plan.closed_day):
            found.queries[query.name] = query
            rows = self._moments(query, found)
            open_rows = [row for row in rows if not self.plan.is_settled(query, row, self.plan.since)]
            found.rows[query.name] = self._with_kept(query, open_rows, found)

    def _with_kept(self, query: MomentQuery, rows: list[Row], found: Increment) -> list[Row]:
        """Return rows of open days with those that an earlier run has found, less what units that have gone added."""
        plan, width = self.plan, self.plan.key_width(query)
        gone = found.gone.get(query.name, [])
        found.gone[query.name] = [row for row in gone if not plan.is_kept(query, row)]
        left = list(negated([row for row in gone if plan.is_kept(query, row)], width))
        kept = [row for row in self.kept(query) if plan.is_kept(query, row)]
        return merged(query, width, kept, left, rows) if kept or left else rows

    def _tell(self, found: Increment, *, any_read: bool) -> None:
        """Count what the log and the facts hold beside the moments."""
        plan = self.plan
        found.exposed = list(self._rows("exposed", plan.exposed_query()))
        found.multiple = list(self._rows("multiple_exposure", plan.multiple_query()))
        assigned = plan.assigned_query()
        found.assigned = [] if assigned is None else list(self._rows("assigned", assigned))
        found.log = list(self._rows("log_quality", plan.log_quality_query()))
        found.not_finite = list(self._rows("not_finite", plan.not_finite_query(any_read=any_read)))

    def keep_open(self) -> None:
        """Keep the open days that `closing` has read; `follow` may read others in their place."""
        for scan in self.plan.group.scans:
            self._fill(self.plan.kept_days(scan))

    def shared(self, sharing: Sharing, found: Increment) -> dict[str, dict[str, SharedUnits]]:
        """Return the units that the plan's experiments share with others, by the names of both.

        Every unit's values are put together from the totals of the closed days and from the open ones.

        Args:
            sharing: The experiments of the run; the table of `Collector.code_units` is there.
            found: What the open days hold.
        """
        asked = self.plan.shared_questions(sharing)
        if asked.shared is None:
            return {}
        self._fill(self.plan.everyone(any_gone=found.departed > 0))
        if asked.units is not None:
            for scan in self.plan.group.scans:
                self._fill(self.plan.all_days(scan, any_entered=found.entered > 0))
            self._fill(replace(asked.units, name="all_unit_values"))
        return self._shared(sharing, asked.shared, self.caps)

    def _asked(self, *, closed_day: int) -> Sequence[MomentQuery]:
        asked = self.plan.questions({}, closed_day=closed_day)
        if asked.units is not None:
            self._fill(asked.units)
        return asked.moments

    def ask(self, name: str, query: Any) -> Sequence[Row]:
        """Return the rows of a query."""
        return self._rows(name, query)

    def _count(self, table: str) -> int:
        return int(self._rows(f"count_{table}", self.plan.count_of(table))[0][0])

    def _scan(self, found: Increment) -> None:
        plan = self.plan
        any_gone, any_entered = found.departed > 0, found.entered > 0
        for scan in plan.group.scans:
            passes = plan.passes(scan, any_gone=any_gone, any_entered=any_entered)
            self._fill(plan.recent(scan, passes, floats=self._floats(scan)))
        self._fill(plan.active_units(any_gone=any_gone))
        for scan in plan.group.scans:
            self._fill(plan.unit_days(scan))

    def _floats(self, scan: Scan) -> list[str]:
        """Return the values of a scan that can be NaN."""
        values = NotFinite(self.plan.scan_sql(scan))
        typed = values.types_query()
        if typed is None:
            return []
        return values.floats(self.warehouse.column_types(self.plan.text(typed)))

    def _moments(self, query: MomentQuery, found: Increment) -> list[Row]:
        shifts = self._shifts(query, found)
        tree = self.plan.rollup(query, bind(query.moments, {**self.caps, **shifts}))
        return list(self._finite_rows(query, tree))

    def _shifts(self, query: MomentQuery, found: Increment) -> dict[str, float]:
        if query.name not in found.shifts:
            known = self.known_shifts.get(query.name)
            found.shifts[query.name] = (
                self._asked_shifts(query.name, query.shifts, query.shift_names, self.caps)
                if known is None
                else dict(known)
            )
        return found.shifts[query.name]


def merged(query: MomentQuery, width: int, *parts: Sequence[Row]) -> list[Row]:
    """Return rows of a moment query added up by their keys, the first ``width`` columns."""
    sums: dict[Row, list[float]] = {}
    for part in parts:
        for row in part:
            values = [0.0 if value is None else float(value) for value in row[width:]]
            key = tuple(row[:width])
            if key in sums:
                sums[key] = [a + b for a, b in zip(sums[key], values, strict=True)]
            else:
                sums[key] = values
    if any(len(values) != len(query.terms) for values in sums.values()):
        raise StatisticsError(
            f"the state has other sums than {query.name}", hint="run once with --full-refresh"
        )
    return [(*key, *values) for key, values in sums.items()]


def negated(rows: Sequence[Row], width: int) -> Iterator[Row]:
    """Yield rows of a moment query with all their sums taken away."""
    for row in rows:
        yield (*row[:width], *(None if value is None else -value for value in row[width:]))
