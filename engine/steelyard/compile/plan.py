"""The fused plan of a run: for each log of exposures, the statements that turn rows into moments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from steelyard.compile.clock import Clock, date_literal, timestamp_literal
from steelyard.compile.day_moments import DayMoments
from steelyard.compile.exposure_sql import (
    CELLS_PER_EXPERIMENT,
    UNITS_PER_CELL,
    Closing,
    LogTypes,
    NumberedExperiment,
    between,
    closing_day,
    exposure_log,
    first_of,
    instant,
    seen_units_context,
    trigger_log,
)
from steelyard.compile.measure import Measure, MetricKey, resolve_key, resolve_measure
from steelyard.compile.metric_query import MetricQuery
from steelyard.compile.moment_sql import Layout, cap_name
from steelyard.compile.opaque_sql import opaque_context, periods_context, periods_table
from steelyard.compile.quantile_sql import QuantileQuery, bins_context, is_last_day_only, is_per_unit
from steelyard.compile.scan import Scan, fuse
from steelyard.compile.scan_sql import ScanSql
from steelyard.compile.templates import Templates
from steelyard.compile.unit_moments import UnitMoments, unit_table
from steelyard.compile.values import column
from steelyard.dialects.registry import DIALECTS
from steelyard.errors import CompileError
from steelyard.spec.experiment_metrics import MetricUse
from steelyard.spec.loader import ProjectFiles
from steelyard.spec.project import Exposures

DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
Tree = exp.Expr
SAMPLE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of the plan.

    Attributes:
        name: What it makes or answers.
        tree: The query.
        table: Temporary table that it fills; None where its rows are read.
        files: Files of the metrics that it is for.
    """

    name: str
    tree: exp.Expr
    table: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedExperiment:
    """An experiment with its metrics settled.

    Attributes:
        numbered: The experiment and its number.
        measures: Each use of a metric, and how it is measured.
        zone: Zone in which days begin.
    """

    numbered: NumberedExperiment
    measures: tuple[tuple[MetricUse, Measure], ...]
    zone: ZoneInfo

    @property
    def last_day(self) -> date:
        """The last day of its series: windows that opened by its end still close after it."""
        ends = [measure.end for _, measure in self.measures if measure.end is not None]
        longest = max(ends, default=timedelta(0))
        midnight = datetime.combine(self.numbered.last_day + DAY, time(), self.zone).astimezone(UTC)
        closes = midnight + longest - 2 * MICROSECOND
        return min(self.numbered.as_of, max(self.numbered.last_day, closes.astimezone(self.zone).date()))


@dataclass(slots=True, kw_only=True)
class MomentQuery:
    """A query for moments, and where in its rows they are.

    Attributes:
        name: Its name.
        moments: Its tree before the roll-up, with placeholders for shifts and caps.
        terms: Columns of sums.
        layouts: Where each measure's moments are.
        by_day: Whether a row is what a day adds; else a row is what the units of a cell have.
        shifts: Query for the shifts: one row; columns as in ``shift_names``.
        shift_names: Placeholder of each column of ``shifts``.
    """

    name: str
    moments: exp.Expr
    terms: list[str]
    layouts: list[Layout]
    by_day: bool
    shifts: exp.Expr
    shift_names: dict[str, list[str]]


@dataclass(slots=True, kw_only=True)
class Group:
    """The experiments on one log of exposures, which share every scan.

    Attributes:
        exposures: Name of the log.
        experiments: Its experiments.
        scans: Scans of facts.
        closings: Days on which windows close.
        dimensions: Dimensions that some experiment or covariate uses.
    """

    exposures: str
    experiments: tuple[PlannedExperiment, ...]
    scans: list[Scan]
    closings: dict[tuple[timedelta, bool], Closing] = field(default_factory=dict)
    dimensions: tuple[str, ...] = ()
    outcome_scans: dict[str, Scan] = field(default_factory=dict)
    covariate_scans: dict[str, Scan] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTypes:
    """What a warehouse says of the columns that the plan compares in time.

    Attributes:
        logs: Of each log of exposures or trigger.
        facts: Of each scan's time column: (is it a date, does it carry a zone).
    """

    logs: Mapping[str, LogTypes] = field(default_factory=dict)
    facts: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)


def plan_groups(
    files: ProjectFiles,
    queries: Mapping[MetricKey, MetricQuery],
    *,
    as_of: date,
    selected: Sequence[str],
    is_series: bool,
) -> list[Group]:
    """Settle the experiments of a run and fuse their metrics.

    Args:
        files: The project.
        queries: All metrics.
        as_of: Last day.
        selected: Names of the experiments.
        is_series: Whether every day is wanted, not only the last.

    Raises:
        CompileError: An experiment names what does not exist or does not fit.
    """
    groups: dict[str, list[PlannedExperiment]] = {}
    counters: dict[str, int] = {}
    zone = ZoneInfo(files.project.timezone)
    for name in selected:
        spec = files.experiments[name]
        if spec.start is None or spec.start > as_of:
            continue
        counters[spec.exposures] = counters.get(spec.exposures, 0) + 1
        numbered = NumberedExperiment(number=counters[spec.exposures], spec=spec, as_of=as_of)
        measures = tuple(_settle(files, queries, name))
        groups.setdefault(spec.exposures, []).append(
            PlannedExperiment(numbered=numbered, measures=measures, zone=zone)
        )
    return [_group(name, planned, files, is_series=is_series) for name, planned in sorted(groups.items())]


def _settle(
    files: ProjectFiles, queries: Mapping[MetricKey, MetricQuery], name: str
) -> Iterator[tuple[MetricUse, Measure]]:
    experiment = files.experiments[name]
    where = files.where(name, ("metrics",))
    for use in experiment.metric_uses:
        key = resolve_key(use, queries, where=where)
        yield (
            use,
            resolve_measure(key, experiment=experiment, project=files.project, queries=queries, where=where),
        )


def _group(
    exposures: str, planned: list[PlannedExperiment], files: ProjectFiles, *, is_series: bool
) -> Group:
    measures: dict[str, Measure] = {}
    for experiment in planned:
        for _, measure in experiment.measures:
            if measure.name not in measures or measure.covariates:
                measures[measure.name] = measure
    scans = fuse([(measure, True) for measure in measures.values()], is_series=is_series)
    wanted = {name for experiment in planned for name in experiment.numbered.spec.analysis.dimensions}
    wanted |= {
        covariate.dimension
        for measure in measures.values()
        for covariate in measure.covariates
        if covariate.dimension
    }
    known = files.project.exposures[exposures].dimensions
    unknown = wanted - set(known)
    if unknown:
        raise CompileError(f"the exposures {exposures!r} have no dimension {min(unknown)!r}")
    group = Group(
        exposures=exposures,
        experiments=tuple(planned),
        scans=scans,
        dimensions=tuple(name for name in known if name in wanted),
        measures=measures,
    )
    for scan in scans:
        group.outcome_scans.update({measure.name: scan for measure in scan.outcomes})
        group.covariate_scans.update({measure.name: scan for measure in scan.covariates})
        users = frozenset(_users(scan, planned))
        scan.experiments = users if len(users) < len(planned) else frozenset()
    return group


def _users(scan: Scan, planned: Sequence[PlannedExperiment]) -> Iterator[int]:
    """Yield the numbers of the experiments that use a scan."""
    names = {measure.name for measure in (*scan.outcomes, *scan.covariates)}
    for experiment in planned:
        for _, measure in experiment.measures:
            before = {
                covariate.measure.name for covariate in measure.covariates if covariate.measure is not None
            }
            if names & {measure.name, *before}:
                yield experiment.numbered.number
                break


class GroupPlan:
    """The statements of one group.

    Args:
        group: The group.
        files: The project.
        types: What the warehouse says of the columns.
        templates: Templates.
        dialect: Dialect of the target.
        written_in: Dialect of the project's own SQL, unless the project names it; the target's by default.
    """

    def __init__(
        self,
        group: Group,
        *,
        files: ProjectFiles,
        types: ColumnTypes,
        templates: Templates,
        dialect: str,
        written_in: str | None = None,
    ) -> None:
        self.group, self.files, self.types = group, files, types
        self.templates, self.dialect = templates, dialect
        self.written_in = files.project.dialect or written_in or dialect
        self.clock = _clock(group, files)
        self.origin = min(experiment.numbered.first_day for experiment in group.experiments) - DAY
        self._settle_closings()

    def text(self, tree: exp.Expr) -> str:
        """Return a tree as SQL of the target."""
        return DIALECTS[self.dialect].generate(tree)

    @property
    def numbered(self) -> list[NumberedExperiment]:
        """The experiments with their numbers."""
        return [experiment.numbered for experiment in self.group.experiments]

    @property
    def dimension_columns(self) -> list[str]:
        """Columns of the cells that are dimensions."""
        return [f"dim_{name}" for name in self.group.dimensions]

    @property
    def day_columns(self) -> list[str]:
        """Columns of the cells that are days."""
        return ["exposed_day", *(closing.name for closing in self.group.closings.values())]

    def setup(self) -> Iterator[Statement]:
        """Yield the statements that fill the run's tables, in order."""
        yield Statement(name="seen_units", tree=self.seen_units(), table="seen_units")
        yield Statement(name="analysed_units", tree=self.analysed_units(), table="analysed_units")
        names = [*self.dimension_columns, *self.day_columns]
        cells = self.templates.render("cells.sql", names=names, cells_per_experiment=CELLS_PER_EXPERIMENT)
        yield Statement(name="cells", tree=cells, table="cells")
        exposed = self.templates.render(
            "exposed_units.sql",
            names=names,
            units_per_cell=UNITS_PER_CELL,
            open_until=self._open_until_column(),
        )
        yield Statement(name="exposed_units", tree=exposed, table="exposed_units")
        for scan in self.group.scans:
            yield from self.scan(scan)

    def log(self) -> exp.Select:
        """Return the log of exposures."""
        project = self.files.project
        exposures = project.exposures[self.group.exposures]
        targeted = {name for numbered in self.numbered for name in numbered.spec.targeting}
        return exposure_log(
            exposures,
            key=project.units[exposures.unit],
            dialect=self.written_in,
            where=f"steelyard.yml: exposures.{self.group.exposures}.sql",
            others=sorted(targeted - set(exposures.dimensions)),
        )

    @staticmethod
    def last_moment_text(exposures: Exposures, *, key: str, dialect: str, written_in: str, name: str) -> str:
        """Return the SQL for the last moment of a log of exposures."""
        log = exposure_log(
            exposures, key=key, dialect=written_in, where=f"steelyard.yml: exposures.{name}.sql"
        )
        last = exp.select(exp.Max(this=column("exposed_at", "log"))).from_(
            exp.alias_(exp.Subquery(this=log), "log", table=True)
        )
        return DIALECTS[dialect].generate(last)

    def trigger_log(self, name: str) -> exp.Select:
        """Return the log of a trigger."""
        project = self.files.project
        trigger = project.triggers[name]
        return trigger_log(
            trigger,
            key=project.units[trigger.unit],
            dialect=self.written_in,
            where=f"steelyard.yml: triggers.{name}.sql",
        )

    def log_types(self, name: str) -> LogTypes:
        """Return what is known of a log's columns."""
        return self.types.logs.get(name, LogTypes())

    def seen_units(self) -> exp.Expr:
        """Return the query for one row per experiment and unit."""
        return self.templates.render("seen_units.sql", **self._seen_context())

    def _seen_context(self) -> dict[str, Any]:
        return seen_units_context(
            self.numbered,
            log=self.log(),
            types=self.log_types(self.group.exposures),
            dimensions=self.files.project.exposures[self.group.exposures].dimensions,
            clock=self.clock,
        )

    def analysed_units(self) -> exp.Expr:
        """Return the query for the units that are analysed, per trigger."""
        by_trigger: dict[str, list[NumberedExperiment]] = {}
        for numbered in self.numbered:
            by_trigger.setdefault(numbered.spec.analysis.trigger or "", []).append(numbered)
        parts = [self._analysed(trigger, numbered) for trigger, numbered in sorted(by_trigger.items())]
        return _union(parts)

    def _analysed(self, trigger: str, numbered: list[NumberedExperiment]) -> exp.Expr:
        numbers = None if len(numbered) == len(self.numbered) else [one.number for one in numbered]
        context: dict[str, Any] = {"trigger": None}
        if trigger:
            types = self.log_types(trigger)
            first = self.clock.start_of(min(one.first_day for one in numbered))
            last = self.clock.start_of(max(one.last_day for one in numbered) + DAY)
            raw = column("triggered_at", "log")
            ends = exp.Case(this=column("experiment_no", "first_seen"))
            for one in numbered:
                until = timestamp_literal(self.clock.start_of(one.last_day + DAY))
                ends = ends.when(exp.Literal.number(one.number), until, copy=False)
            moment = instant("triggered_at", types, self.clock)
            in_time = exp.LT(this=moment.copy(), expression=ends)
            context["trigger"] = {
                "log": self.trigger_log(trigger),
                "instant": moment,
                "in_span": exp.and_(between(raw, first, last, types, self.clock), in_time),
            }
        return self.templates.render(
            "analysed_units.sql",
            dimensions=[{"name": name, "first": first_of(name)} for name in self.dimension_columns],
            exposed_day=self.clock.local_day(column("exposed_at")),
            closings=[
                {"name": closing.name, "day": closing_day(closing, self.clock)}
                for closing in self.group.closings.values()
            ],
            numbers=numbers,
            **context,
        )

    def scan(self, scan: Scan) -> Iterator[Statement]:
        """Yield the statements that scan facts."""
        sql = self.scan_sql(scan)
        table = unit_table(scan)
        if scan.kind == "opaque":
            periods = self.templates.render("unit_periods.sql", **periods_context(sql, days=self.days()))
            name = periods_table(scan.name)
            yield Statement(name=name, tree=periods, table=name)
        template, context = {
            "additive": ("unit_day.sql", sql.context),
            "distinct": ("unit_day_distinct.sql", sql.distinct_context),
            "recompute": ("unit_day_recompute.sql", sql.recompute_context),
            "opaque": ("unit_day_opaque.sql", lambda: opaque_context(sql)),
            "rows": ("unit_rows.sql", sql.rows_context),
        }[scan.kind]
        tree = self.templates.render(template, **context())
        yield Statement(name=table, tree=tree, table=table, files=scan.files)

    def days(self) -> list[tuple[int, date]]:
        """Return the number and the date of each day of the series."""
        last = max(experiment.last_day for experiment in self.group.experiments)
        return [(number, self.origin + number * DAY) for number in range(1, (last - self.origin).days + 1)]

    def fact_type(self, scan: Scan) -> tuple[bool, bool]:
        """Return whether a scan's time column is a date, and whether it carries a zone."""
        time = scan.query.time
        known = self.types.facts.get(scan.name)
        return known if known is not None else (time.kind == "date", False)

    def facts_query(self, scan: Scan) -> exp.Expr:
        """Return the facts that a scan reads, for estimates."""
        return self.scan_sql(scan).facts()

    def scan_sql(self, scan: Scan) -> ScanSql:
        """Return the builder of a scan's SQL."""
        is_date, is_zoned = self.fact_type(scan)
        return ScanSql(
            scan,
            clock=self.clock,
            time_kind="date" if is_date else "timestamp",
            is_zoned=is_zoned,
            origin=self.origin,
            open_until=self._open_until(),
        )

    def facts_type_query(self, scan: Scan) -> exp.Select:
        """Return a query without rows whose column has the type of the scan's time column."""
        relation = scan.query.relation.copy()
        assert isinstance(relation, exp.Select)
        return relation.select(exp.alias_(scan.query.time.tree.copy(), "event_time"), copy=False).limit(
            0, copy=False
        )

    def moment_queries(self, levels: Mapping[str, Sequence[str]]) -> Iterator[MomentQuery]:
        """Yield the queries for moments."""
        on_units = self._unit_moments(levels)
        daily: list[tuple[Scan, list[Measure]]] = []
        for scan in self.group.scans:
            outcomes = [measure for measure in scan.outcomes if not measure.is_quantile]
            growing = [m for m in outcomes if scan.grain == "day" and m.entry == "exposed"]
            if growing:
                daily.append((scan, growing))
            for measure in outcomes:
                is_growing = measure in growing
                if not is_growing or measure.is_always_counted:
                    on_units.add(measure, entry=self.entry_column(measure), with_outcomes=not is_growing)
        if on_units.layouts:
            yield self._query("unit_moments", "unit_moments.sql", on_units, on_units, by_day=False)
        for scan, growing in daily:
            changes = DayMoments(
                scan,
                covariate_scans=self.group.covariate_scans,
                levels=levels,
                experiments=[one.number for one in self.numbered],
            )
            probe = self._unit_moments(levels)
            for measure in growing:
                changes.add(measure)
                probe.add(measure, entry="", with_outcomes=True)
            yield self._query(f"day_moments_{scan.name}", "day_moments.sql", changes, probe, by_day=True)

    def quantile_queries(self) -> Iterator[QuantileQuery]:
        """Yield the queries for the bins of quantile metrics."""
        for number, measure in enumerate(one for one in self.group.measures.values() if one.is_quantile):
            scan = self.group.outcome_scans[measure.name]
            context = bins_context(
                measure,
                scan,
                self._unit_moments({}),
                entry=self.entry_column(measure),
                last_day=self.numbered[0].as_of,
                dimensions=self.dimension_columns,
            )
            yield QuantileQuery(
                name=f"quantile_bins_{number + 1}",
                measure=measure,
                tree=self.templates.render("quantile_bins.sql", **context),
                is_last_day_only=is_last_day_only(measure),
                is_per_unit=is_per_unit(measure),
            )

    def _unit_moments(self, levels: Mapping[str, Sequence[str]]) -> UnitMoments:
        return UnitMoments(
            outcome_scans=self.group.outcome_scans,
            covariate_scans=self.group.covariate_scans,
            levels=levels,
            experiments=[one.number for one in self.numbered],
        )

    def entry_column(self, measure: Measure) -> str:
        """Return the cells' column with the day from which on a unit counts."""
        if measure.entry == "exposed" or measure.end is None:
            return "exposed_day"
        is_date, _ = self.fact_type(self.group.outcome_scans[measure.name])
        return self.group.closings[(measure.end, is_date)].name

    def _query(
        self, name: str, template: str, query: UnitMoments | DayMoments, probe: UnitMoments, *, by_day: bool
    ) -> MomentQuery:
        tree = self.templates.render(template, sample=None, **query.context())
        names: dict[str, list[str]] = {}
        for layout, probed in zip(query.layouts, probe.layouts, strict=True):
            for ours, theirs in zip(layout.vector, probed.vector, strict=True):
                if theirs and f"shift_{ours}" not in names.setdefault(theirs, []):
                    names[theirs].append(f"shift_{ours}")
        averages = [{"name": value, "tree": exp.Avg(this=column(value))} for value in names]
        context = {**probe.context(), "terms": averages}
        shifts = self.templates.render("unit_moments.sql", sample=SAMPLE, **context)
        return MomentQuery(
            name=name,
            moments=tree,
            terms=[term["name"] for term in query.terms.trees],
            layouts=query.layouts,
            by_day=by_day,
            shifts=shifts,
            shift_names=names,
        )

    def rollup(self, query: MomentQuery, moments: exp.Expr) -> exp.Expr:
        """Return a query for moments added up over cells."""
        days = (
            [column("day", "moments")]
            if query.by_day
            else [column(name, "cells") for name in self.day_columns]
        )
        return self.templates.render(
            "rollup.sql",
            moments=moments,
            days=days,
            dimensions=self.dimension_columns,
            terms=query.terms,
        )

    def caps_query(self, levels: Mapping[str, Sequence[str]]) -> tuple[exp.Expr, list[str]] | None:
        """Return a query for percentile caps, one row per experiment, and the names of its columns."""
        values = self._unit_moments(levels)
        caps: list[dict[str, Any]] = []
        for measure in self.group.measures.values():
            found = list(self._caps(measure, values))
            caps += [cap for cap in found if cap["name"] not in {other["name"] for other in caps}]
        if not caps:
            return None
        tree = self.templates.render("unit_caps.sql", sample=None, caps=caps, **values.context())
        return tree, [cap["name"] for cap in caps]

    def _caps(self, measure: Measure, values: UnitMoments) -> Iterator[dict[str, Any]]:
        entry = column(self.entry_column(measure), "cells")
        as_of = self.numbered[0].as_of
        counts: exp.Expr = exp.LTE(this=entry, expression=date_literal(as_of))
        chosen: list[tuple[bool, Measure, int, str]] = []
        if measure.percentile_caps:
            columns = values.outcome_columns(measure)
            chosen += [(False, measure, index, name) for index, name in enumerate(columns)]
            known = [
                exp.Not(this=exp.Is(this=column(name, "unit_values"), expression=exp.null()))
                for name in columns
            ]
            counts = exp.and_(counts, *known)
        if any(c.measure is not None and c.measure.percentile_caps for c in measure.covariates):
            covariates = values.raw_covariates(measure)
            chosen += [(True, owner, index, name) for name, owner, index in covariates if owner is not None]
        for is_covariate, owner, index, name in chosen:
            here = column(name, "unit_values")
            # A covariate is known on the exposure, so its cap is that of all units, whatever windows are open.
            conditions: list[exp.Expr] = [] if is_covariate else [counts]
            if owner.winsorize is not None and owner.winsorize.ignore_zeros:
                conditions.append(exp.NEQ(this=here.copy(), expression=exp.Literal.number(0)))
            kept = exp.If(this=exp.and_(*conditions), true=here.copy()) if conditions else None
            value = here if kept is None else exp.Case(ifs=[kept])
            for side, cap in owner.percentile_caps:
                # In decimals: 99.9 / 100 is more than 0.999 in binary, and the next value up then.
                level = exp.Literal.number(f"{Decimal(repr(cap.value)) / 100:f}")
                yield {
                    "name": cap_name(owner, index, side, None, is_covariate=is_covariate),
                    "tree": exp.func("quantile_disc", value.copy(), level, dialect="duckdb"),
                }

    def level_query(self) -> exp.Expr | None:
        """Return a query for the levels of dimensions that are covariates."""
        names = sorted(
            {
                c.dimension
                for measure in self.group.measures.values()
                for c in measure.covariates
                if c.dimension
            }
        )
        if not names:
            return None
        parts = [
            exp.select(
                exp.alias_(exp.Literal.string(name), "dimension"),
                exp.alias_(column(f"dim_{name}"), "level"),
                exp.alias_(exp.Sum(this=column("n")), "n"),
            )
            .from_("cells")
            .group_by(column(f"dim_{name}"))
            for name in names
        ]
        return _union(parts)

    def exposed_query(self) -> exp.Expr:
        """Return a query for the units that were exposed per day: experiment, variant, day, dimensions, n."""
        columns = [
            column(name) for name in ("experiment_no", "variant_no", "exposed_day", *self.dimension_columns)
        ]
        n = exp.alias_(exp.Sum(this=column("n")), "n")
        return exp.select(*columns, n).from_("cells").group_by(*(one.copy() for one in columns))

    def log_quality_query(self) -> exp.Expr:
        """Return a query for exposures that cannot be analysed: experiment, has_unit, variant, n."""
        context = self._seen_context()
        is_unit = exp.paren(context["is_unit"])
        return self.templates.render(
            "log_quality.sql", **{**context, "is_unit": is_unit, "is_unit_here": is_unit}
        )

    def multiple_query(self) -> exp.Expr:
        """Return a query for units seen in several variants: experiment, variant they were first seen in, n."""
        first = first_of("variant_no")
        number = column("experiment_no")
        return (
            exp.select(
                number, exp.alias_(first, "first_variant_no"), exp.alias_(exp.Count(this=exp.Star()), "n")
            )
            .from_("seen_units")
            .where(exp.NEQ(this=column("variant_no"), expression=column("last_variant_no")))
            .group_by(number.copy(), first.copy())
        )

    def _settle_closings(self) -> None:
        for measure in self.group.measures.values():
            if measure.entry != "matured" or measure.end is None:
                continue
            is_date, _ = self.fact_type(self.group.outcome_scans[measure.name])
            key = (measure.end, is_date)
            if key not in self.group.closings:
                hours = measure.end / timedelta(hours=1)
                suffix = (
                    f"{measure.end.days}d"
                    if measure.end % DAY == timedelta(0)
                    else f"{hours:g}h".replace(".", "_")
                )
                name = f"closed_{suffix}{'_days' if is_date else ''}"
                self.group.closings[key] = Closing(name=name, end=measure.end, is_date=is_date)

    def _open_ends(self) -> dict[int, datetime]:
        return {one.number: self.clock.start_of(one.last_day + DAY) for one in self.numbered}

    def _open_until(self) -> datetime | None:
        ends = set(self._open_ends().values())
        return ends.pop() if len(ends) == 1 else None

    def _open_until_column(self) -> exp.Expr | None:
        has_open = any(measure.end is None for measure in self.group.measures.values())
        if not has_open or self._open_until() is not None:
            return None
        case = exp.Case(this=column("experiment_no", "cells"))
        for number, until in self._open_ends().items():
            case = case.when(exp.Literal.number(number), timestamp_literal(until), copy=False)
        return case


def _union(parts: Sequence[exp.Expr]) -> exp.Expr:
    """Return UNION ALL of queries, each of which may have CTEs of its own."""
    if len(parts) == 1:
        return parts[0]
    selects = [
        exp.select("*").from_(exp.alias_(exp.Subquery(this=part), f"part_{number}", table=True))
        for number, part in enumerate(parts, start=1)
    ]
    union: exp.Expr = selects[0]
    for select in selects[1:]:
        union = exp.Union(this=union, expression=select, distinct=False)
    return union


def _clock(group: Group, files: ProjectFiles) -> Clock:
    """Return the clock over all facts that the run may read."""
    days = ZoneInfo(files.project.timezone)
    naive = ZoneInfo(files.project.naive_timestamps)
    lookback = max((scan.lookback or timedelta(0) for scan in group.scans), default=timedelta(0))
    first_day = min(experiment.numbered.first_day for experiment in group.experiments)
    last_day = max(experiment.numbered.as_of for experiment in group.experiments)
    rough = Clock(
        days=days,
        naive=naive,
        first=_midnight(first_day) - lookback - 2 * DAY,
        last=_midnight(last_day) + 3 * DAY,
    )
    return Clock(
        days=days,
        naive=naive,
        first=rough.start_of(first_day - -(-lookback // DAY) * DAY),
        last=rough.start_of(last_day + DAY),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def bind(tree: exp.Expr, values: Mapping[str, float | None]) -> exp.Expr:
    """Return a tree with its placeholders replaced by numbers; what was not found is NULL for a cap, 0 for a shift."""

    def replace(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder):
            name = str(node.this)
            value = values.get(name)
            if value is None:
                return exp.Literal.number(0) if name.startswith("shift_") else exp.null()
            return exp.cast(exp.convert(float(value)), "double")
        return node

    return tree.transform(replace)
