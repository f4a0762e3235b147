"""One experiment with a metric of every kind, its moments taken from unit rows that a test can see."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from steelyard.analysis.moments import EVERYONE, ExperimentMoments, MetricMoments, Segment
from steelyard.compile.exposure_sql import NumberedExperiment
from steelyard.compile.group import PlannedExperiment
from steelyard.compile.measure import Measure, MetricKey, resolve_key, resolve_measure
from steelyard.compile.metric_query import MetricQuery, read_query
from steelyard.compile.metric_source import render_metric
from steelyard.compile.relations import RelationNames
from steelyard.spec.experiment import Experiment
from steelyard.spec.project import Project
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments

FloatArray = npt.NDArray[np.float64]
DAYS = 5
UNITS = 600
VARIANTS = 2
STRATA = ("a", "b", "c")
START = date(2026, 4, 1)

_WHERE = "from t where ts >= :start and ts < :end"
SQL = {
    "mean": f"{{{{ config(direction='increase') }}}} select user_id, sum(x) as v {_WHERE} group by user_id",
    "proportion": "{{ config(type='proportion', direction='increase') }} "
    f"select user_id, bool_or(x > 1) as v {_WHERE} group by user_id",
    "ratio": "{{ config(type='ratio', direction='increase') }} "
    f"select user_id, sum(x) as numerator, count(*) as denominator {_WHERE} group by user_id",
    "quantile": "{{ config(type='quantile', quantile=0.9, direction='increase') }} "
    f"select user_id, x {_WHERE}",
    "windowed": "{{ config(direction='increase', window={'start': '1d', 'end': '3d'}) }} "
    f"select user_id, sum(x) as v {_WHERE} group by user_id",
    "capped": "{{ config(direction='increase', winsorize={'upper': 3}) }} "
    f"select user_id, sum(x) as v {_WHERE} group by user_id",
}
SQL["clustered"] = SQL["ratio"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Unit rows of one metric: shape (variants, units, columns); columns are outcomes, then covariates.

    Attributes:
        values: The rows.
        strata: Stratum of each unit, shape (variants, units).
        day: Day from which on a unit counts, shape (variants, units).
    """

    values: FloatArray
    strata: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]

    def on(self, day: int, variant: int) -> FloatArray:
        """Return the rows of a variant that count on a day."""
        return self.values[variant][self.day[variant] <= day]

    def strata_on(self, day: int, variant: int) -> npt.NDArray[np.int64]:
        """Return the strata of the same rows."""
        return self.strata[variant][self.day[variant] <= day]


def make_rows(kind: str, seed: int = 0) -> Rows:
    """Return correlated rows with a small effect and strata of different means."""
    random = np.random.default_rng(seed)
    shape = (VARIANTS, UNITS)
    strata = random.integers(0, len(STRATA), shape)
    x = random.gamma(2.0, 1.0, shape) + 0.5 * strata
    effect = np.array([0.0, 0.15])[:, None]
    y = 1.0 + 0.8 * x + effect * (1 + 0.2 * x) + random.gamma(2.0, 0.5, shape)
    if kind == "proportion":
        y = (y > 3.5).astype(float)
        x = (x > 2.5).astype(float)
    if kind == "capped":
        y, x = np.minimum(y, 3.0), np.minimum(x, 3.0)
    columns = [y, x]
    if kind in ("ratio", "clustered"):
        denominator = 1.0 + random.poisson(2.0, shape)
        before = 1.0 + random.poisson(2.0, shape)
        columns = [y * denominator, denominator, x * before, before]
    day = random.integers(0, DAYS, shape)
    return Rows(values=np.stack(columns, axis=-1), strata=strata, day=day)


def project() -> Project:
    """Return a project with one dimension."""
    exposures = {"unit": "user", "sql": "select 1", "timestamp": "exposed_at", "dimensions": ["stratum"]}
    return Project.model_validate(
        {"name": "p", "units": {"user": "user_id"}, "exposures": {"app": exposures}}
    )


def queries() -> dict[MetricKey, MetricQuery]:
    """Return the metrics, read."""
    found = {}
    for name, sql in SQL.items():
        source = render_metric(
            name, sql, where=f"metrics/{name}.sql", relations=RelationNames(), variables={}
        )
        found[MetricKey(name=name, version=1)] = read_query(
            source, units={"user": "user_id"}, dialect="duckdb"
        )
    return found


QUERIES = queries()
PROJECT = project()


def experiment(use: dict[str, Any], group: str, **analysis: Any) -> Experiment:
    """Return an experiment that is over, with one metric in one role beside a plain success metric."""
    is_clustered = use["metric"] == "clustered"
    beside = "ratio" if is_clustered else "mean"
    metrics: dict[str, Any] = {"primary": [beside]}
    metrics[group] = [use] if group != "primary" else [use, *([] if use["metric"] == beside else [beside])]
    raw = {
        "name": "e",
        "start": START,
        "end": START + timedelta(days=DAYS - 1),
        "status": "stopped",
        "exposures": "app",
        "design": "cluster" if is_clustered else "fixed_split",
        "variants": ["control", "treatment"],
        "metrics": metrics,
        "duration": {"target_sample_size_per_variant": UNITS},
        "analysis": {"dimensions": ["stratum"], **analysis},
    }
    context = {"defaults": PROJECT.defaults, "exposures": tuple(PROJECT.exposures)}
    return Experiment.model_validate(raw, context=context)


def moments_of(
    spec: Experiment, rows: dict[str, Rows], quantiles: dict[str, VariantMeans]
) -> ExperimentMoments:
    """Return an experiment's moments as the engine would bring them back."""
    as_of = START + timedelta(days=60)
    measures: list[tuple[Any, Measure]] = []
    for use in spec.metric_uses:
        key = resolve_key(use, QUERIES, where="e")
        measures.append(
            (use, resolve_measure(key, experiment=spec, project=PROJECT, queries=QUERIES, where="e"))
        )
    numbered = NumberedExperiment(number=1, spec=spec, as_of=as_of)
    days = [START + timedelta(days=number) for number in range(DAYS)]
    moments = ExperimentMoments(
        planned=PlannedExperiment(numbered=numbered, measures=tuple(measures), zone=ZoneInfo("UTC")),
        days=days,
    )
    segments: list[Segment] = [EVERYONE, *(("stratum", name) for name in STRATA)]
    for _, measure in measures:
        own = rows[measure.key.name]
        if measure.is_quantile:
            moments.quantiles[measure.name] = dict.fromkeys(segments, quantiles["everyone"])
            continue
        metric = MetricMoments(measure=measure)
        for segment in segments:
            metric.cells[segment] = Moments.stack(
                [
                    Moments.stack([_moments(own, day, variant, segment) for variant in range(VARIANTS)])
                    for day in range(DAYS)
                ],
                axis=0,
            )
        moments.metrics[measure.name] = metric
    for segment in segments:
        moments.exposed[segment] = _exposed(rows["mean"], segment)
    return moments


def _moments(rows: Rows, day: int, variant: int, segment: Segment) -> Moments:
    values = rows.on(day, variant)
    if segment != EVERYONE:
        values = values[rows.strata_on(day, variant) == STRATA.index(segment[1])]
    return Moments.from_rows(values)


def _exposed(rows: Rows, segment: Segment) -> FloatArray:
    counts = np.zeros((DAYS, VARIANTS))
    for variant in range(VARIANTS):
        kept = rows.day[variant]
        if segment != EVERYONE:
            kept = kept[rows.strata[variant] == STRATA.index(segment[1])]
        counts[:, variant] = np.bincount(kept, minlength=DAYS)
    return counts
