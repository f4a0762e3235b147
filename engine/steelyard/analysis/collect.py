"""Run a group's plan in the warehouse and bring its moments back."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from steelyard.analysis.count_rows import read_counts
from steelyard.analysis.log_counts import LogCounts, tell_left_out
from steelyard.analysis.moments import ExperimentMoments, MomentRows, assemble
from steelyard.analysis.quantiles import add_quantiles
from steelyard.analysis.shared_units import SharedUnits, read_shared
from steelyard.compile.group import MomentQuery, Statement
from steelyard.compile.plan import GroupPlan, Tree, bind
from steelyard.compile.row_by_row import is_row_by_row
from steelyard.compile.shared_units import CODES, NOBODY, SharedQuery, Sharing, any_coded, units_of
from steelyard.dialects.registry import DIALECTS
from steelyard.errors import StatisticsError, WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.retry import with_retries


@dataclass(slots=True, kw_only=True)
class Collected:
    """What came back of one group.

    Attributes:
        experiments: Moments by experiment.
        caps: Percentile caps by name.
        counts: What the log holds beside the analysed units, by experiment.
        statements: Every statement that ran, with its text; of those with one name the second is ``name_2``.
        seconds: Wall time of each name.
    """

    experiments: dict[str, ExperimentMoments]
    caps: dict[str, float | None]
    counts: dict[str, LogCounts] = field(default_factory=dict)
    statements: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class Collector:
    """Executes a plan statement by statement.

    Args:
        plan: The plan.
        warehouse: Where it runs.
        label: What stands in a comment before each statement, so that the warehouse's history of queries says
            whose they are.
    """

    def __init__(self, plan: GroupPlan, warehouse: Warehouse, *, label: str = "") -> None:
        self.plan, self.warehouse, self.label = plan, warehouse, label
        self.dialect = DIALECTS[warehouse.dialect]
        self.statements: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.filled: set[str] = set()

    def collect(
        self,
        *,
        frozen_caps: Mapping[str, float | None],
        counted: Collection[str] = (),
        sharing: Sharing | None = None,
    ) -> Collected:
        """Run everything and return the moments.

        Args:
            frozen_caps: Percentile caps of earlier runs, which stay.
            counted: Values whose rows that are not finite have been counted already.
            sharing: Experiments that share units, where the table of `code_units` is there already; by default the
                plan's own.
        """
        for statement in self.plan.setup():
            self._fill(statement)
        if sharing is None:
            sharing = self._coded(self._sharing())
        asked = self.plan.questions(self._levels(), sharing=sharing)
        if asked.units is not None:
            self._fill(asked.units)
        caps = {**self._caps(asked.caps), **frozen_caps}
        answers = [self._answer(query, caps) for query in asked.moments]
        experiments = assemble(
            self.plan, answers, caps=caps, cells=self._rows("exposed", self.plan.exposed_query())
        )
        for query in asked.quantiles:
            rows = self._rows(query.name, query.tree)
            add_quantiles(experiments.values(), query, rows, dimensions=self.plan.group.dimensions)
        counts = read_counts(self.plan, self.warehouse, self._rows, counted=counted)
        if asked.shared is not None:
            for name, shared in self._shared(sharing, asked.shared, caps).items():
                counts[name].shared = shared
        tell_left_out(counts, sharing)
        return Collected(
            experiments=experiments,
            caps=caps,
            counts=counts,
            statements=self.statements,
            seconds=self.seconds,
        )

    def code_units(self) -> Sharing:
        """Make the table of the variants of units that are in several experiments, and return these.

        For it the log of exposures alone is read, where any experiments are paired.
        """
        sharing = self._sharing()
        if not sharing.places:
            return sharing
        for statement in self.plan.setup():
            self._fill(statement)
            if statement.name == "analysed_units":
                break
        return self._coded(sharing)

    def _sharing(self) -> Sharing:
        health = self.plan.files.project.health
        return Sharing.of(self.plan.group.experiments, metrics=health.interaction_metrics)

    def _coded(self, sharing: Sharing) -> Sharing:
        """Make the table, unless there is no pair or too many units; return the pairs that are left."""
        limit = self.plan.files.project.health.shared_units_limit
        if not sharing.places or not limit:
            return NOBODY
        numbers = [one.number for one in self.plan.numbered if one.spec.name in sharing.places]
        ((units,),) = self._rows("units_to_share", units_of(numbers))
        sharing = sharing.within(int(units), limit=limit)
        if not sharing.places:
            return sharing
        self._fill(self.plan.unit_codes(sharing))
        return sharing if self._rows(f"any_{CODES}", any_coded()) else NOBODY

    def _shared(
        self, sharing: Sharing, query: SharedQuery, caps: Mapping[str, float | None]
    ) -> dict[str, dict[str, SharedUnits]]:
        """Return the units that experiments share, with the moments that are due."""
        shifts = self._asked_shifts("shared_units", query.shifts, query.shift_names, caps)
        rows = self._rows("shared_units", bind(query.tree, {**caps, **shifts}))
        _require_finite(rows, [layout.measure for layout in query.layouts])
        return read_shared(self.plan, sharing, query, rows, shifts)

    def _fill(self, statement: Statement) -> None:
        assert statement.table is not None
        started = perf_counter()
        text = self._text(statement.name, statement.tree)
        with _reading_for(statement.files):
            self._create(statement, text)
        self._add_seconds(statement.name, started)

    def _text(self, name: str, tree: Tree) -> str:
        text = self.dialect.generate(tree)
        self.statements[unused_name(name, self.statements)] = text
        return text

    def _add_seconds(self, name: str, started: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - started

    def _create(self, statement: Statement, sql: str) -> None:
        assert statement.table is not None
        table, text = statement.table, labelled(sql, self.label, statement.name)
        is_derived = statement.is_read_once or is_row_by_row(statement.tree, self.filled)
        self.warehouse.note(statement.name, text)
        create = self.warehouse.derive_temporary if is_derived else self.warehouse.create_temporary
        with_retries(lambda: create(table, text))
        self.filled.add(table)

    def _rows(self, name: str, tree: Tree) -> Sequence[tuple[Any, ...]]:
        started = perf_counter()
        text = labelled(self._text(name, tree), self.label, name)
        self.warehouse.note(name, text)
        rows = with_retries(lambda: self.warehouse.query(text)).values
        self._add_seconds(name, started)
        return rows

    def _levels(self) -> dict[str, list[str]]:
        query = self.plan.level_query()
        levels: dict[str, list[str]] = {}
        if query is not None:
            rows = self._rows("levels", query)
            for dimension, level, _ in sorted(rows, key=lambda row: (row[0], -row[2], row[1])):
                levels.setdefault(dimension, []).append(level)
        return levels

    def _caps(self, query: tuple[Tree, list[str]] | None) -> dict[str, float | None]:
        if query is None:
            return {}
        tree, names = query
        rows = self._rows("caps", tree)
        _require_finite(rows, self._named(self.plan.group.measures))
        return {
            f"{name}_{experiment}": None if value is None else float(value)
            for experiment, *values in rows
            for name, value in zip(names, values, strict=True)
        }

    def _answer(self, query: MomentQuery, caps: Mapping[str, float | None]) -> MomentRows:
        shifts = self._asked_shifts(query.name, query.shifts, query.shift_names, caps)
        tree = self.plan.rollup(query, bind(query.moments, {**caps, **shifts}))
        return MomentRows(query=query, rows=self._finite_rows(query, tree), shifts=shifts)

    def _finite_rows(self, query: MomentQuery, tree: Tree) -> Sequence[tuple[Any, ...]]:
        rows = self._rows(query.name, tree)
        _require_finite(rows, self._named(layout.measure for layout in query.layouts))
        return rows

    def _named(self, measures: Iterable[str]) -> Iterable[str]:
        """Return the names of measures, of those under other caps the name of the one that they stand beside."""
        return dict.fromkeys(self.plan.group.measures[name].beside or name for name in measures)

    def _asked_shifts(
        self,
        name: str,
        query: Callable[[], Tree] | None,
        columns: Mapping[str, Sequence[str]],
        caps: Mapping[str, float | None],
    ) -> dict[str, float]:
        shifts: dict[str, float] = {}
        if query is not None and columns:
            (values,) = self._rows(f"shifts_{name}", bind(query(), caps))
            for value, names in zip(values, columns.values(), strict=True):
                shifts.update({one: _rounded(value) for one in names})
        return shifts


def labelled(sql: str, label: str, statement: str) -> str:
    """Return SQL with a comment in front of it, on the same line, so that lines in errors stay what they are.

    Examples:
        >>> labelled("select 1", "run 1f, experiments a", "caps")
        '/* steelyard: run 1f, experiments a, statement caps */ select 1'
    """
    return f"/* steelyard: {label}, statement {statement} */ {sql}" if label else sql


def unused_name(name: str, taken: Collection[str]) -> str:
    """Return a name, numbered where it is taken, so that of statements with one name none is lost."""
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}_{number}"
    return free


@contextmanager
def _reading_for(files: Sequence[str]) -> Iterator[None]:
    """Let an error of the warehouse name the metrics that it is about."""
    try:
        yield
    except WarehouseError as error:
        if not files:
            raise
        where = f"{error.where}, reading for {', '.join(files)}"
        raise WarehouseError(error.args[0], where=where, hint=error.hint) from error


def _require_finite(rows: Iterable[Sequence[Any]], measures: Iterable[str]) -> None:
    """Raise if a sum has left the range of a double: every value is finite, but not every square of one."""
    if all(math.isfinite(value) for row in rows for value in row if isinstance(value, float)):
        return
    raise StatisticsError(
        "the values are too large for their squares to be added up",
        where=f"one of {', '.join(measures)}",
        hint="leave out or cap values beyond 1e150: add a condition to the metric's where",
    )


def _rounded(value: float | None) -> float:
    """Round a shift to 24 bits: near enough to the mean, and the same on every run."""
    if value is None or not math.isfinite(value):
        return 0.0
    fraction, exponent = math.frexp(value)
    return math.ldexp(round(fraction * 2**24), exponent - 24)
