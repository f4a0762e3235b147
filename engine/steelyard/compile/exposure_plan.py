"""The part of a plan that is about exposures: who was exposed, in which cell, and what the log holds beside them."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from steelyard.compile.clock import Clock, timestamp_literal
from steelyard.compile.exposure_sql import (
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
from steelyard.compile.group import ColumnTypes, Group
from steelyard.compile.measure import Measure
from steelyard.compile.scan import Scan
from steelyard.compile.templates import Templates
from steelyard.compile.values import column
from steelyard.dialects.registry import DIALECTS
from steelyard.spec.design import BLOCK, BLOCK_PARTS, EPOCH, epoch_by
from steelyard.spec.loader import ProjectFiles
from steelyard.spec.project import Exposures

DAY = timedelta(days=1)


class ExposurePlan:
    """The statements about exposures of one group, and what every other statement needs to know.

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
            dimensions=self._ordering_dimensions(),
            clock=self.clock,
        )

    def _ordering_dimensions(self) -> tuple[str, ...]:
        """Return the dimensions that order rows of the same moment.

        All that are declared, so that the choice does not depend on which of them other experiments use; where none
        is used there is nothing to choose.
        """
        declared = self.files.project.exposures[self.group.exposures].dimensions
        return tuple(declared) if set(self.group.dimensions) - {EPOCH, BLOCK} else ()

    def analysed_units(self) -> exp.Expr:
        """Return the query for the units that are analysed, per trigger."""
        by_trigger: dict[str, list[NumberedExperiment]] = {}
        for numbered in self.numbered:
            by_trigger.setdefault(numbered.spec.analysis.trigger or "", []).append(numbered)
        parts = [self._analysed(trigger, numbered) for trigger, numbered in sorted(by_trigger.items())]
        return _union(parts)

    def _analysed(self, trigger: str, numbered: list[NumberedExperiment]) -> exp.Expr:
        numbers = None if len(numbered) == len(self.numbered) else [one.number for one in numbered]
        context: dict[str, Any] = {"trigger": None, "others": self._others_of(numbered)}
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
                "in_span": exp.and_(between(raw, self._not_before(first), last, types, self.clock), in_time),
            }
        return self.templates.render(
            "analysed_units.sql",
            dimensions=[{"name": name, "first": self._first_level(name)} for name in self.dimension_columns],
            exposed_day=self.clock.local_day(column("exposed_at")),
            closings=[
                {"name": closing.name, "day": closing_day(closing, self.clock)}
                for closing in self.group.closings.values()
            ],
            numbers=numbers,
            **context,
        )

    def _others_of(self, numbered: Sequence[NumberedExperiment]) -> dict[str, Any] | None:
        """Return which experiments' units are kept that never met the trigger, and their number there."""
        kept = {
            one.number: self.group.others[one.number] for one in numbered if one.number in self.group.others
        }
        if not kept:
            return None
        number = exp.Case(this=column("experiment_no", "first_seen"))
        for own, other in kept.items():
            number = number.when(exp.Literal.number(own), exp.Literal.number(other), copy=False)
        return {"numbers": list(kept), "number": number}

    def _first_level(self, name: str) -> exp.Expr:
        """Return a unit's level of a dimension at its first exposure."""
        if name == f"dim_{BLOCK}":
            return self._block()
        if name == f"dim_{EPOCH}":
            return self._epoch()
        crossed = {f"dim_{epoch_by(one)}": one for one in self.group.dimensions}
        return self._epoch(crossed[name]) if name in crossed else first_of(name)

    def _epoch(self, dimension: str = "") -> exp.Expr:
        """Return the name of a unit's epoch, with its level of a dimension where one is given."""
        level = exp.Case(default=exp.Literal.string(""))
        for numbered in self.numbered:
            if dimension and dimension not in numbered.spec.analysis.dimensions:
                continue
            for epoch in reversed(numbered.spec.epochs):
                begins = timestamp_literal(self.clock.start_of(epoch.start))
                is_in = exp.and_(
                    exp.EQ(this=column("experiment_no"), expression=exp.Literal.number(numbered.number)),
                    exp.GTE(this=column("exposed_at"), expression=begins),
                )
                label: exp.Expr = exp.Literal.string(epoch.start.isoformat())
                if dimension:
                    day = exp.Literal.string(f"{epoch.start.isoformat()} ")
                    label = exp.DPipe(this=day, expression=first_of(f"dim_{dimension}"))
                level = level.when(is_in, label, copy=False)
        return level

    def _block(self) -> exp.Expr:
        """Return the name of a switchback's block: its moment, its region and its unit."""
        level = exp.Case(default=exp.Literal.string(""))
        for numbered in (one for one in self.numbered if one.spec.design == "switchback"):
            rule = numbered.spec.switchback
            region = (
                first_of(f"dim_{rule.region}") if rule is not None and rule.region else exp.Literal.string("")
            )
            parts = [exp.cast(column("exposed_at"), "varchar"), region, exp.cast(column("unit"), "varchar")]
            text = parts[0]
            for part in parts[1:]:
                joined = exp.DPipe(this=text, expression=exp.Literal.string(BLOCK_PARTS))
                text = exp.DPipe(this=joined, expression=part)
            here = exp.EQ(this=column("experiment_no"), expression=exp.Literal.number(numbered.number))
            level = level.when(here, text, copy=False)
        return level

    def _not_before(self, first: datetime) -> datetime:
        """Return the moment from which on logs are read."""
        return first

    def fact_type(self, scan: Scan) -> tuple[bool, bool]:
        """Return whether a scan's time column is a date, and whether it carries a zone."""
        time = scan.query.time
        known = self.types.facts.get(scan.name)
        return known if known is not None else (time.kind == "date", False)

    def entry_column(self, measure: Measure) -> str:
        """Return the cells' column with the day from which on a unit counts."""
        if measure.entry == "exposed" or measure.end is None:
            return "exposed_day"
        is_date, _ = self.fact_type(self.group.outcome_scans[measure.name])
        return self.group.closings[(measure.end, is_date)].name

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
            .where(self.analysed_only())
            .group_by(column(f"dim_{name}"))
            for name in names
        ]
        return _union(parts)

    def analysed_only(self, table: str = "cells") -> exp.Expr | None:
        """Return the condition that leaves units out that never met the trigger; None where none are there."""
        if not self.group.others:
            return None
        first = exp.Literal.number(min(self.group.others.values()))
        return exp.LT(this=column("experiment_no", table), expression=first)

    def exposed_query(self) -> exp.Expr:
        """Return a query for the units that were exposed per day: experiment, variant, day, dimensions, n."""
        columns = [
            column(name) for name in ("experiment_no", "variant_no", "exposed_day", *self.dimension_columns)
        ]
        n = exp.alias_(exp.Sum(this=column("n")), "n")
        return exp.select(*columns, n).from_("cells").group_by(*(one.copy() for one in columns))

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


def _union(parts: Sequence[exp.Expr]) -> exp.Expr:
    """Return UNION ALL of queries, each of which may have CTEs of its own."""
    if len(parts) == 1:
        return parts[0]
    selects = [
        exp.select("*").from_(exp.alias_(exp.Subquery(this=part), f"part_{number}", table=True))
        for number, part in enumerate(parts, start=1)
    ]
    return exp.union(*selects, distinct=False, copy=False)


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
    # Looking back is a span of hours on timestamps and of days on dates; where summer time begins within it, the
    # hours begin before the days.
    whole_days = rough.start_of(first_day - -(-lookback // DAY) * DAY)
    return Clock(
        days=days,
        naive=naive,
        first=min(whole_days, rough.start_of(first_day) - lookback),
        last=rough.start_of(last_day + DAY),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
