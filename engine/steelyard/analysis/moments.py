"""Rows of the moment queries to arrays: per experiment, metric, segment and day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.compile.group import MomentQuery, PlannedExperiment
from steelyard.compile.measure import Measure
from steelyard.compile.moment_sql import Layout, cap_name
from steelyard.compile.plan import GroupPlan
from steelyard.compile.values import fill_constants
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments

FloatArray = npt.NDArray[np.float64]
Segment = tuple[str, str]
EVERYONE: Segment = ("", "")


@dataclass(slots=True, kw_only=True)
class MetricMoments:
    """Moments of one metric in one experiment.

    Attributes:
        measure: How it is measured.
        cells: By (dimension, segment): moments of shape (days, variants) with the columns outcome, denominator of a
            ratio, covariates.
        caps: Limits that were applied, by side.
    """

    measure: Measure
    cells: dict[Segment, Moments] = field(default_factory=dict)
    caps: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class ExperimentMoments:
    """All that an experiment's analysis needs of the data.

    Attributes:
        planned: The experiment.
        days: Days of the series.
        metrics: By the measure's name.
        other_caps: By the name of a capped measure: its moments under each of its other caps.
        halves: By the measure's name: moments of the earlier and the later half of its window.
        others: By the name of a diluted measure: moments of the units that never met the trigger, all variants
            together, shape (days,).
        quantiles: By the measure's name and by (dimension, segment): estimates, shape (days, variants).
        exposed: By (dimension, segment): new units per day, shape (days, variants).
        lags: By the measure's name: days from a unit's exposure to the day on which its window has closed.
    """

    planned: PlannedExperiment
    days: list[date]
    metrics: dict[str, MetricMoments] = field(default_factory=dict)
    other_caps: dict[str, list[MetricMoments]] = field(default_factory=dict)
    halves: dict[str, MetricMoments] = field(default_factory=dict)
    others: dict[str, Moments] = field(default_factory=dict)
    quantiles: dict[str, dict[Segment, VariantMeans]] = field(default_factory=dict)
    exposed: dict[Segment, FloatArray] = field(default_factory=dict)
    lags: dict[str, int] = field(default_factory=dict)

    def lag(self, measure: Measure) -> int:
        """Return the days from a unit's exposure to the day on which its window has closed; 0 for an open window."""
        whole = 0 if measure.end is None else -(-measure.end // timedelta(days=1))
        return self.lags.get(measure.name, whole)

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.planned.numbered.spec.name


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentRows:
    """The answer to a moment query.

    Attributes:
        query: The query.
        rows: Its rows, rolled up.
        shifts: Value of each shift placeholder.
    """

    query: MomentQuery
    rows: Sequence[tuple[Any, ...]]
    shifts: Mapping[str, float]


def assemble(
    plan: GroupPlan,
    answers: Sequence[MomentRows],
    *,
    caps: Mapping[str, float | None],
    cells: Sequence[tuple[Any, ...]],
) -> dict[str, ExperimentMoments]:
    """Build the moments of every experiment of a group.

    Args:
        plan: The group's plan.
        answers: Answers to its moment queries.
        caps: Percentile caps by name.
        cells: Rows (experiment_no, variant_no, exposed_day, *dimensions, n) of the cells.
    """
    found = {}
    for planned in plan.group.experiments:
        own = planned.numbered.number
        builder = _Builder(plan, planned, caps, number=own, wanted=[one.name for one in planned.measured])
        result = builder.build(answers, cells)
        if planned.diluted:
            number = plan.group.others[own]
            beside = _Builder(plan, planned, caps, number=number, wanted=planned.diluted)
            result.others = beside.pooled(answers)
        found[planned.numbered.spec.name] = result
    return found


class _Builder:
    """Collects one experiment's moments; a growing metric comes in two parts.

    Args:
        plan: The group's plan.
        planned: The experiment.
        caps: Percentile caps by name.
        number: The number that its units have, those analysed or those that never met the trigger.
        wanted: Names of the measures.
    """

    def __init__(
        self,
        plan: GroupPlan,
        planned: PlannedExperiment,
        caps: Mapping[str, float | None],
        *,
        number: int,
        wanted: Iterable[str],
    ) -> None:
        self.plan, self.planned, self.caps, self.number = plan, planned, caps, number
        first, last = planned.numbered.first_day, planned.last_day
        self.days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        self.variants = len(planned.numbered.spec.variants)
        self.entries: dict[str, dict[Segment, _Sums]] = {}
        self.changes: dict[str, dict[Segment, _Sums]] = {}
        self.direct: dict[str, dict[Segment, _Sums]] = {}
        self.wanted = frozenset(wanted)

    def _add(self, answer: MomentRows) -> None:
        """Add one query's answer."""
        layouts = [layout for layout in answer.query.layouts if layout.measure in self.wanted]
        for entry in sorted({layout.entry for layout in layouts}):
            cumulated = self._cumulate(answer, entry)
            for layout in (one for one in layouts if one.entry == entry):
                parts = {
                    segment: _Sums.read(layout, array, answer.query.terms, answer.shifts)
                    for segment, array in cumulated.items()
                }
                self._place(layout, by_day=answer.query.by_day)[layout.measure] = parts

    def _place(self, layout: Layout, *, by_day: bool) -> dict[str, dict[Segment, "_Sums"]]:
        if by_day:
            return self.changes
        return self.direct if layout.sums[0] is not None else self.entries

    def _cumulate(self, answer: MomentRows, entry: str) -> dict[Segment, FloatArray]:
        """Return running sums of all terms by segment, shape (days, variants, terms)."""
        plan = self.plan
        day_names = ["day"] if answer.query.by_day else plan.day_columns
        dimensions = plan.group.dimensions
        width = 2 + len(day_names)
        position = 2 if answer.query.by_day else 2 + day_names.index(entry)
        arrays: dict[Segment, FloatArray] = {EVERYONE: self._zeros(len(answer.query.terms))}
        for row in answer.rows:
            if row[0] != self.number:
                continue
            day = self._day_index(row[position], by_day=answer.query.by_day)
            if not 0 <= day < len(self.days):
                continue
            segment = _segment(dimensions, row[width : width + len(dimensions)])
            if segment not in arrays:
                arrays[segment] = self._zeros(len(answer.query.terms))
            values = row[width + len(dimensions) :]
            arrays[segment][day, row[1]] += [0.0 if value is None else float(value) for value in values]
        return {segment: np.cumsum(array, axis=0) for segment, array in arrays.items()}

    def _day_index(self, value: Any, *, by_day: bool) -> int:
        first = self.planned.numbered.first_day
        day = self.plan.origin + timedelta(days=int(value)) if by_day else value
        return int((day - first).days)

    def _zeros(self, terms: int) -> FloatArray:
        return np.zeros((len(self.days), self.variants, terms))

    def pooled(self, answers: Sequence[MomentRows]) -> dict[str, Moments]:
        """Return the measures' moments of all variants together, shape (days,)."""
        for answer in answers:
            self._add(answer)
        measures = self.plan.group.measures
        return {name: self._moments(measures[name], EVERYONE).pool(-1) for name in sorted(self.wanted)}

    def build(self, answers: Sequence[MomentRows], cells: Sequence[tuple[Any, ...]]) -> ExperimentMoments:
        """Return everything as moments."""
        for answer in answers:
            self._add(answer)
        result = ExperimentMoments(planned=self.planned, days=self.days)
        result.exposed = self._exposed(cells)
        for _, used in self.planned.measures:
            measure = self.plan.group.measures[used.name]
            is_date, _ = self.plan.fact_type(self.plan.group.outcome_scans[measure.name])
            if is_date and measure.end is not None and measure.name not in result.lags:
                # A window of whole days closes on its last day, not on the same hour of the day after.
                result.lags[measure.name] = result.lag(measure) - 1
            if measure.is_quantile or measure.name in result.metrics:
                continue
            result.metrics[measure.name] = self._metric(measure, result.exposed)
        for name, others in self.planned.other_caps.items():
            result.other_caps[name] = [self._metric(measure, result.exposed) for measure in others]
        for name, measure in self.planned.halves.items():
            result.halves[name] = self._metric(measure, [EVERYONE])
        return result

    def _metric(self, measure: Measure, segments: Iterable[Segment]) -> MetricMoments:
        cells = {segment: self._moments(measure, segment) for segment in segments}
        return MetricMoments(measure=measure, cells=cells, caps=self._caps(measure))

    def _moments(self, measure: Measure, segment: Segment) -> Moments:
        if measure.name in self.direct:
            sums = self.direct[measure.name].get(segment)
            return self._nothing(measure) if sums is None else sums.moments()
        changes = self.changes[measure.name]
        template = changes[EVERYONE]
        change = changes.get(segment) or template.zeros()
        if not measure.is_always_counted:
            return change.moments()
        entries = self.entries[measure.name]
        entry = entries.get(segment) or entries[EVERYONE].zeros()
        limits = [self._caps(measure, index) for index in range(len(measure.fills))]
        fills = [fill for fill in fill_constants(measure, limits) if fill is not None]
        return change.with_inactive(entry, fills).moments()

    def _nothing(self, measure: Measure) -> Moments:
        width = len(self.direct[measure.name][EVERYONE].shift)
        shape = (len(self.days), self.variants)
        return Moments(n=np.zeros(shape), mean=np.zeros((*shape, width)), m2=np.zeros((*shape, width, width)))

    def _caps(self, measure: Measure, index: int = 0) -> dict[str, float]:
        """Return the limits of one of the measure's values."""
        limits: dict[str, float] = {}
        for side in ("lower", "upper"):
            cap = getattr(measure.winsorize, side) if measure.winsorize is not None else None
            if cap is None:
                continue
            name = cap_name(measure, index, side, self.planned.numbered.number, is_covariate=False)
            value = cap.value if cap.kind == "value" else self.caps.get(name)
            if value is not None:
                limits[side] = float(value)
        return limits

    def _exposed(self, cells: Sequence[tuple[Any, ...]]) -> dict[Segment, FloatArray]:
        found: dict[Segment, FloatArray] = {EVERYONE: np.zeros((len(self.days), self.variants))}
        for experiment, variant, day, *rest in cells:
            if experiment != self.planned.numbered.number:
                continue
            *levels, n = rest
            segments = [EVERYONE, *zip(self.plan.group.dimensions, levels, strict=True)]
            for segment in segments:
                array = found.setdefault(segment, np.zeros((len(self.days), self.variants)))
                array[self._day_index(day, by_day=False), variant] += n
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sums:
    """Running sums about shifts; arrays of shape (days, variants), (…, k) and (…, k, k).

    ``rounding`` bounds the error of the squares, shape (…, k): what days add and take away again leaves the
    rounding of the largest sum that there was.
    """

    n: FloatArray
    sums: FloatArray
    products: FloatArray
    rounding: FloatArray
    shift: FloatArray
    outcomes: int

    @classmethod
    def read(
        cls, layout: Layout, array: FloatArray, terms: Sequence[str], shifts: Mapping[str, float]
    ) -> "_Sums":
        index = {name: number for number, name in enumerate(terms)}
        width = len(layout.vector)
        sums = np.zeros((*array.shape[:2], width))
        products = np.zeros((*array.shape[:2], width, width))
        for i, name in enumerate(layout.sums):
            if name is not None:
                sums[..., i] = array[..., index[name]]
        for (i, j), name in layout.products.items():
            products[..., i, j] = products[..., j, i] = array[..., index[name]]
        shift = np.array([shifts.get(f"shift_{name}", 0.0) for name in layout.vector])
        largest = np.maximum.accumulate(np.abs(np.diagonal(products, axis1=-2, axis2=-1)), axis=0)
        return cls(
            n=array[..., index[layout.n]],
            sums=sums,
            products=products,
            rounding=8 * np.finfo(np.float64).eps * largest,
            shift=shift,
            outcomes=layout.outcomes,
        )

    def moments(self) -> Moments:
        """Return the moments; a spread within rounding is none, where plain subtraction could be below 0."""
        products = self.products.copy()
        squares = np.einsum("...ii->...i", products)
        level = self.sums**2 / np.maximum(self.n, 1.0)[..., None]
        squares[...] = np.where(np.abs(squares - level) <= self.rounding, level, squares)
        return Moments.from_sums(n=self.n, sums=self.sums, products=products, shift=self.shift)

    def zeros(self) -> "_Sums":
        return _Sums(
            n=np.zeros_like(self.n),
            sums=np.zeros_like(self.sums),
            products=np.zeros_like(self.products),
            rounding=np.zeros_like(self.rounding),
            shift=self.shift,
            outcomes=self.outcomes,
        )

    def with_inactive(self, entry: "_Sums", fills: Sequence[float]) -> "_Sums":
        """Return the sums over active units and over those that have not been active yet, whose value is the fill.

        Args:
            entry: Sums of the covariates over all units that have entered.
            fills: Value of an inactive unit, for each outcome.
        """
        k = self.outcomes
        covariates = entry.about(self.shift)
        inactive = entry.n - self.n
        gap = np.asarray(fills) - self.shift[:k]
        sums, products = covariates.sums.copy(), covariates.products.copy()
        sums[..., :k] = self.sums[..., :k] + inactive[..., None] * gap
        products[..., :k, :k] = self.products[..., :k, :k] + inactive[..., None, None] * np.outer(gap, gap)
        resting = covariates.sums[..., k:] - self.sums[..., k:]
        cross = self.products[..., :k, k:] + gap[:, None] * resting[..., None, :]
        products[..., :k, k:] = cross
        products[..., k:, :k] = np.swapaxes(cross, -1, -2)
        rounding = np.concatenate([self.rounding[..., :k], entry.rounding[..., k:]], axis=-1)
        return replace(entry, sums=sums, products=products, rounding=rounding, shift=self.shift)

    def about(self, shift: FloatArray) -> "_Sums":
        """Return the covariates' sums about other constants."""
        move = self.shift - shift
        move[: self.outcomes] = 0.0
        moved = self.n[..., None] * move
        products = (
            self.products
            + self.sums[..., :, None] * move[None, :]
            + move[:, None] * self.sums[..., None, :]
            + moved[..., :, None] * move[None, :]
        )
        return replace(self, sums=self.sums + moved, products=products, shift=shift)


def _segment(dimensions: Sequence[str], levels: Sequence[Any]) -> Segment:
    for name, level in zip(dimensions, levels, strict=True):
        if level is not None:
            return name, str(level)
    return EVERYONE
