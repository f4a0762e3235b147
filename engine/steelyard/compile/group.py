"""What a run is to compute: its experiments on each log of exposures, with their metrics settled and fused."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlglot import exp

from steelyard.compile.exposure_sql import (
    Closing,
    LogTypes,
    NumberedExperiment,
)
from steelyard.compile.measure import (
    Measure,
    MetricKey,
    by_halves,
    resolve_key,
    resolve_measure,
    under_other_caps,
)
from steelyard.compile.metric_query import MetricQuery
from steelyard.compile.moment_sql import Layout
from steelyard.compile.scan import Scan, fuse
from steelyard.errors import CompileError
from steelyard.spec.design import BLOCK, EPOCH, epoch_by
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import MetricUse
from steelyard.spec.loader import ProjectFiles

DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of the plan.

    Attributes:
        name: What it makes or answers.
        tree: The query.
        table: Temporary table that it fills; None where its rows are read.
        files: Files of the metrics that it is for.
        is_read_once: Whether the table is made of other temporary tables, and one statement reads it, once.
    """

    name: str
    tree: exp.Expr
    table: str | None = None
    files: tuple[str, ...] = ()
    is_read_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedExperiment:
    """An experiment with its metrics settled.

    Attributes:
        numbered: The experiment and its number.
        measures: Each use of a metric, and how it is measured.
        zone: Zone in which days begin.
        other_caps: By the measure's name: the same measure under other caps.
        halves: By the measure's name: the same measure by halves of its window, where the experiment asks for it.
        longest: Longest window of all its metrics, where these are only some of them.
    """

    numbered: NumberedExperiment
    measures: tuple[tuple[MetricUse, Measure], ...]
    zone: ZoneInfo
    other_caps: Mapping[str, tuple[Measure, ...]] = field(default_factory=dict)
    halves: Mapping[str, Measure] = field(default_factory=dict)
    longest: timedelta | None = None

    @property
    def measured(self) -> tuple[Measure, ...]:
        """All that is measured: what the metrics are, capped ones under other caps, and halves of windows."""
        others = (measure for beside in self.other_caps.values() for measure in beside)
        return (*(measure for _, measure in self.measures), *others, *self.halves.values())

    @property
    def diluted(self) -> tuple[str, ...]:
        """Names of the measures for which the units that never met the trigger are measured, too: ratios.

        What an effect on a ratio means for all exposed units depends on what the others' parts add up to.
        """
        spec = self.numbered.spec
        if spec.analysis.trigger is None or spec.epochs or spec.design in ("cluster", "switchback"):
            return ()
        return tuple(
            dict.fromkeys(one.name for _, one in self.measures if one.is_ratio and one.is_always_counted)
        )

    @property
    def last_day(self) -> date:
        """The last day of its series: windows that opened by its end still close after it."""
        ends = [measure.end for _, measure in self.measures if measure.end is not None]
        longest = max(ends, default=timedelta(0)) if self.longest is None else self.longest
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
        shifts: Makes the query for the shifts, which few runs ask: one row; columns as in ``shift_names``.
        shift_names: Placeholder of each column of ``shifts``.
    """

    name: str
    moments: exp.Expr
    terms: list[str]
    layouts: list[Layout]
    by_day: bool
    shifts: Callable[[], exp.Expr]
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
        others: By the number of an experiment with diluted measures: the number of its units that never met the
            trigger, which stand beside it like an experiment of their own.
    """

    exposures: str
    experiments: tuple[PlannedExperiment, ...]
    scans: list[Scan]
    closings: dict[tuple[timedelta, bool], Closing] = field(default_factory=dict)
    dimensions: tuple[str, ...] = ()
    outcome_scans: dict[str, Scan] = field(default_factory=dict)
    covariate_scans: dict[str, Scan] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)
    others: dict[int, int] = field(default_factory=dict)

    @property
    def capped_like(self) -> dict[int, int]:
        """By each number that units have: the number of the experiment whose caps count for them."""
        own = [one.numbered.number for one in self.experiments]
        return {
            **dict(zip(own, own, strict=True)),
            **{other: number for number, other in self.others.items()},
        }


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
            PlannedExperiment(
                numbered=numbered,
                measures=measures,
                zone=zone,
                other_caps=_other_caps(spec, measures),
                halves=_halves(spec, measures) if spec.analysis.novelty else {},
            )
        )
    return [fuse_group(name, planned, files, is_series=is_series) for name, planned in sorted(groups.items())]


def _other_caps(
    spec: Experiment, measures: Sequence[tuple[MetricUse, Measure]]
) -> dict[str, tuple[Measure, ...]]:
    """Return capped measures under other caps; a switchback compares blocks, not units' values."""
    if spec.design == "switchback":
        return {}
    found = {measure.name: under_other_caps(measure) for _, measure in measures}
    return {name: others for name, others in found.items() if others}


def _halves(spec: Experiment, measures: Sequence[tuple[MetricUse, Measure]]) -> dict[str, Measure]:
    """Return what is measured by halves of windows, of designs that compare one split of units."""
    if spec.epochs or spec.design in ("cluster", "switchback"):
        return {}
    found = {measure.name: by_halves(measure) for _, measure in measures}
    return {name: measure for name, measure in found.items() if measure is not None}


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


def fuse_group(
    exposures: str, planned: Sequence[PlannedExperiment], files: ProjectFiles, *, is_series: bool
) -> Group:
    """Fuse the measures of experiments on one log of exposures.

    Raises:
        CompileError: A dimension that the exposures do not have.
    """
    measures: dict[str, Measure] = {}
    for experiment in planned:
        for measure in experiment.measured:
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
    wanted |= {
        one.numbered.spec.switchback.region
        for one in planned
        if one.numbered.spec.switchback is not None and one.numbered.spec.switchback.region is not None
    }
    known = files.project.exposures[exposures].dimensions
    unknown = wanted - set(known)
    if unknown:
        raise CompileError(f"the exposures {exposures!r} have no dimension {min(unknown)!r}")
    own = tuple(_own_dimensions([one.numbered.spec for one in planned]))
    if set(own) & set(known):
        raise CompileError(
            f"the exposures {exposures!r} have a dimension {min(set(own) & set(known))!r}, which a design needs for"
            " itself",
            hint="give the dimension another name",
        )
    chosen = (*(name for name in known if name in wanted), *own)
    group = Group(
        exposures=exposures,
        experiments=tuple(planned),
        scans=scans,
        dimensions=chosen,
        measures=measures,
        others=_others(planned),
    )
    for scan in scans:
        group.outcome_scans.update({measure.name: scan for measure in scan.outcomes})
        group.covariate_scans.update({measure.name: scan for measure in scan.covariates})
        users = frozenset([*_users(scan, planned), *_other_users(scan, planned, group.others)])
        scan.experiments = users if len(users) < len(group.capped_like) else frozenset()
    return group


def _own_dimensions(specs: Sequence[Experiment]) -> Iterator[str]:
    """Yield the dimensions that designs add to those of the exposures."""
    if any(spec.epochs for spec in specs):
        yield EPOCH
        named = (name for spec in specs if spec.epochs for name in spec.analysis.dimensions)
        yield from map(epoch_by, dict.fromkeys(named))
    if any(spec.design == "switchback" for spec in specs):
        yield BLOCK


def _others(planned: Sequence[PlannedExperiment]) -> dict[int, int]:
    """Number the units that never met the trigger after all experiments."""
    numbers = [one.numbered.number for one in planned if one.diluted]
    last = max(one.numbered.number for one in planned)
    return {number: last + position for position, number in enumerate(numbers, start=1)}


def _other_users(
    scan: Scan, planned: Sequence[PlannedExperiment], others: Mapping[int, int]
) -> Iterator[int]:
    """Yield the numbers of units that never met the trigger and that a scan is needed for."""
    names = {measure.name for measure in scan.outcomes}
    for one in planned:
        if names & set(one.diluted):
            yield others[one.numbered.number]


def _users(scan: Scan, planned: Sequence[PlannedExperiment]) -> Iterator[int]:
    """Yield the numbers of the experiments that use a scan."""
    names = {measure.name for measure in (*scan.outcomes, *scan.covariates)}
    for experiment in planned:
        for measure in experiment.measured:
            before = {
                covariate.measure.name for covariate in measure.covariates if covariate.measure is not None
            }
            if names & {measure.name, *before}:
                yield experiment.numbered.number
                break
