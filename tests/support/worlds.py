"""Small worlds: rows with every oddity that a log can have, and experiments and metrics that read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import yaml
from hypothesis import strategies as st
from tests.support.brute_force import DAY, Experiment, Exposure, Metric, Row, Rows
from tests.support.metric_catalogue import DATE, TIMESTAMP, Written

from steelyard.warehouse.base import Warehouse

DIMENSIONS = ("country", "platform")
PRODUCTS = ((1, 2.0), (2, 0.5), (3, None))
DEFAULT_LOOKBACK, DEFAULT_WINDOW = 5 * DAY, 3 * DAY
# Each with a start whose experiment runs over a change of the clock, where the zone has one.
ZONES = (
    ("UTC", date(2026, 4, 1)),
    ("Asia/Singapore", date(2026, 4, 1)),
    ("Europe/Berlin", date(2026, 3, 26)),
    ("America/New_York", date(2026, 3, 5)),
    ("Europe/Berlin", date(2026, 10, 22)),
    ("America/Mexico_City", date(2026, 10, 29)),
)
UNITS = (
    "u1",
    "u2",
    "u3",
    "ünï",
    "用户 7",
    "O'Brien",
    'a"b',
    " u1",
    *(f"v{number}" for number in range(16)),
    "",
    None,
)
COUNTRIES = ("SG", "MY", "(null)", None, "Ö", *(f"c{number:02}" for number in range(12)))


class Chooser(Protocol):
    """Where the choices come from."""

    def pick(self, options: Sequence[Any]) -> Any:
        """Return one of some options."""

    def number(self, low: int, high: int) -> int:
        """Return a whole number from low to high."""


@dataclass(frozen=True)
class RandomChooser:
    """Choices from a seed."""

    rng: np.random.Generator

    def pick(self, options: Sequence[Any]) -> Any:
        """Return one of some options."""
        return options[self.rng.integers(len(options))]

    def number(self, low: int, high: int) -> int:
        """Return a whole number from low to high."""
        return int(self.rng.integers(low, high + 1))


@dataclass(frozen=True)
class DrawnChooser:
    """Choices that hypothesis makes, and makes simpler."""

    draw: Any

    def pick(self, options: Sequence[Any]) -> Any:
        """Return one of some options."""
        return self.draw(st.sampled_from(list(options)))

    def number(self, low: int, high: int) -> int:
        """Return a whole number from low to high."""
        return self.draw(st.integers(low, high))


@dataclass(frozen=True, kw_only=True)
class ChosenMetric:
    """A metric of the catalogue with a config; ``config`` is what its file says."""

    written: Written
    is_date: bool
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.written.name

    def file(self) -> str:
        """Return the metric's SQL file."""
        config = {"version": 1, "type": self.written.type, **self.config}
        arguments = ", ".join(f"{key}={value!r}" for key, value in config.items()).replace("=None", "=none")
        query = self.written.sql.format(key="user_id", time=DATE if self.is_date else TIMESTAMP)
        return f"{{{{ config({arguments}) }}}}\n{query}\n"


@dataclass(frozen=True, kw_only=True)
class ChosenExperiment:
    """An experiment as its file says it."""

    name: str
    start: date
    end: date | None
    variants: tuple[str, ...]
    test: str
    adjustment: str
    trigger: bool
    targeting: Mapping[str, tuple[Any, ...]]
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]

    def file(self) -> str:
        """Return the experiment's YAML file."""
        content = {
            "name": self.name,
            "status": "running",
            "start": self.start,
            "end": self.end,
            "variants": list(self.variants),
            "targeting": {name: list(allowed) for name, allowed in self.targeting.items()},
            "metrics": {"primary": self.metrics[0], "secondary": list(self.metrics[1:])},
            "analysis": {
                "test": self.test,
                "adjustment": self.adjustment,
                "trigger": "met" if self.trigger else None,
                "dimensions": list(self.dimensions),
            },
        }
        return yaml.safe_dump({key: value for key, value in content.items() if value is not None})


@dataclass(frozen=True, kw_only=True)
class World:
    """Rows, metrics and experiments.

    Attributes:
        zone: Zone in which days begin.
        naive: Zone of moments without one.
        zoned: Tables whose moments carry their zone.
        as_of: Last day.
        exposures: The log of exposures.
        events: The facts.
        triggers: Rows (unit, moment).
        metrics: The metrics.
        experiments: The experiments.
    """

    zone: str
    naive: str
    zoned: frozenset[str]
    as_of: date
    exposures: tuple[Exposure, ...]
    events: tuple[Row, ...]
    triggers: tuple[tuple[Any, datetime | None], ...]
    metrics: tuple[ChosenMetric, ...]
    experiments: tuple[ChosenExperiment, ...]

    def write(self, root: Path, output: Mapping[str, Any] | None = None) -> None:
        """Write the project.

        Args:
            root: Its folder.
            output: Where its warehouse is; None for a DuckDB file in the folder.
        """
        project = {
            "name": "world",
            "profile": "world",
            "dialect": "duckdb",
            "timezone": self.zone,
            "naive_timestamps": self.naive,
            "units": {"user": "user_id"},
            "exposures": {
                "app": {
                    "unit": "user",
                    "sql": "select * from exposures",
                    "timestamp": "exposed_at",
                    "dimensions": list(DIMENSIONS),
                }
            },
            "triggers": {"met": {"unit": "user", "sql": "select * from met", "timestamp": "met_at"}},
            "defaults": {
                "covariate_lookback": f"{DEFAULT_LOOKBACK.days}d",
                "window": f"{DEFAULT_WINDOW.days}d",
            },
        }
        beside = {"type": "duckdb", "path": str(root / "world.duckdb"), "schema": "steelyard"}
        profile = {"world": {"target": "dev", "outputs": {"dev": dict(output or beside)}}}
        files = {
            "steelyard.yml": yaml.safe_dump(project),
            "profiles.yml": yaml.safe_dump(profile),
            **{f"metrics/{metric.name}.sql": metric.file() for metric in self.metrics},
            **{f"experiments/{one.name}.yml": one.file() for one in self.experiments},
        }
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")

    def fill(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create the tables."""
        moment = {
            name: "timestamptz" if name in self.zoned else "timestamp"
            for name in ("exposures", "events", "met")
        }
        connection.execute(
            "create or replace table exposures (experiment_id varchar, user_id varchar, variant varchar, "
            f"exposed_at {moment['exposures']}, country varchar, platform varchar)"
        )
        connection.execute(
            f"create or replace table events (user_id varchar, ts {moment['events']}, event_date date, kind varchar, "
            "value double, qty bigint, big double, item varchar, flag boolean, product_id bigint)"
        )
        connection.execute(f"create or replace table met (user_id varchar, met_at {moment['met']})")
        connection.execute("create or replace table products (product_id bigint, price double)")
        exposures = [
            (row.experiment, row.unit, row.variant, row.at, *(row.dimensions[name] for name in DIMENSIONS))
            for row in self.exposures
        ]
        _insert(connection, "exposures", exposures)
        _insert(connection, "events", [tuple(row.values()) for row in self.events])
        _insert(connection, "met", self.triggers)
        _insert(connection, "products", PRODUCTS)

    def load(self, warehouse: Warehouse, folder: Path) -> None:
        """Create the tables in a warehouse, by way of files in a folder."""
        with duckdb.connect() as connection:
            self.fill(connection)
            for name in ("exposures", "events", "met", "products"):
                path = folder / f"{name}.parquet"
                connection.execute(f"copy {name} to '{path}' (format parquet)")
                warehouse.load_file(name, path)

    def rows(self) -> Rows:
        """Return what the oracle reads."""
        return Rows(
            exposures=self.exposures,
            dimensions=DIMENSIONS,
            tables={"events": self.events},
            zone=ZoneInfo(self.zone),
            naive=ZoneInfo(self.naive),
            as_of=self.as_of,
        )

    def settled(self, experiment: ChosenExperiment) -> Experiment:
        """Return an experiment with its metrics as the oracle takes it."""
        return Experiment(
            name=experiment.name,
            start=experiment.start,
            end=experiment.end,
            variants=experiment.variants,
            targeting=experiment.targeting,
            trigger=self.triggers if experiment.trigger else None,
            metrics={name: self._metric(name, experiment) for name in experiment.metrics},
        )

    def covariate_dimensions(self) -> tuple[str, ...]:
        """Return the dimensions that adjust some metric."""
        named = {name for metric in self.metrics for name in _covariate_names(metric)}
        return tuple(name for name in DIMENSIONS if name in named)

    def _metric(self, name: str, experiment: ChosenExperiment) -> Metric:
        metric = _settle(self._chosen(name), is_sequential=experiment.test != "fixed")
        covariate = self._chosen(name).config.get("covariate", True)
        if covariate is False or experiment.adjustment == "none":
            return metric
        names = _covariate_names(self._chosen(name))
        if not names:
            return replace(metric, covariates=(metric,))
        others: list[Metric | str] = []
        for other in names:
            settled = other if other in DIMENSIONS else _settle(self._chosen(other), is_sequential=False)
            if isinstance(settled, Metric) and isinstance(covariate, dict) and "lookback" in covariate:
                settled = replace(settled, lookback=_span(covariate["lookback"]))
            others.append(settled)
        return replace(metric, covariates=tuple(others))

    def _chosen(self, name: str) -> ChosenMetric:
        return next(metric for metric in self.metrics if metric.name == name)


def _covariate_names(metric: ChosenMetric) -> tuple[str, ...]:
    covariate = metric.config.get("covariate")
    if isinstance(covariate, dict):
        return tuple(covariate.get("names", ()))
    return tuple(covariate) if isinstance(covariate, list) else ()


def _settle(metric: ChosenMetric, *, is_sequential: bool) -> Metric:
    """Return a metric with its window, fill and caps, without covariates."""
    config = metric.config
    window = config.get("window", {})
    start, end = _span(window.get("start", "0d")), _span(window["end"]) if "end" in window else None
    if is_sequential and end is None:
        end = start + DEFAULT_WINDOW
    fill = config.get("fill", "auto")
    caps = config.get("winsorize", {})
    covariate = config.get("covariate")
    lookback = covariate.get("lookback") if isinstance(covariate, dict) else None
    return Metric(
        parts=metric.written.parts,
        table="events",
        time="event_date" if metric.is_date else "ts",
        is_date=metric.is_date,
        start=start,
        end=end,
        mature=is_sequential or bool(window.get("mature", False)),
        fills=metric.written.fills if fill == "auto" else (fill,) * len(metric.written.parts),
        lower=_cap(caps.get("lower")),
        upper=_cap(caps.get("upper")),
        ignore_zeros=bool(caps.get("ignore_zeros", False)),
        lookback=DEFAULT_LOOKBACK if lookback is None else _span(lookback),
    )


def _span(text: str) -> timedelta:
    return timedelta(**{"days" if text.endswith("d") else "hours": int(text[:-1])})


def _cap(value: Any) -> float | Fraction | None:
    return Fraction(int(value[:-1]), 100) if isinstance(value, str) else value


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        texts = [[str(item) if isinstance(item, date) else item for item in row] for row in rows]
        connection.executemany(f"insert into {table} values ({marks})", texts)
