"""The SQL of a run as files, without a warehouse; and what a run would do, with one."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from steelyard import __version__
from steelyard.compile.explain import explain
from steelyard.compile.lock import meaning_of
from steelyard.compile.plan import GroupPlan
from steelyard.errors import SpecError
from steelyard.run.budget import planned_reading, reading_queries, require_budget, shown_size
from steelyard.run.metrics import sorted_items
from steelyard.run.pipeline import RunOptions
from steelyard.run.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What compiling wrote.

    Attributes:
        folder: Folder of the files.
        paths: The files, relative to the project.
        explanation: Lines that say which metrics share a scan, and why one does not.
    """

    folder: Path
    paths: list[str]
    explanation: list[str]


def compile_project(project: Project, *, select: Sequence[str] = (), dialect: str | None = None) -> Compiled:
    """Write the SQL of a run to ``target/compiled`` and the manifest to ``target``.

    Args:
        project: The project.
        select: Experiments; empty for all.
        dialect: Dialect of the SQL; None for the target's.
    """
    name = dialect or _target_dialect(project)
    folder = project.files.folder("target") / "compiled" / name
    paths, explanation = [], []
    for plan in project.plans(select=select, dialect=name):
        explanation += [*explain(plan), ""]
        for file, text in _files(plan):
            path = folder / plan.group.exposures / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
            paths.append(path.relative_to(project.files.root).as_posix())
    write_manifest(project)
    return Compiled(folder=folder, paths=paths, explanation=explanation)


def _files(plan: GroupPlan) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each statement, numbered in the order in which they run.

    Constants that a run finds first, shifts and percentile caps, stand as named placeholders.
    """
    number = 0
    for statement in plan.setup():
        number += 1
        yield f"{number:02}_{statement.name}.sql", plan.text(statement.tree)
    levels = {name: ["<base>"] for name in plan.group.dimensions}
    asked = plan.questions(levels)
    if asked.units is not None:
        number += 1
        yield f"{number:02}_{asked.units.name}.sql", plan.text(asked.units.tree)
    if asked.caps is not None:
        number += 1
        yield f"{number:02}_caps.sql", plan.text(asked.caps[0])
    for query in asked.moments:
        number += 1
        yield f"{number:02}_{query.name}.sql", plan.text(plan.rollup(query, query.moments))


def write_manifest(project: Project) -> Path:
    """Write every spec with every default, and every metric with its meaning, to ``target/manifest.json``."""
    path = project.files.folder("target") / "manifest.json"
    metrics = [
        {
            "name": key.name,
            "version": key.version,
            "fingerprint": meaning_of(query).fingerprint,
            "file": query.source.where,
            "config": query.source.config.model_dump(mode="json"),
            "sql": query.source.sql.strip(),
            "taken_apart": query.shape != "opaque",
            "why_not": query.why_opaque or None,
        }
        for key, query in sorted_items(project.metrics())
    ]
    manifest = {**project.files.to_json(), "metrics": metrics, "engine_version": __version__}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    return path


def dry_run(project: Project, options: RunOptions) -> Iterator[str]:
    """Yield what a run would scan, and the warehouse's estimate of it; nothing is written to the warehouse."""
    with project.connect() as warehouse:
        plans = project.plans(
            as_of=options.as_of,
            select=options.select,
            is_series=options.is_series,
            dialect=warehouse.dialect,
        )
        for plan in plans:
            yield from explain(plan)
            yield ""
            for name, sql in reading_queries(plan):
                yield f"the warehouse's plan of {name}:"
                yield warehouse.estimate(sql)
        reading = planned_reading(plans, warehouse)
        if reading is not None:
            yield f"a run reads at most {reading.rows:,} rows, about {shown_size(reading.size)}"
        require_budget(plans, warehouse, options)


def _target_dialect(project: Project) -> str:
    """Return the dialect of the target; DuckDB where there is no profile, since compiling needs no credentials."""
    try:
        return str(getattr(project.profile().output, "type", "duckdb"))
    except SpecError:
        return "duckdb"
