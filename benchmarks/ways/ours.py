"""Steelyard as ``steelyard run`` runs it: a project on disk, a DuckDB target, published tables."""

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from benchmarks.child import measure
from benchmarks.ways.data import open_views
from steelyard.run import Project, RunOptions, RunResult

PROJECT = Path(__file__).parents[1] / "project"
FIRST, LAST = date(2026, 4, 1), date(2026, 4, 14)


def prepare(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write the project with the experiments that are wanted, and a database with the views."""
    folder = Path(mkdtemp(prefix="bench-", dir=settings["spill"]))
    write_project(settings, folder)
    os.environ.update(
        BENCH_DATABASE=str(folder / "bench.duckdb"),
        BENCH_THREADS=str(settings["threads"]),
        BENCH_MEMORY=settings["memory"],
        BENCH_SPILL=settings["spill"],
    )
    open_views(settings, os.environ["BENCH_DATABASE"]).close()
    return {**settings, "folder": folder}


def write_project(settings: Mapping[str, Any], folder: Path) -> None:
    """Write the project into a folder."""
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    written = folder / "experiments" / "exp000.yml"
    spec = yaml.safe_load(written.read_text())
    _write_generated(folder, settings.get("generated_metrics", 0))
    for number in range(settings["experiments"]):
        name = f"exp{number:03}"
        (folder / "experiments" / f"{name}.yml").write_text(yaml.safe_dump(_changed(spec, name, settings)))


def _generated(count: int) -> Iterator[str]:
    """Yield names of metrics that differ in their events, their aggregate and the least value that counts."""
    for number in range(count):
        yield f"metric_{number:02}"


def _write_generated(folder: Path, count: int) -> None:
    events = ("purchase", "session", "page_view", "checkout", "add_to_cart")
    for number, name in enumerate(_generated(count)):
        aggregate = "sum(value)" if number // len(events) % 2 == 0 else "count(*)"
        least = number // (2 * len(events)) * 0.5
        (folder / "metrics" / f"{name}.sql").write_text(
            "{{ config(version=1, direction='increase') }}\n"
            f"select user_id, {aggregate} as {name} from events\n"
            f"where event_type = '{events[number % len(events)]}' and value >= {least}\n"
            "  and ts >= :start and ts < :end\ngroup by user_id\n"
        )


def _changed(spec: Mapping[str, Any], name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    metrics = [*spec["metrics"]["secondary"], *settings["more_metrics"]]
    changed = {**spec, "name": name, "metrics": {**spec["metrics"], "secondary": metrics}}
    if "generated_metrics" in settings:
        first, *others = _generated(settings["generated_metrics"])
        return {**changed, "metrics": {"primary": first, "secondary": others}}
    if settings["is_cohort"]:
        changed["analysis"] = {**spec["analysis"], "test": "group_sequential"}
        kept = [metric for metric in metrics if metric != "retention"]
        changed["metrics"]["secondary"] = [*kept, "retention_in_week_one"]
    return changed


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    days = [LAST] if not settings["is_every_day"] else list(_days())
    for as_of in days:
        project = Project.load(settings["folder"])
        result = project.run(RunOptions(as_of=as_of, is_series=settings["is_series"]))
        if result.failures:
            raise SystemExit(f"{as_of}: {result.failures}")
    stages = {name: round(value, 3) for name, value in result.seconds.items()}
    return {"seconds": stages, "estimates": {"separate": estimates(project, result)}}


def _days() -> Iterator[date]:
    for number in range((LAST - FIRST).days + 1):
        yield FIRST + timedelta(days=number)


def estimates(project: Project, result: RunResult) -> dict[str, tuple[float, float]]:
    sql = f"""
        select distinct metric, effect, std_error from {project.profile().target_schema}.results
        where experiment_id = 'exp000' and as_of = date '{result.as_of}' and dimension = ''
    """
    with project.connect() as warehouse:
        return {metric: (effect, error) for metric, effect, error in warehouse.query(sql)}


if __name__ == "__main__":
    try:
        measure(run, prepare=prepare)
    finally:
        shutil.rmtree(Path(os.environ["BENCH_DATABASE"]).parent, ignore_errors=True)
