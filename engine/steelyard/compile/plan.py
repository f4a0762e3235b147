"""The fused plan of a group: the statements that turn rows into moments."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from sqlglot import exp

from steelyard.compile.clock import date_literal
from steelyard.compile.day_moments import DayMoments
from steelyard.compile.exposure_sql import (
    CELLS_PER_EXPERIMENT,
    UNITS_PER_CELL,
)
from steelyard.compile.group import MomentQuery, Statement
from steelyard.compile.measure import Measure
from steelyard.compile.moment_sql import cap_name
from steelyard.compile.quantile_sql import QuantileQuery, bins_context, is_last_day_only, is_per_unit
from steelyard.compile.scan import Scan
from steelyard.compile.scan_plan import SHUFFLING, ScanPlan
from steelyard.compile.shared_units import (
    CODES,
    SharedQuery,
    Sharing,
    due_measures,
    place_rows,
    word_trees,
)
from steelyard.compile.unit_moments import UnitMoments
from steelyard.compile.unit_values import UnitValues
from steelyard.compile.values import column
from steelyard.spec.design import EPOCH

Tree = exp.Expr
# Of each cell: enough for a constant well within a standard deviation of the mean.
SAMPLE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What a plan asks of its tables, in the order in which it is asked.

    Attributes:
        units: Statement that fills the table of units' values; None where none is read.
        caps: Query for percentile caps, one row per experiment, and the names of its columns; None without any.
        moments: Queries for moments.
        quantiles: Queries for the bins of quantile metrics.
        shared: Query for the units that experiments share; None where it was not asked for.
    """

    units: Statement | None
    caps: tuple[exp.Expr, list[str]] | None
    moments: list[MomentQuery]
    quantiles: list[QuantileQuery]
    shared: SharedQuery | None = None


class GroupPlan(ScanPlan):
    """All statements of one group of experiments; takes what `ExposurePlan` takes."""

    def setup(self) -> Iterator[Statement]:
        """Yield the statements that fill the run's tables of exposures and facts, in order."""
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
            taken=0,
        )
        yield Statement(
            name="exposed_units", tree=exposed, table="exposed_units", is_read_once=self._is_one_scan()
        )
        for scan in self.group.scans:
            yield from self.scan(scan)

    def _is_one_scan(self) -> bool:
        """Return whether nothing but the statement for units' values reads the exposed units."""
        is_alone = len(self.group.experiments) == 1 and len(self.group.scans) == 1
        return is_alone and self.dialect in SHUFFLING and all(map(self._is_inlined, self.group.scans))

    def questions(
        self,
        levels: Mapping[str, Sequence[str]],
        *,
        closed_day: int = 0,
        sharing: Sharing | None = None,
    ) -> Questions:
        """Return what is asked of the tables, once the levels of dimensions are known.

        Args:
            levels: Levels of each dimension that is a covariate, the most frequent first.
            closed_day: Number of the day after which changes by day are wanted; 0 for all.
            sharing: Experiments that may share units, where these are asked for.
        """
        values = self._values(levels)
        caps = self._caps_query(values)
        moments = list(self._moment_queries(values, closed_day=closed_day))
        quantiles = list(self._quantile_queries(values))
        shared = None if sharing is None else self._shared_query(sharing, values)
        units = self.unit_values(values) if values.columns.trees or moments else None
        return Questions(units=units, caps=caps, moments=moments, quantiles=quantiles, shared=shared)

    def shared_questions(self, sharing: Sharing) -> Questions:
        """Return what is asked of units that experiments share, by itself."""
        values = self._values({})
        shared = self._shared_query(sharing, values)
        units = self.unit_values(values) if values.columns.trees else None
        return Questions(units=units, caps=None, moments=[], quantiles=[], shared=shared)

    def unit_codes(self, sharing: Sharing) -> Statement:
        """Return the statement for the variants of units that are in several of a run's experiments."""
        numbers = {one.spec.name: one.number for one in self.numbered}
        trees = word_trees(sharing, numbers, has_epochs=EPOCH in self.group.dimensions)
        words = [{"name": name, "tree": tree} for name, tree in zip(sharing.words, trees, strict=True)]
        mine = [numbers[name] for name in sharing.names]
        tree = self.templates.render("unit_codes.sql", words=words, numbers=mine)
        return Statement(name=CODES, tree=tree, table=CODES)

    def _shared_query(self, sharing: Sharing, values: UnitValues) -> SharedQuery | None:
        """Return the query for the units that experiments share, with the moments that are due."""
        mine = [one for one in self.group.experiments if one.numbered.spec.name in sharing.places]
        if not mine:
            return None
        on_units = self._unit_moments(values)
        days: dict[str, None] = {}
        for name in dict.fromkeys(
            name for one in mine for name in due_measures(one, metrics=sharing.metrics)
        ):
            measure = self.group.measures[name]
            entry = self.entry_column(measure)
            is_open = measure.entry == "exposed"
            until = None if is_open else self.numbered[0].as_of
            on_units.add(measure, entry=entry, with_outcomes=True, until=until)
            days.update({} if is_open else {entry: None})
        context = on_units.context()
        epoch = f"dim_{EPOCH}"
        tree = self.templates.render(
            "shared_units.sql",
            **context,
            units_per_cell=UNITS_PER_CELL,
            epoch=column(epoch, "cells") if epoch in self.dimension_columns else exp.Literal.string(""),
            days=list(days),
            words=sharing.words,
            has_several_words=len(sharing.words) > 1,
            numbers=[one.numbered.number for one in mine],
            places=place_rows(sharing),
        )
        shifts, names = self._shifts(on_units, on_units, by_day=False)
        return SharedQuery(
            tree=tree,
            terms=[term["name"] for term in on_units.terms.trees],
            layouts=on_units.layouts,
            shifts=shifts if names else None,
            shift_names=names,
        )

    def _moment_queries(self, values: UnitValues, *, closed_day: int) -> Iterator[MomentQuery]:
        on_units = self._unit_moments(values)
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
            changes = self._day_moments(scan, values, closed_day=closed_day)
            probe = self._unit_moments(self._values(values.levels))
            for measure in growing:
                changes.add(measure)
                probe.add(measure, entry="", with_outcomes=True)
            yield self._query(day_query(scan), "day_moments.sql", changes, probe, by_day=True)

    def _day_moments(self, scan: Scan, values: UnitValues, *, closed_day: int) -> DayMoments:
        assert not closed_day
        return DayMoments(scan, units=values, experiments=self.group.capped_like)

    def _quantile_queries(self, values: UnitValues) -> Iterator[QuantileQuery]:
        """Yield the queries for the bins of quantile metrics."""
        for number, measure in enumerate(one for one in self.group.measures.values() if one.is_quantile):
            scan = self.group.outcome_scans[measure.name]
            context = bins_context(
                measure,
                scan,
                values,
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

    def _values(self, levels: Mapping[str, Sequence[str]]) -> UnitValues:
        return UnitValues(
            outcome_scans=self.group.outcome_scans, covariate_scans=self.group.covariate_scans, levels=levels
        )

    def _unit_moments(self, values: UnitValues) -> UnitMoments:
        return UnitMoments(values, experiments=self.group.capped_like)

    def _query(
        self, name: str, template: str, query: UnitMoments | DayMoments, probe: UnitMoments, *, by_day: bool
    ) -> MomentQuery:
        sizes = {"units_per_cell": UNITS_PER_CELL, "sample": None, "units": None}
        tree = self.templates.render(template, **sizes, **query.context())
        shifts, names = self._shifts(query, probe, by_day=by_day)
        return MomentQuery(
            name=name,
            moments=tree,
            terms=[term["name"] for term in query.terms.trees],
            layouts=query.layouts,
            by_day=by_day,
            shifts=shifts,
            shift_names=names,
        )

    def _shifts(
        self, query: UnitMoments | DayMoments, probe: UnitMoments, *, by_day: bool
    ) -> tuple[Callable[[], exp.Expr], dict[str, list[str]]]:
        """Return what makes the query for a query's shifts, and the placeholders of each of its columns."""
        names: dict[str, list[str]] = {}
        users: dict[str, set[int]] = {}
        for layout, probed in zip(query.layouts, probe.layouts, strict=True):
            pairs = zip(layout.vector, probed.vector, strict=True)
            for position, (ours, theirs) in enumerate(pairs):
                if theirs and f"shift_{ours}" not in names.setdefault(theirs, []):
                    names[theirs].append(f"shift_{ours}")
                is_covariate = position >= layout.outcomes
                users.setdefault(theirs, set()).update(self._users(layout.measure, is_covariate=is_covariate))
        return partial(self._shifts_query, probe, {one: users[one] for one in names}, by_day=by_day), names

    def _shifts_query(self, probe: UnitMoments, users: Mapping[str, set[int]], *, by_day: bool) -> exp.Expr:
        """Return the query for the means of values, by the experiments that use them."""
        averages = [{"name": value, "tree": self._average(value, used)} for value, used in users.items()]
        # What grows from day to day stands in no table of units' values: its shifts come from a sample of their own.
        units = self.units_query(probe.values, sample=SAMPLE) if by_day else None
        context = {**probe.context(), "units_per_cell": UNITS_PER_CELL, "units": units, "terms": averages}
        return self.templates.render("unit_moments.sql", sample=SAMPLE, **context)

    def _users(self, measure: str, *, is_covariate: bool) -> Iterator[int]:
        """Yield the experiments that use a measure's value, or its covariates."""
        for experiment in self.group.experiments:
            used = [one for one in experiment.measured if one.name == measure]
            if any(one.covariates or not is_covariate for one in used):
                yield experiment.numbered.number

    def _average(self, name: str, experiments: Collection[int]) -> exp.Expr:
        """Return a mean over the units of the experiments that use a value; of the others it may be a mere fill."""
        value: exp.Expr = column(name)
        if len(experiments) < len(self.group.capped_like):
            number = exp.IntDiv(this=column("cell"), expression=exp.Literal.number(CELLS_PER_EXPERIMENT))
            uses = exp.In(this=number, expressions=[exp.Literal.number(one) for one in sorted(experiments)])
            value = exp.Case(ifs=[exp.If(this=uses, true=value)])
        return exp.Avg(this=value)

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

    def _caps_query(self, values: UnitValues) -> tuple[exp.Expr, list[str]] | None:
        """Return a query for percentile caps, one row per experiment, and the names of its columns."""
        caps: list[dict[str, Any]] = []
        for measure in self.group.measures.values():
            found = list(self._caps(measure, values))
            caps += [cap for cap in found if cap["name"] not in {other["name"] for other in caps}]
        if not caps:
            return None
        tree = self.templates.render("unit_caps.sql", caps=caps, analysed=self.analysed_only())
        return tree, [cap["name"] for cap in caps]

    def _caps(self, measure: Measure, values: UnitValues) -> Iterator[dict[str, Any]]:
        entry = column(self.entry_column(measure), "cells")
        as_of = self.numbered[0].as_of
        counts: exp.Expr = exp.LTE(this=entry, expression=date_literal(as_of))
        chosen: list[tuple[bool, Measure, int, str]] = []
        if measure.percentile_caps:
            columns = values.outcomes(measure, measure.fills)
            chosen += [(False, measure, index, name) for index, name in enumerate(columns)]
            known = [
                exp.Not(this=exp.Is(this=column(name, "unit_values"), expression=exp.null()))
                for name in columns
            ]
            counts = exp.and_(counts, *known)
        if any(c.measure is not None and c.measure.percentile_caps for c in measure.covariates):
            covariates = values.covariates(measure)
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


def day_query(scan: Scan) -> str:
    """Return the name of the query for a scan's changes of moments by day."""
    return f"day_moments_{scan.name}"


def bind(tree: exp.Expr, values: Mapping[str, float | None]) -> exp.Expr:
    """Return a tree with its placeholders replaced by numbers; what was not found is NULL for a cap, 0 for a shift."""
    bound = tree.copy()
    for node in list(bound.find_all(exp.Placeholder, bfs=False)):
        name = str(node.this)
        value = values.get(name)
        if value is not None:
            node.replace(exp.cast(exp.convert(float(value)), exp.DType.DOUBLE, copy=False))
        else:
            node.replace(exp.Literal.number(0) if name.startswith("shift_") else exp.null())
    return bound
