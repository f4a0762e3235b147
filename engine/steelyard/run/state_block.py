"""Experiments that advance together: close the days that are late enough, then look at the open ones."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from steelyard import __version__
from steelyard.analysis.count_rows import add_log_row
from steelyard.analysis.increment import Increment, IncrementCollector, Row, merged, negated
from steelyard.analysis.log_counts import LogCounts, tell_left_out
from steelyard.analysis.moments import ExperimentMoments, MomentRows, assemble
from steelyard.compile.group import ColumnTypes, MomentQuery, PlannedExperiment
from steelyard.compile.incremental import in_order, numbered_group
from steelyard.compile.metric_quality import values_counted
from steelyard.compile.plan import GroupPlan
from steelyard.compile.shared_units import Sharing
from steelyard.compile.state_changes import state_changes, table_names
from steelyard.compile.state_copies import new_copies
from steelyard.compile.state_plan import StatePlan
from steelyard.compile.state_tables import StateTables
from steelyard.compile.values import column
from steelyard.run.asking import check_metrics, column_types
from steelyard.run.collect import project_templates
from steelyard.run.fingerprints import Caps, state_parts
from steelyard.run.late import LateRows, count_again, late_rows
from steelyard.run.near_shifts import require_near_shifts
from steelyard.run.open_days import (
    Fingerprints,
    ask_fingerprints,
    kept_rows,
    open_content,
    unchanged_days,
)
from steelyard.run.state_rows import copies_from_json, copies_to_json, from_json, to_json
from steelyard.spec.loader import ProjectFiles
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.retry import with_retries
from steelyard.warehouse.state import Change, State, save_state

DAY = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class BlockResult:
    """What a block of experiments gave.

    Attributes:
        experiments: Moments by experiment.
        counts: What the log holds beside the analysed units, by experiment.
        late: Rows that came after their day was closed.
        closed_through: The last closed day now.
        counted: Values whose rows that are not finite were counted.
        read_from: First day of which facts were read for units of before; None where all days were.
        statements: Every statement that ran.
        seconds: Wall time of each.
    """

    experiments: dict[str, ExperimentMoments]
    counts: dict[str, LogCounts]
    late: tuple[LateRows, ...]
    closed_through: date
    counted: frozenset[str]
    read_from: date | None
    statements: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class Block:
    """Experiments with one state.

    Args:
        exposures: Their log of exposures.
        experiments: With the measures that the state holds, in the order of their numbers.
        files: The project.
        warehouse: Where.
        schema: Schema of the engine's tables.
        caps: Percentile caps on record, by experiment.
        label: Of the statements.
        run_id: The run.
    """

    def __init__(
        self,
        exposures: str,
        experiments: Sequence[PlannedExperiment],
        *,
        files: ProjectFiles,
        warehouse: Warehouse,
        schema: str,
        caps: Caps,
        label: str,
        run_id: str,
    ) -> None:
        self.exposures, self.files = exposures, files
        self.experiments = tuple(map(in_order, experiments))
        self.warehouse, self.schema, self.label, self.run_id = warehouse, schema, label, run_id
        self.templates = project_templates(files)
        group = numbered_group(exposures, self.experiments, files)
        self.caps = {
            f"{name}_{one.numbered.number}": value
            for one in group.experiments
            for name, value in caps.get(one.numbered.spec.name, {}).items()
        }
        self.rough = GroupPlan(
            group, files=files, types=ColumnTypes(), templates=self.templates, dialect=warehouse.dialect
        )
        self.types = column_types(self.rough, warehouse)
        self.parts = state_parts(
            exposures,
            self.experiments,
            files,
            types=self.types,
            dialect=warehouse.dialect,
            # Where the role has the engine's schema for its own, that one is searched, too, and by other roles not.
            searched=[name for name in warehouse.searched_schemas() if name != schema],
            caps=caps,
        )

    def run(
        self,
        state: State | None,
        name: str,
        *,
        until: date,
        as_of: date,
        gone: Sequence[State] = (),
        sharing: Sharing | None = None,
    ) -> BlockResult:
        """Close days and return the moments as of a day.

        Args:
            state: The state; None to make it.
            name: Name of the state.
            until: The last day that is late enough to be closed.
            as_of: The last day.
            gone: States that a new one takes the place of.
            sharing: Experiments of the run that share units, within the block and beyond it.

        Raises:
            StatisticsError: The state cannot give the numbers to their digits.
        """
        tables = self._tables(name, state)
        before: Increment | None = None
        statements: dict[str, str] = {}
        seconds: dict[str, float] = {}
        if state is None or state.closed_through < until:
            state, closing, before = self._close(state, tables, until=until, as_of=as_of, gone=gone)
            tables = self._tables(name, state)
            read_from = _read_from(closing.plan)
            statements.update({f"close_{one}": text for one, text in closing.statements.items()})
            seconds.update({f"close {one}": value for one, value in closing.seconds.items()})
        plan = self._plan(tables, state, as_of, has_recent=before is not None)
        collector = self._collector(plan, state)
        is_shared = sharing is not None and bool(sharing.places)
        if before is None:
            self._reuse(plan, state, collector, as_of)
            read_from = _read_from(plan)
            found = collector.increment()
            late = count_again(plan, collector, state, state.closed_through)["late"]
        else:
            if is_shared:
                collector.keep_open()
            found, late = collector.follow(before), state.content["late"]
        experiments, counts = self._assemble(plan, state, found), _counts(plan, state, found)
        if sharing is not None and is_shared:
            for experiment, shared in collector.shared(sharing, found).items():
                counts[experiment].shared = shared
        if sharing is not None:
            tell_left_out(counts, sharing)
        return BlockResult(
            experiments=experiments,
            counts=counts,
            late=late_rows(late),
            closed_through=state.closed_through,
            counted=frozenset().union(*(values_counted(plan.scan_sql(scan)) for scan in plan.group.scans)),
            read_from=read_from,
            statements=statements | collector.statements,
            seconds=seconds | {f"open {one}": value for one, value in collector.seconds.items()},
        )

    def _close(
        self,
        state: State | None,
        tables: StateTables,
        *,
        until: date,
        as_of: date,
        gone: Sequence[State],
    ) -> tuple[State, IncrementCollector, Increment]:
        """Read the open days, of units that entered by the day that is to be closed, and close the days up to it."""
        plan, units = self._plan(tables, state, as_of), self._plan(tables, state, until)
        if state is None:
            check_metrics(plan, self.warehouse)
        collector = self._collector(plan, state, units=units)
        now = self._reuse(plan, state, collector, until)
        found = collector.closing(until)
        after, changes = self._changes(plan, until)
        advanced = State(
            block=tables.block,
            exposures=self.exposures,
            experiments=tuple(one.numbered.spec.name for one in self.experiments),
            closed_through=until,
            engine_version=__version__,
            parts=self.parts,
            content={
                **_content(plan, state, found, until),
                **count_again(units, collector, state, until),
                "open": open_content(plan, found, now, until=until, as_of=as_of),
                "copies": copies_to_json(after),
            },
            tables=after.names(table_names(plan)),
            run_id=self.run_id,
        )
        with_retries(
            lambda: save_state(self.warehouse, self.schema, advanced, changes, before=state, gone=gone)
        )
        return advanced, collector, found

    def _tables(self, name: str, state: State | None) -> StateTables:
        copies = None if state is None else copies_from_json(state.content["copies"])
        return StateTables(schema=self.schema, block=name, copies=copies)

    def _changes(self, plan: StatePlan, until: date) -> tuple[StateTables, list[Change]]:
        """Return the tables that close days, and what is done to make them so."""
        if self.warehouse.changes_tables_together:
            return plan.tables, [
                Change(
                    kind=change.kind,
                    table=plan.tables.name(change.what),
                    sql=plan.text(change.tree),
                    columns=tuple(plan.text(column(name)) for name in change.columns),
                )
                for change in state_changes(plan, until)
            ]
        new = list(new_copies(plan, until, f"{time.time_ns() // 1000:x}"))
        after = replace(plan.tables, copies={one.what: one.copies for one in new})
        return after, [Change(kind="create", table=one.name, sql=plan.text(one.tree)) for one in new]

    def _reuse(
        self, plan: StatePlan, state: State | None, collector: IncrementCollector, until: date
    ) -> Fingerprints:
        """Let a plan take what is unchanged of the open days from its state; return what these days hold now.

        Args:
            plan: The plan.
            state: Its state, if there is one.
            collector: What asks for it.
            until: The last day that is to be closed, where there is no state yet.
        """
        now = ask_fingerprints(plan, collector, (until if state is None else state.closed_through) + DAY)
        if state is not None:
            plan.reused = unchanged_days(plan, state, now)
        return now

    def _plan(
        self, tables: StateTables, state: State | None, as_of: date, *, has_recent: bool = False
    ) -> StatePlan:
        dated = [replace(one, numbered=replace(one.numbered, as_of=as_of)) for one in self.experiments]
        return StatePlan(
            numbered_group(self.exposures, dated, self.files),
            since=None if state is None else state.closed_through,
            tables=tables,
            taken=0 if state is None else int(state.content["units"]),
            files=self.files,
            types=self.types,
            templates=self.templates,
            dialect=self.warehouse.dialect,
            has_recent=has_recent,
        )

    def _collector(
        self, plan: StatePlan, state: State | None, *, units: StatePlan | None = None
    ) -> IncrementCollector:
        return IncrementCollector(
            plan,
            self.warehouse,
            units=units,
            caps=self.caps,
            shifts={} if state is None else state.content["shifts"],
            kept=lambda query: () if state is None else kept_rows(plan, state, query),
            label=self.label,
        )

    def _assemble(self, plan: StatePlan, state: State, found: Increment) -> dict[str, ExperimentMoments]:
        answers = [
            MomentRows(
                query=query,
                rows=_rows(plan, query, state, found),
                shifts=found.shifts[name],
            )
            for name, query in found.queries.items()
        ]
        experiments = assemble(plan, answers, caps=self.caps, cells=found.exposed)
        require_near_shifts(answers, experiments)
        return experiments


def _read_from(plan: StatePlan) -> date | None:
    """Return the first day of which a plan reads facts of units of before; None where it reads all."""
    if plan.since is None:
        return None
    read = [plan.reused.get(scan.name, plan.closed_day) for scan in plan.group.scans if scan.outcomes]
    return plan.origin + (min(read, default=plan.closed_day) + 1) * DAY


def _rows(plan: StatePlan, query: MomentQuery, state: State | None, found: Increment) -> list[Row]:
    """Return what closed and open days add up to, without the units that have gone."""
    width = plan.key_width(query)
    closed = [] if state is None else from_json(plan, query, state.content["rows"])
    gone = list(negated(found.gone.get(query.name, []), width))
    return merged(query, width, closed, gone, found.rows[query.name])


def _content(plan: StatePlan, state: State | None, found: Increment, until: date) -> dict[str, Any]:
    """Return what a state holds beside its tables once the days up to one are closed."""
    rows = {}
    for name, query in found.queries.items():
        settled = [row for row in found.rows[name] if plan.is_settled(query, row, until)]
        kept = replace_rows(found, name, settled)
        rows[name] = to_json(plan, query, _rows(plan, query, state, kept))
    # What is dated later than the last day is told of the open days, and is not closed.
    log = [[*row[:-1], None] for row in found.log if row[1] != "later"]
    if state is not None:
        log = _added_up([*state.content["log"], *log])
    return {
        "units": plan.taken + found.entered,
        "shifts": found.shifts,
        "rows": rows,
        "log": log,
    }


def replace_rows(found: Increment, name: str, rows: list[Row]) -> Increment:
    """Return an increment with other rows of one query."""
    return replace(found, rows={**found.rows, name: rows})


def _added_up(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return rows of `LogPlan.log_quality_query` added up by all but their number and their last moment."""
    sums: dict[tuple[Any, ...], tuple[int, Any]] = {}
    for *key, n, last in rows:
        before, latest = sums.get(tuple(key), (0, None))
        sums[tuple(key)] = before + int(n), last if latest is None else latest
    return [[*key, n, last] for key, (n, last) in sums.items()]


def _counts(plan: StatePlan, state: State, found: Increment) -> dict[str, LogCounts]:
    names = {one.number: one.spec.name for one in plan.numbered}
    counts = {name: LogCounts() for name in names.values()}
    for number, variant, n in found.multiple:
        counts[names[int(number)]].multiple[int(variant)] = int(n)
    for number, variant, n in found.assigned:
        counts[names[int(number)]].assigned[int(variant)] = int(n)
    for number, *row in _added_up([*state.content["log"], *found.log]):
        add_log_row(counts[names[int(number)]], row)
    for number, n in found.not_finite:
        counts[names[int(number)]].not_finite += int(n)
    return counts
