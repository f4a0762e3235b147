"""A metric as an experiment measures it: window, fill, caps and covariates settled."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from steelyard.compile.emptiness import default_fill, needs_presence
from steelyard.compile.metric_query import MetricQuery
from steelyard.errors import CompileError
from steelyard.spec.caps import Cap, Limits, Winsorize
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import MetricUse
from steelyard.spec.fields import closest
from steelyard.spec.project import Project

# What the value is while the window is open: it grows day by day, or the unit enters once, when its window has closed.
Entry = Literal["exposed", "matured"]
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricKey:
    """A metric's name and version."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measure:
    """One metric with one window.

    Attributes:
        name: The metric's name, with the window where an experiment gave it one.
        key: The metric.
        query: Its query.
        start: Beginning of the window after the exposure.
        end: End of the window; None: the end of the analysis.
        entry: Whether a unit counts from its exposure or once its window has closed.
        fills: Value of a unit without rows, for each of the metric's values; None leaves it out.
        presence: Whether the unit's rows are counted, because the value over nothing is not the fill.
        lookback: Span before the exposure that covariates made of this metric cover; None for no covariate.
        covariates: What adjusts it.
        windows: Start and end of each value's own window, where they differ; else empty.
        cap: Of a measure under another cap than its metric's: that cap in a word.
        beside: Of such a measure: the name of the one that it stands beside, whose values it caps.
    """

    name: str
    key: MetricKey
    query: MetricQuery
    start: timedelta
    end: timedelta | None
    entry: Entry
    fills: tuple[float | None, ...]
    presence: bool
    lookback: timedelta | None
    covariates: tuple["Covariate", ...] = ()
    windows: tuple[tuple[timedelta, timedelta | None], ...] = ()
    cap: str = ""
    beside: str = ""

    @property
    def winsorize(self) -> Winsorize | None:
        """Caps on the unit's value."""
        return self.query.source.config.winsorize

    @property
    def percentile_caps(self) -> tuple[tuple[str, Cap], ...]:
        """The caps that come from the data, as (side, cap)."""
        return tuple(
            (side, cap)
            for side in ("lower", "upper")
            if self.winsorize is not None
            and (cap := getattr(self.winsorize, side))
            and cap.kind == "percentile"
        )

    @property
    def is_always_counted(self) -> bool:
        """Whether every analysed unit has a value."""
        return all(fill is not None for fill in self.fills)

    @property
    def is_ratio(self) -> bool:
        """Whether the metric is a ratio."""
        return self.query.source.config.type == "ratio"

    @property
    def is_quantile(self) -> bool:
        """Whether the metric is a quantile."""
        return self.query.source.config.type == "quantile"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Covariate:
    """What adjusts a measure: a metric before the exposure, or a dimension.

    Attributes:
        measure: The metric whose pre-exposure values are taken; None for a dimension.
        dimension: Column of the exposures; '' for a metric.
    """

    measure: Measure | None = field(repr=False)
    dimension: str = ""


def under_other_caps(measure: Measure) -> tuple[Measure, ...]:
    """Return a capped measure under each of its other caps: the same values of the same scan, adjusted alike.

    The covariates keep their caps, so that the measures differ by the cap of the outcome alone.
    """
    query = measure.query
    if measure.winsorize is None:
        return ()
    found = []
    for limits in measure.winsorize.others:
        config = query.source.config.model_copy(update={"winsorize": measure.winsorize.with_limits(limits)})
        found.append(
            replace(
                measure,
                name=f"{measure.name} {_under(limits)}",
                query=replace(query, source=replace(query.source, config=config)),
                cap=str(limits),
                beside=measure.name,
            )
        )
    return tuple(found)


def _under(limits: Limits) -> str:
    return f"capped at {limits}" if limits.caps else "without its cap"


def by_halves(measure: Measure) -> Measure | None:
    """Return a measure with two values: what its window's earlier half adds up to, and what its later half does.

    The middle day of an odd number of days counts for neither.

    Returns:
        The measure; None where its rows do not add up, or its window is not closed and of at least two whole days.
    """
    query, end = measure.query, measure.end
    adds_up = query.shape == "aggregate" and all(
        partial.merge == "add" for value in query.values for partial in value.partials
    )
    if not adds_up or query.source.config.type != "mean" or measure.presence or not measure.is_always_counted:
        return None
    if end is None or measure.entry != "matured" or measure.winsorize is not None:
        return None
    days, rest = divmod(end - measure.start, DAY)
    if days < 2 or rest:
        return None
    half = (days // 2) * DAY
    return replace(
        measure,
        name=f"{measure.name} by halves",
        query=replace(query, values=query.values * 2),
        fills=measure.fills * 2,
        covariates=(),
        lookback=None,
        windows=((measure.start, measure.start + half), (end - half, end)),
    )


def newest_versions(queries: Mapping[MetricKey, MetricQuery]) -> dict[str, int]:
    """Return the newest version of each metric."""
    newest: dict[str, int] = {}
    for key in queries:
        newest[key.name] = max(key.version, newest.get(key.name, 0))
    return newest


def resolve_key(use: MetricUse, queries: Mapping[MetricKey, MetricQuery], *, where: str) -> MetricKey:
    """Return the metric that an experiment means.

    Raises:
        CompileError: No such metric, or no such version.
    """
    newest = newest_versions(queries)
    name = use.metric.name
    if name not in newest:
        raise CompileError(f"unknown metric {name!r}", where=where, hint=closest(name, newest))
    key = MetricKey(name=name, version=use.metric.version or newest[name])
    if key not in queries:
        versions = sorted(other.version for other in queries if other.name == name)
        raise CompileError(
            f"the metric {name!r} has no version {key.version}",
            where=where,
            hint=f"it has {', '.join(map(str, versions))}",
        )
    return key


def resolve_measure(
    key: MetricKey,
    *,
    experiment: Experiment,
    project: Project,
    queries: Mapping[MetricKey, MetricQuery],
    where: str,
) -> Measure:
    """Settle a metric for an experiment.

    Args:
        key: The metric.
        experiment: The experiment that measures it.
        project: Defaults and dimensions.
        queries: All metrics, for covariates that name others.
        where: Place in the experiment's file.

    Raises:
        CompileError: The metric's unit is not the experiment's, or a covariate is neither metric nor dimension.
    """
    query = queries[key]
    config = query.source.config
    exposures = project.exposures[experiment.exposures]
    unit = config.unit or next(iter(project.units))
    if unit != exposures.unit:
        raise CompileError(
            f"the metric {key.name!r} is per {unit}, the exposures {experiment.exposures!r} are per {exposures.unit}",
            where=where,
            hint="use a metric of the same unit",
        )
    measure = _without_covariates(key, query, experiment=experiment, project=project)
    if not config.covariate.enabled or measure.is_quantile or experiment.analysis.adjustment == "none":
        return replace(measure, lookback=None)
    if not config.covariate.names:
        own = () if query.shape == "rows" else (Covariate(measure=_before(measure)),)
        return replace(measure, covariates=own)
    newest = newest_versions(queries)
    covariates = []
    for name in config.covariate.names:
        if name in exposures.dimensions:
            covariates.append(Covariate(measure=None, dimension=name))
        elif name in newest and queries[MetricKey(name=name, version=newest[name])].shape != "rows":
            other = MetricKey(name=name, version=newest[name])
            settled = _without_covariates(other, queries[other], experiment=experiment, project=project)
            lookback = config.covariate.lookback or settled.lookback
            covariates.append(Covariate(measure=_before(replace(settled, lookback=lookback))))
        else:
            raise CompileError(
                f"the covariate {name!r} is neither a metric nor a dimension of {experiment.exposures!r}",
                where=query.source.where,
                hint=closest(name, [*newest, *exposures.dimensions]),
            )
    return replace(measure, covariates=tuple(covariates))


def _before(measure: Measure) -> Measure:
    """Return a measure as a covariate: named by its look-back, whatever its window."""
    assert measure.lookback is not None
    return replace(measure, name=f"{measure.key} before {_shown(measure.lookback)}")


def _without_covariates(
    key: MetricKey, query: MetricQuery, *, experiment: Experiment, project: Project
) -> Measure:
    config = query.source.config
    start, end, entry = _window(query, experiment=experiment, project=project)
    is_proportion = config.type == "proportion"
    if config.fill != "auto":
        fills: tuple[float | None, ...] = (config.fill,) * (2 if config.type == "ratio" else 1)
    elif config.type == "ratio":
        fills = (0.0, 0.0)
    else:
        fills = (
            default_fill(query.values[0], is_proportion=is_proportion)
            if query.values
            else (0.0 if is_proportion else None),
        )
    presence = (
        any(
            needs_presence(value, fill) for value, fill in zip(query.values, fills, strict=bool(query.values))
        )
        if query.values
        else False
    )
    lookback = config.covariate.lookback or project.defaults.covariate_lookback
    is_own = config.window is not None and config.window.mature
    suffix = f" ({_shown(end)})" if entry == "matured" and end is not None and not is_own else ""
    return Measure(
        name=f"{key}{suffix}",
        key=key,
        query=query,
        start=start,
        end=end,
        entry=entry,
        fills=fills,
        presence=presence,
        lookback=lookback,
    )


def _window(
    query: MetricQuery, *, experiment: Experiment, project: Project
) -> tuple[timedelta, timedelta | None, Entry]:
    """Return the window; under a sequential test every metric is a cohort metric (see `docs/semantics.md`)."""
    window = query.source.config.window
    is_sequential = experiment.analysis.test != "fixed"
    if window is None:
        return (
            (timedelta(0), project.defaults.window, "matured")
            if is_sequential
            else (timedelta(0), None, "exposed")
        )
    end = (
        window.end if window.end is not None or not is_sequential else window.start + project.defaults.window
    )
    return window.start, end, "matured" if window.mature or is_sequential else "exposed"


def _shown(span: timedelta) -> str:
    return f"{span.days}d" if span % DAY == timedelta(0) else f"{span.total_seconds() / 3600:g}h"
