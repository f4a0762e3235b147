"""The numbers of `docs/semantics.md` computed the obvious way: from the rows, for every day again.

Nothing of the engine is used here, so that the two can disagree.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)

Row = Mapping[str, Any]
# From the rows of one unit, at least one, to its value; None for NULL. It applies the metric's own filters.
Part = Callable[[Sequence[Row]], Any]
Cap = float | Fraction  # a limit, or a share of the values


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric with everything settled that an experiment settles.

    Attributes:
        parts: The value, or numerator and denominator.
        table: Name of its rows.
        time: Their column with a date, or with a moment.
        is_date: Which of the two.
        start: Beginning of the window after the exposure.
        end: Its end; None: the end of the analysis.
        mature: Whether units count once their window has closed.
        fills: Value of a unit without rows, for each part; None leaves it out.
        lower: Lower limit.
        upper: Upper limit.
        ignore_zeros: Whether limits that are shares are those of the values that are not 0.
        lookback: Span before the exposure, where the metric is a covariate.
        covariates: Metrics, or dimensions by name.
    """

    parts: tuple[Part, ...]
    table: str
    time: str
    is_date: bool
    start: timedelta = timedelta(0)
    end: timedelta | None = None
    mature: bool = False
    fills: tuple[float | None, ...]
    lower: Cap | None = None
    upper: Cap | None = None
    ignore_zeros: bool = False
    lookback: timedelta
    covariates: "tuple[Metric | str, ...]" = ()


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """A row of the exposure log."""

    experiment: str | None
    unit: Any
    variant: str | None
    at: datetime | None
    dimensions: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What decides who is analysed; ``trigger`` holds rows (unit, moment)."""

    name: str
    start: date
    end: date | None
    variants: tuple[str, ...]
    targeting: Mapping[str, tuple[Any, ...]]
    trigger: Sequence[tuple[Any, datetime | None]] | None
    metrics: Mapping[str, Metric]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit that is analysed."""

    key: Any
    variant: int
    segments: Mapping[str, str]
    moment: datetime
    day: date


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Moments of one metric in one segment: shapes (days, variants), (…, k) and (…, k, k)."""

    n: np.ndarray
    mean: np.ndarray
    m2: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Rows:
    """All rows, and what is needed to read them.

    Attributes:
        exposures: The log.
        dimensions: Its dimensions, in the project's order.
        tables: Facts by table; each row has the unit's key as ``user_id``.
        zone: Zone in which days begin.
        naive: Zone of moments without one.
        as_of: Last day that is known.
    """

    exposures: Sequence[Exposure]
    dimensions: tuple[str, ...]
    tables: Mapping[str, Sequence[Row]]
    zone: ZoneInfo
    naive: ZoneInfo
    as_of: date

    def instant(self, moment: datetime) -> datetime:
        """Return a moment in UTC."""
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.naive)).astimezone(UTC)

    def day(self, instant: datetime) -> date:
        """Return the day of a moment."""
        return instant.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """Return the moment at which a day begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def last_day(self, experiment: Experiment) -> date:
        """Return the last day of exposures."""
        return self.as_of if experiment.end is None else min(experiment.end, self.as_of)


def analysed_units(rows: Rows, experiment: Experiment) -> list[Unit]:
    """Return the units that are analysed, in no particular order."""
    logged: dict[Any, list[tuple[datetime, int, tuple[str, ...]]]] = {}
    for row in rows.exposures:
        if row.experiment != experiment.name or row.unit in (None, "") or row.at is None:
            continue
        instant = rows.instant(row.at)
        if not experiment.start <= rows.day(instant) <= rows.last_day(experiment):
            continue
        if any(row.dimensions[name] not in allowed for name, allowed in experiment.targeting.items()):
            continue
        if row.variant in experiment.variants:
            levels = tuple(_level(row.dimensions[name]) for name in rows.dimensions)
            logged.setdefault(row.unit, []).append((instant, experiment.variants.index(row.variant), levels))
    units = []
    for key, seen in logged.items():
        moment, variant, levels = min(seen)
        if len({other for _, other, _ in seen}) > 1:
            continue
        if experiment.trigger is not None:
            met = _trigger_moment(rows, experiment, key, moment)
            if met is None:
                continue
            moment = met
        segments = dict(zip(rows.dimensions, levels, strict=True))
        units.append(Unit(key=key, variant=variant, segments=segments, moment=moment, day=rows.day(moment)))
    return units


def _level(value: Any) -> str:
    return "(null)" if value is None else str(value)


def _trigger_moment(rows: Rows, experiment: Experiment, key: Any, exposed: datetime) -> datetime | None:
    assert experiment.trigger is not None
    instants = [rows.instant(at) for unit, at in experiment.trigger if unit == key and at is not None]
    last = rows.last_day(experiment)
    return min((at for at in instants if at >= exposed and rows.day(at) <= last), default=None)


def levels(units: Sequence[Unit], dimensions: Sequence[str]) -> dict[str, list[str]]:
    """Return each dimension's levels, the most frequent first, then by name."""
    found = {}
    for name in dimensions:
        counts = Counter(unit.segments[name] for unit in units)
        found[name] = sorted(counts, key=lambda level: (-counts[level], level))
    return found


def moments(
    rows: Rows, experiment: Experiment, metric: Metric, *, ranked: Mapping[str, Sequence[str]]
) -> tuple[list[date], dict[tuple[str, str], Cell]]:
    """Return the days from the start to the last known one, and the moments of every segment.

    Args:
        rows: All rows.
        experiment: The experiment.
        metric: The metric.
        ranked: Levels of the dimensions that are covariates, the most frequent first.
    """
    return _Oracle(rows, experiment, metric, ranked).cells()


def extent(
    rows: Rows, experiment: Experiment, metric: Metric, *, ranked: Mapping[str, Sequence[str]]
) -> np.ndarray:
    """Return the values of all units on all days, shape (n, k), NaN for NULL: rounding is relative to their range."""
    return _Oracle(rows, experiment, metric, ranked).extent()


class _Oracle:
    def __init__(
        self, rows: Rows, experiment: Experiment, metric: Metric, ranked: Mapping[str, Sequence[str]]
    ) -> None:
        self.rows, self.experiment, self.metric, self.ranked = rows, experiment, metric, ranked
        self.timed: dict[tuple[str, str, Any], list[tuple[Row, Any]]] = {}
        self.units = analysed_units(rows, experiment)
        self.limits = [
            self._limits(metric, [y[part] for y in self._last()]) for part in range(len(metric.parts))
        ]

    def cells(self) -> tuple[list[date], dict[tuple[str, str], Cell]]:
        count = (self.rows.as_of - self.experiment.start).days + 1
        days = [self.experiment.start + number * DAY for number in range(count)]
        covariates = list(zip(*self._covariates(), strict=True)) or [()] * len(self.units)
        found: dict[tuple[str, str], list[list[list[tuple[float, ...]]]]] = {}
        for index, day in enumerate(days):
            for unit, before in zip(self.units, covariates, strict=True):
                for segment in [("", ""), *unit.segments.items()]:
                    empty = [[[] for _ in self.experiment.variants] for _ in days]
                    grid = found.setdefault(segment, empty)
                    value = self._counted(unit, day)
                    if value is not None:
                        grid[index][unit.variant].append((*self._limited(value), *before))
        width = len(self.metric.parts) + (len(covariates[0]) if covariates else 0)
        return days, {segment: _cell(grid, width) for segment, grid in found.items()}

    def extent(self) -> np.ndarray:
        """Return the vectors of all units on all days, whether they count or not."""
        covariates = list(zip(*self._covariates(), strict=True)) or [()] * len(self.units)
        vectors = []
        for number in range((self.rows.as_of - self.experiment.start).days + 1):
            day = self.experiment.start + number * DAY
            for unit, before in zip(self.units, covariates, strict=True):
                value = self._value(self.metric, self._window(unit, day))
                limited = (math.nan,) * len(value) if None in value else self._limited(value)  # type: ignore[arg-type]
                vectors.append((*limited, *before))
        return np.array(vectors)

    def _last(self) -> list[tuple[float, ...]]:
        values = (self._counted(unit, self.rows.as_of) for unit in self.units)
        return [value for value in values if value is not None]

    def _counted(self, unit: Unit, day: date) -> tuple[float, ...] | None:
        """Return the unit's value as of a day, before limits; None while it does not count."""
        if day < (self._closing_day(unit) if self.metric.mature else unit.day):
            return None
        value = self._value(self.metric, self._window(unit, day))
        return None if None in value else value  # type: ignore[return-value]

    def _closing_day(self, unit: Unit) -> date:
        assert self.metric.end is not None
        if self.metric.is_date:
            return unit.day + self.metric.end - DAY
        return self.rows.day(unit.moment + self.metric.end - MICROSECOND)

    def _window(self, unit: Unit, day: date) -> Iterator[Row]:
        """Yield the unit's rows in its window, up to and including a day."""
        metric = self.metric
        last = self.rows.last_day(self.experiment)
        for row, at in self._timed(metric, unit):
            exposed = unit.day if metric.is_date else unit.moment
            on = at if metric.is_date else self.rows.day(at)
            is_before_end = on <= last if metric.end is None else at < exposed + metric.end
            if exposed + metric.start <= at and is_before_end and on <= day:
                yield row

    def _before(self, metric: Metric, unit: Unit) -> Iterator[Row]:
        """Yield the unit's rows in the look-back before its exposure."""
        for row, at in self._timed(metric, unit):
            exposed = unit.day if metric.is_date else unit.moment
            if exposed - metric.lookback <= at < exposed:
                yield row

    def _timed(self, metric: Metric, unit: Unit) -> list[tuple[Row, Any]]:
        """Return the unit's rows with their day, or their moment in UTC."""
        key = (metric.table, metric.time, unit.key)
        if key not in self.timed:
            rows = [row for row in self.rows.tables[metric.table] if row["user_id"] == unit.key]
            known = [(row, row[metric.time]) for row in rows if row[metric.time] is not None]
            self.timed[key] = [(row, at if metric.is_date else self.rows.instant(at)) for row, at in known]
        return self.timed[key]

    def _value(self, metric: Metric, rows: Iterator[Row]) -> tuple[float | None, ...]:
        chosen = list(rows)
        values = [_finite(part(chosen)) if chosen else None for part in metric.parts]
        return tuple(fill if v is None else v for v, fill in zip(values, metric.fills, strict=True))

    def _limits(self, metric: Metric, values: Sequence[float]) -> tuple[float | None, float | None]:
        kept = [value for value in values if value != 0 or not metric.ignore_zeros]
        lower, upper = (
            _quantile(kept, cap) if isinstance(cap, Fraction) else cap for cap in (metric.lower, metric.upper)
        )
        return lower, upper

    def _limited(self, value: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(_limit(part, *limits) for part, limits in zip(value, self.limits, strict=True))

    def _covariates(self) -> Iterator[list[float]]:
        """Yield each covariate's values, in the order of the units."""
        for covariate in self.metric.covariates:
            if isinstance(covariate, str):
                yield from self._dummies(covariate)
                continue
            values = [self._value(covariate, self._before(covariate, unit)) for unit in self.units]
            for part in range(len(covariate.parts)):
                known = [0.0 if value[part] is None else value[part] for value in values]
                limits = self._limits(covariate, known)
                yield [_limit(value, *limits) for value in known]
            if None in covariate.fills:
                yield [float(None in value) for value in values]

    def _dummies(self, dimension: str) -> Iterator[list[float]]:
        ranked = self.ranked[dimension]
        for group in [[level] for level in ranked[1:10]] + ([ranked[10:]] if len(ranked) > 10 else []):
            yield [float(unit.segments[dimension] in group) for unit in self.units]


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _quantile(values: Sequence[float], share: Fraction) -> float | None:
    """Return the smallest value with at least a share of the values at or below it; None without values."""
    ordered = sorted(values)
    return next((v for number, v in enumerate(ordered, start=1) if number >= share * len(ordered)), None)


def _limit(value: float, lower: float | None, upper: float | None) -> float:
    value = value if upper is None else min(value, upper)
    return value if lower is None else max(value, lower)


def _cell(grid: list[list[list[tuple[float, ...]]]], width: int) -> Cell:
    shape = (len(grid), len(grid[0]))
    n, mean, m2 = np.zeros(shape, int), np.zeros((*shape, width)), np.zeros((*shape, width, width))
    for day, by_variant in enumerate(grid):
        for variant, vectors in enumerate(by_variant):
            if vectors:
                values = np.array(vectors, dtype=np.longdouble)
                center = values.mean(axis=0)
                n[day, variant], mean[day, variant] = len(vectors), center
                m2[day, variant] = (values - center).T @ (values - center)
    return Cell(n=n, mean=mean, m2=m2)
