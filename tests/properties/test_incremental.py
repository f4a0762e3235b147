"""A run that continues from state publishes what a run from the beginning does, in whatever order rows arrive."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import yaml
from tests.support.draw_world import world_of_seed
from tests.support.engines import Engines
from tests.support.worlds import ChosenMetric, World

from steelyard.compile import state_copies
from steelyard.run import Project, RunOptions
from steelyard.run.pipeline import RunResult
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse
from steelyard.warehouse.names import quoted

DAY = timedelta(days=1)
LATENESS = 2
TABLES = ("moments", "timeseries", "results", "health", "looks", "caps", "decisions", "insights")


class Site:
    """A project with tables of its own in a database.

    Args:
        root: Its folder, made here.
        world: What it is of.
        output: Where its warehouse is.
        schema: Schema of the engine's tables.
    """

    def __init__(self, root: Path, world: World, output: Mapping[str, Any], schema: str) -> None:
        self.root, self.schema = root, schema
        root.mkdir()
        world.write(root, {**output, "schema": schema})
        settings = yaml.safe_load((root / "steelyard.yml").read_text(encoding="utf-8"))
        settings["exposures"]["app"]["lateness"] = f"{LATENESS}d"
        (root / "steelyard.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def arrive(self, world: World) -> None:
        """Put a world's rows into the database in the place of what was there."""
        with Project.load(self.root).connect() as warehouse:
            world.load(warehouse, self.root)

    def run(self, as_of: date, **options: Any) -> RunResult:
        """Run as of a day."""
        return Project.load(self.root).run(RunOptions(as_of=as_of, **options))

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """Return what the tables say, without the names of runs."""
        found = {}
        with Project.load(self.root).connect() as warehouse:
            for name in TABLES:
                rows = warehouse.query(f"select * from {quoted(name, self.schema)}").dicts()
                found[name] = [{key: row[key] for key in row if key != "run_id"} for row in rows]
        return found


@contextmanager
def without_state() -> Iterator[None]:
    """Let every run compute in full."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (Warehouse,):
            patch.setattr(kind, "keeps_state", False)
        yield


def differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[str]:
    """Yield what two databases say otherwise."""
    for table in TABLES:
        ours, theirs = _keyed(table, left[table]), _keyed(table, right[table])
        for key in sorted(ours.keys() ^ theirs.keys(), key=str):
            yield f"{table} {key} only in {'the first' if key in ours else 'the second'}"
        for key in ours.keys() & theirs.keys():
            for name, value in ours[key].items():
                if not _is_same(name, value, theirs[key][name], ours[key]):
                    yield f"{table} {key} {name}: {value} against {theirs[key][name]}"


KEYS = (
    "experiment_id",
    "as_of",
    "kind",
    "metric",
    "metric_version",
    "variant",
    "dimension",
    "segment",
    "hypothesis",
    "check_name",
    "look",
    "name",
    "detail",
)


def _keyed(table: str, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Mapping[str, Any]]:
    # How many rows hold NaN counts those within reach of the scans, which differ with the metrics that share them.
    shown = [
        row for row in rows if row.get("check_name") != "data_late" and "NaN" not in str(row.get("detail"))
    ]
    return {tuple(str(row.get(name, "")) for name in KEYS): row for row in shown}


def _is_same(name: str, left: Any, right: Any, row: Mapping[str, Any]) -> bool:
    if name in ("means", "m2"):
        return True  # compared with the spread below
    if isinstance(left, float) and isinstance(right, float):
        return isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right)


def moment_differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[str]:
    """Yield the moments that differ by more than 1e-12 of their size."""
    ours, theirs = (_keyed("moments", one["moments"]) for one in (left, right))
    for key in ours.keys() & theirs.keys():
        a, b = ours[key], theirs[key]
        if not a["n"]:
            continue
        means, others = np.array(json.loads(a["means"])), np.array(json.loads(b["means"]))
        m2, m2_other = np.array(json.loads(a["m2"])), np.array(json.loads(b["m2"]))
        size = np.abs(means) * np.sqrt(a["n"]) + np.sqrt(np.abs(np.diag(m2)))
        near = 1e-12 * size / np.sqrt(a["n"]) + 1e-12
        if not np.all(np.abs(means - others) <= near):
            yield f"{key} means {means} against {others}"
        if not np.all(np.abs(m2 - m2_other) <= 1e-11 * np.outer(size, size) + 1e-12):
            yield f"{key} m2 {m2.tolist()} against {m2_other.tolist()}"


def prepared(world: World, *, has_levels: bool) -> World:
    """Return a world whose metrics have a direction, as success metrics must, and whose experiments adjust alike.

    Where one experiment adjusts a metric and another does not, published moments depend on which of them run together.
    """
    metrics = tuple(
        replace(one, config={**_adjusted(one, has_levels=has_levels), "direction": "increase"})
        for one in world.metrics
    )
    adjustment = world.experiments[0].adjustment
    experiments = tuple(replace(one, adjustment=adjustment) for one in world.experiments)
    return replace(world, metrics=metrics, experiments=experiments)


def _adjusted(metric: ChosenMetric, *, has_levels: bool) -> Mapping[str, Any]:
    """Return a metric's config, without covariates that are dimensions unless those are wanted."""
    names = metric.config.get("covariate")
    is_level = isinstance(names, list) and bool({"country", "platform"} & set(names))
    return metric.config if has_levels or not is_level else {**metric.config, "covariate": True}


def arrivals(world: World, seed: int) -> list[tuple[date, World]]:
    """Return what has arrived by each day: every row on its own day or up to `LATENESS` days later.

    By seed no row is late, few are, or most. Half of the facts that are late come at once, with a value that is wrong
    until then.
    """
    rng = np.random.default_rng(seed)
    late = _Late(world, share=(0.0, 0.02, 0.7)[seed % 3], rng=rng)
    first = min(one.start for one in world.experiments) - DAY
    days = [first + number * DAY for number in range((world.as_of - first).days + 1)]
    exposed = [late.day("exposures", row.at) for row in world.exposures]
    facts = [
        min(late.day("events", row[name]) for name in ("ts", "event_date") if row[name] is not None)
        if row["ts"] is not None or row["event_date"] is not None
        else date.min
        for row in world.events
    ]
    is_corrected = rng.random(len(facts)) < 0.5
    met = [late.day("met", at) for _, at in world.triggers]
    return [
        (
            day,
            replace(
                world,
                exposures=tuple(row for row, at in zip(world.exposures, exposed, strict=True) if at <= day),
                events=tuple(
                    row if at <= day else {**row, "value": 7.0}
                    for row, at, is_wrong in zip(world.events, facts, is_corrected, strict=True)
                    if at <= day or (is_wrong and late.own_day(row) <= day)
                ),
                triggers=tuple(row for row, at in zip(world.triggers, met, strict=True) if at <= day),
            ),
        )
        for day in days
    ]


class _Late:
    """When rows of a world arrive.

    Args:
        world: The world.
        share: Of rows, those that are late.
        rng: Draws which, and by how much.
    """

    def __init__(self, world: World, *, share: float, rng: np.random.Generator) -> None:
        self.world, self.share, self.rng = world, share, rng

    def day(self, table: str, moment: Any) -> date:
        """Return the day on which a row arrives."""
        if moment is None:
            return date.min
        is_late = self.rng.random() < self.share
        return self._local(moment) + int(is_late and self.rng.integers(1, LATENESS + 1)) * DAY

    def own_day(self, row: Any) -> date:
        """Return the later of a fact's own days, on which it may come with another value."""
        return max(self._local(row[name]) for name in ("ts", "event_date") if row[name] is not None)

    def _local(self, moment: Any) -> date:
        # A row with two times is in time for both, so it may come before the later of them.
        if isinstance(moment, datetime):
            zone = UTC if moment.tzinfo else ZoneInfo(self.world.naive)
            at = moment if moment.tzinfo else moment.replace(tzinfo=zone)
            return at.astimezone(ZoneInfo(self.world.zone)).date()
        assert isinstance(moment, date)
        return moment


def check(seed: int, folder: Path, output: Mapping[str, Any]) -> set[str]:
    """Run a world day by day, with state and without, and compare what is published on each day."""
    world = prepared(world_of_seed(seed), has_levels=seed % 4 == 0)
    modes: set[str] = set()
    with_state = Site(folder / "state", world, output, "steelyard")
    in_full = Site(folder / "full", world, output, "in_full")
    for day, arrived in arrivals(world, seed):
        with_state.arrive(arrived)
        if not any(one.start <= day for one in world.experiments):
            continue
        result = with_state.run(day)
        modes |= {f"{one.mode} {one.reason}".strip() for one in result.reused.values()}
        with without_state():
            assert result.failures == in_full.run(day).failures
        ours, theirs = with_state.published(), in_full.published()
        found = [*differences(ours, theirs), *moment_differences(ours, theirs)]
        assert not found, f"seed {seed}, {day}, {modes}: {found[:5]}"
    # A state whose constants are far from few units' means is of no use by itself, and the run a full one.
    useless = [mode for mode in modes if "of no use" in mode and "moved far away" not in mode]
    assert not useless, useless
    return modes


@pytest.mark.long
@pytest.mark.parametrize(("engine", "seed"), [("duckdb", 17), ("duckdb", 3010), ("postgres", 10)], ids=str)
def test_incremental_runs_publish_what_full_runs_do(
    engine: str, seed: int, engines: Engines, tmp_path: Path
) -> None:
    assert "incremental" in check(seed, tmp_path, engines.new(engine))


@pytest.mark.long
def test_incremental_runs_whose_state_is_in_copies_publish_what_full_runs_do(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DuckDBWarehouse, "changes_tables_together", False)
    monkeypatch.setattr(state_copies, "MOST_COPIES", 3)
    assert "incremental" in check(3001, tmp_path, engines.new("duckdb"))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["duckdb", "postgres", "clickhouse"])
@pytest.mark.parametrize("block", range(20))
def test_many_incremental_runs_publish_what_full_runs_do(block: int, engine: str, engines: Engines) -> None:
    for seed in range(3000 + 5 * block, 3005 + 5 * block):
        with TemporaryDirectory() as folder:
            check(seed, Path(folder), engines.new(engine))
