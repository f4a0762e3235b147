"""One more day: Steelyard continues from the state that the days before have left."""

import os
import shutil
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from benchmarks.child import measure
from benchmarks.ways import ours
from steelyard.run import Project, RunOptions
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse

START = date(2026, 3, 31)
"""Day 1; the log begins on day 2, so that day 15 is the last day of the data."""


def prepare(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Run the days before, untimed: the first makes the state, the second with the caps that the first has found."""
    DuckDBWarehouse.keeps_state = settings["keeps_state"]  # type: ignore[misc]
    prepared = ours.prepare(settings)
    for path in (prepared["folder"] / "experiments").glob("*.yml"):
        spec = yaml.safe_load(path.read_text())
        path.write_text(yaml.safe_dump({**spec, "start": START, "status": "running"}))
    days = [settings["day"] - 3, settings["day"] - 2, settings["day"] - 1] if settings["is_continued"] else []
    for day in days:
        _run(prepared["folder"], day)
    return prepared


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    project, result = _run(settings["folder"], settings["day"])
    modes = {one.mode for one in result.reused.values()}
    if settings["is_continued"] and (
        modes != {"incremental"} or any(one.in_full for one in result.reused.values())
    ):
        raise SystemExit(f"day {settings['day']}: {result.reused}")
    stages = {name: round(value, 3) for name, value in result.seconds.items()}
    return {"seconds": stages, "estimates": {"separate": ours.estimates(project, result)}}


def _run(folder: Path, day: int) -> tuple[Project, Any]:
    project = Project.load(folder)
    result = project.run(RunOptions(as_of=START + timedelta(days=day - 1)))
    if result.failures:
        raise SystemExit(f"day {day}: {result.failures}")
    return project, result


if __name__ == "__main__":
    try:
        measure(run, prepare=prepare)
    finally:
        shutil.rmtree(Path(os.environ["BENCH_DATABASE"]).parent, ignore_errors=True)
