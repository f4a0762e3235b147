"""Simulated rows through the engine: DuckDB, the compiled SQL, moments and means.

A batch of replicates is one experiment of a small project, and each replicate one of its segments. So thousands
of replicates take a few runs of the engine, and each of them is what a run would give.
"""

import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from steelyard.analysis.means import estimate_means
from steelyard.analysis.moments import ExperimentMoments
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.run import compute_moments
from steelyard.spec.loader import load_project
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse

START = date(2026, 3, 2)
BOUNDS = "happened_at >= :start and happened_at < :end"
METRICS = {
    "mean": "{{ config(version=1) }}\n"
    f"select user_id, sum(value) as y from events where {BOUNDS} group by user_id\n",
    "ratio": "{{ config(version=1, type='ratio', covariate=false) }}\n"
    f"select user_id, sum(value) as numerator, sum(size) as denominator from events where {BOUNDS} group by user_id\n",
    "quantile": "{{ config(version=1, type='quantile', quantile=0.9) }}\n"
    f"select user_id, value from events where {BOUNDS}\n",
}
FILES = {
    "steelyard.yml": """
name: calibration
profile: calibration
timezone: UTC
units: {user: user_id}
exposures:
  app: {unit: user, sql: select * from exposures, timestamp: exposed_at, dimensions: [replicate]}
defaults: {window: 1d, covariate_lookback: 7d}
""",
    "profiles.yml": """
calibration:
  target: dev
  outputs: {dev: {type: duckdb, path: unused.duckdb, schema: steelyard}}
""",
    "experiments/simulated.yml": f"""
name: simulated
hypothesis: Nothing differs.
exposures: app
status: running
start: {START}
end: {START + timedelta(days=60)}
variants: [{{name: control, allocation: 50%}}, {{name: treatment, allocation: 50%}}]
metrics: {{primary: METRIC}}
analysis: {{test: group_sequential, dimensions: [replicate]}}
""",
}
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class World:
    """Rows of one batch; one entry per unit, except for the events' arrays.

    ``unit`` numbers the unit of each event; ``before`` are values before the exposure.
    """

    replicate: IntArray
    treated: IntArray
    day: IntArray
    unit: IntArray
    value: FloatArray
    size: FloatArray | None = None
    before: FloatArray | None = None


def run(metric: str, world: World) -> ExperimentMoments:
    """Return the moments that the engine computes of a world's rows."""
    connection = duckdb.connect(config={"threads": 1})
    _fill(connection, world)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {**FILES, f"metrics/{metric}.sql": METRICS[metric]}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text.replace("METRIC", metric), encoding="utf-8")
        with DuckDBWarehouse(connection, where="calibration", secrets=()) as warehouse:
            as_of = START + timedelta(days=int(world.day.max()))
            return compute_moments(load_project(root), warehouse, as_of=as_of)["simulated"]


def replicate_means(found: ExperimentMoments) -> VariantMeans:
    """Return the engine's means by replicate, shape (replicates, days, variants)."""
    (_, measure), *_ = found.planned.measures
    means = estimate_means(found, measure).means
    everyone = [None, *sorted(str(name) for dimension, name in found.exposed if dimension)]
    order = [everyone.index(str(k)) for k in range(len(everyone) - 1)]
    fields = {
        name: getattr(means, name)[order]
        for name in means.__dataclass_fields__
        if name not in ("notes", "method")
    }
    notes = {name: cells[order] for name, cells in means.notes.items()}
    return VariantMeans(**fields, notes=notes, method=means.method)


def replicate_moments(found: ExperimentMoments) -> Moments:
    """Return the reduced moments by replicate, shape (replicates, days, variants)."""
    (_, measure), *_ = found.planned.measures
    cells = found.metrics[measure.name].cells
    stacked = Moments.stack([cells[("replicate", str(k))] for k in range(len(cells) - 1)], axis=0)
    return METRIC_TYPES[measure.query.source.config.type].reduce(stacked).moments


def _fill(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    start = np.datetime64(START, "us")
    exposed_at = start + world.day.astype("timedelta64[D]")
    units = pa.table(
        {
            "user_id": np.arange(len(world.day)),
            "treated": world.treated,
            "exposed_at": exposed_at,
            "replicate": world.replicate,
        }
    )
    parts = [(world.unit, exposed_at[world.unit] + np.timedelta64(1, "h"), world.value, world.size)]
    if world.before is not None:
        everyone = np.arange(len(world.day))
        parts.append((everyone, exposed_at - np.timedelta64(1, "h"), world.before, None))
    rows = [
        pa.table(
            {
                "user_id": unit,
                "happened_at": at,
                "value": value,
                "size": np.zeros(len(unit)) if size is None else size,
            }
        )
        for unit, at, value, size in parts
    ]
    connection.register("units", units)
    connection.register("rows", pa.concat_tables(rows))
    connection.execute(
        "create table exposures as select 'simulated' as experiment_id, user_id, exposed_at, replicate, "
        "case when treated = 1 then 'treatment' else 'control' end as variant from units"
    )
    connection.execute("create table events as select * from rows")
