"""A project of a few tables whose rows a test makes itself, run through the warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from steelyard.run import Project, RunOptions, RunResult

START = date(2026, 4, 1)
MIDNIGHT = datetime(2026, 4, 1)
METRICS = {
    "spend": "{{ config(version=1, direction='increase', window={'start': '0d', 'end': '1d', 'mature': true}) }}\n"
    "select user_id, sum(amount) as spend from events where ts >= :start and ts < :end group by user_id\n",
    "price": "{{ config(version=1, direction='increase', type='ratio',"
    " window={'start': '0d', 'end': '1d', 'mature': true}) }}\n"
    "select user_id, sum(amount) as numerator, count(*) as denominator from events\n"
    "where ts >= :start and ts < :end group by user_id\n",
}
PROJECT = {
    "name": "small",
    "profile": "small",
    "units": {"user": "user_id"},
    "exposures": {
        "app": {
            "unit": "user",
            "sql": "select * from exposures",
            "timestamp": "exposed_at",
            "dimensions": ["country"],
        }
    },
    "triggers": {"met": {"unit": "user", "sql": "select * from met", "timestamp": "met_at"}},
    "defaults": {"covariate_lookback": "3d"},
}
COLUMNS = {
    "exposures": ("experiment_id", "user_id", "variant", "exposed_at", "country"),
    "events": ("user_id", "ts", "amount"),
    "met": ("user_id", "met_at"),
}
TYPES = {"exposed_at": pa.timestamp("us"), "ts": pa.timestamp("us"), "met_at": pa.timestamp("us")}

Row = dict[str, Any]


@dataclass(frozen=True)
class Small:
    """A project that has been run."""

    folder: Path
    result: RunResult

    def rows(self, table: str, where: str = "true") -> list[Row]:
        """Return rows of a result table."""
        with duckdb.connect(str(self.folder / "small.duckdb"), read_only=True) as connection:
            found = connection.execute(f"select * from steelyard.{table} where {where} order by all")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def write(
    folder: Path,
    *,
    experiments: Mapping[str, Mapping[str, Any]],
    tables: Mapping[str, Sequence[Sequence[Any]]],
    metrics: Mapping[str, str] = METRICS,
) -> None:
    """Write the files and fill the tables.

    Args:
        folder: Where.
        experiments: What each file says beside its name.
        tables: Rows of ``exposures``, ``events`` and ``met``.
        metrics: Metric files by name.
    """
    output = {"type": "duckdb", "path": str(folder / "small.duckdb"), "schema": "steelyard"}
    profiles = {"small": {"target": "dev", "outputs": {"dev": output}}}
    files = {
        "steelyard.yml": yaml.safe_dump(PROJECT),
        "profiles.yml": yaml.safe_dump(profiles),
        **{f"metrics/{name}.sql": text for name, text in metrics.items()},
        **{
            f"experiments/{name}.yml": yaml.safe_dump(
                {"name": name, "exposures": "app", **spec}, sort_keys=False
            )
            for name, spec in experiments.items()
        },
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    with duckdb.connect(str(folder / "small.duckdb")) as connection:
        for table, names in COLUMNS.items():
            given = tables.get(table, ())
            columns = {
                name: pa.array(
                    [row[k] for row in given], type=TYPES.get(name, None if given else pa.string())
                )
                for k, name in enumerate(names)
            }
            connection.register("given", pa.table(columns))
            connection.execute(f"create or replace table {table} as select * from given")
            connection.unregister("given")


def run(folder: Path, as_of: date, **options: Any) -> Small:
    """Run the project; no experiment may fail."""
    result = Project.load(folder).run(RunOptions(as_of=as_of, **options))
    assert not result.failures, result.failures
    return Small(folder=folder, result=result)


def moment(day: int, hour: float = 12.0) -> datetime:
    """Return a moment of a day of the experiment, counted from 0."""
    return MIDNIGHT + timedelta(days=day, hours=hour)
