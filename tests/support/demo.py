"""The demo, run on a warehouse as a user runs it: seed, run, report."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml
from tests.support.agreement import Published, read_published

from steelyard.report.text import render
from steelyard.run import Project, RunOptions, project_reports, seed_project

ROOT = Path(__file__).parents[2]
AS_OF = date(2026, 5, 12)
_PARTS = ("steelyard.yml", "metrics", "metrics.lock", "experiments", "surfaces")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a run of the demo left.

    Attributes:
        project: The project, of which more can be asked.
        tables: Rows of every result table.
        reports: The text of each report, by experiment.
        seconds: Wall time of seeding, running and reporting.
    """

    project: Project
    tables: Published
    reports: dict[str, str]
    seconds: dict[str, float]


def write_demo(root: Path, data: Path, output: Mapping[str, Any]) -> Project:
    """Copy the demo's project to a folder, with data and a profile of one output.

    Args:
        root: A new folder.
        data: Folder of the data.
        output: Where the profile leads.
    """
    root.mkdir(parents=True)
    for name in _PARTS:
        with suppress(NotADirectoryError):
            shutil.copytree(ROOT / name, root / name)
            continue
        shutil.copy(ROOT / name, root / name)
    (root / "fixtures").symlink_to(data, target_is_directory=True)
    profile = {"storefront": {"target": "dev", "outputs": {"dev": dict(output)}}}
    (root / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    return Project.load(root)


def run_demo(project: Project, *, select: tuple[str, ...] = (), as_of: date = AS_OF) -> Demo:
    """Seed, run and report.

    Args:
        project: Of `write_demo`.
        select: Experiments; empty for all.
        as_of: Last day.
    """
    clock = [perf_counter()]
    seed_project(project)
    clock.append(perf_counter())
    result = project.run(RunOptions(as_of=as_of, select=select))
    assert not result.failures, result.failures
    clock.append(perf_counter())
    reports = {str(report.experiment["experiment_id"]): render(report) for report in project_reports(project)}
    clock.append(perf_counter())
    stages = ("seed", "run", "report")
    seconds = {stage: clock[i + 1] - clock[i] for i, stage in enumerate(stages)}
    with project.connect() as warehouse:
        tables = read_published(warehouse, project.profile().target_schema)
    return Demo(project=project, tables=tables, reports=reports, seconds=seconds)
