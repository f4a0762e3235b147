"""The SQL of a run as files, without a warehouse; and what a run would do, with one."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from steelyard import __version__
from steelyard.compile.explain import explain
from steelyard.compile.group import Statement
from steelyard.compile.lock import meaning_of
from steelyard.compile.plan import GroupPlan
from steelyard.compile.refusals import refusals_of
from steelyard.compile.shared_units import Sharing
from steelyard.errors import CompileError, SpecError
from steelyard.run.budget import planned_reading, reading_queries, require_budget, told_reading
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
        refusals: What the dialect cannot say, in the order of the statements; none of these has a file.
    """

    folder: Path
    paths: list[str]
    explanation: list[str]
    refusals: list[CompileError]


def compile_project(project: Project, *, select: Sequence[str] = (), dialect: str | None = None) -> Compiled:
    """Write the SQL of a run to ``target/compiled`` and the manifest to ``target``.

    A statement that the dialect cannot say is left out; the others are written.

    Args:
        project: The project.
        select: Experiments; empty for all.
        dialect: Dialect of the SQL; None for the target's.
    """
    name = dialect or _target_dialect(project)
    folder = project.files.folder("target") / "compiled" / name
    compiled = Compiled(folder=folder, paths=[], explanation=[], refusals=[])
    for plan in project.plans(select=select, dialect=name):
        compiled.explanation.extend([*explain(plan), ""])
        for number, statement in enumerate(_statements(plan), start=1):
            path = folder / plan.group.exposures / f"{number:02}_{statement.name}.sql"
            try:
                text = plan.text(statement.tree)
            except CompileError:
                compiled.refusals.extend(refusals_of(plan, statement))
                path.unlink(missing_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
            compiled.paths.append(path.relative_to(project.files.root).as_posix())
    write_manifest(project)
    return compiled


def _statements(plan: GroupPlan) -> Iterator[Statement]:
    """Yield the statements in the order in which they run.

    Constants that a run finds first, shifts and percentile caps, stand as named placeholders, and of each dimension
    that is a covariate two levels stand for all.
    """
    yield from plan.setup()
    sharing = Sharing.of(plan.group.experiments, metrics=plan.files.project.health.interaction_metrics)
    if sharing.places:
        yield plan.unit_codes(sharing)
    levels = plan.level_query()
    if levels is not None:
        yield Statement(name="levels", tree=levels)
    named = {name: ["<base>", "<level>"] for name in plan.group.dimensions}
    asked = plan.questions(named, sharing=sharing)
    if asked.units is not None:
        yield asked.units
    if asked.caps is not None:
        yield Statement(name="caps", tree=asked.caps[0])
    measures = plan.group.measures
    for query in asked.moments:
        files = tuple(dict.fromkeys(measures[one.measure].query.source.where for one in query.layouts))
        if query.shift_names:
            yield Statement(name=f"shifts_{query.name}", tree=query.shifts(), files=files)
        yield Statement(name=query.name, tree=plan.rollup(query, query.moments), files=files)
    yield Statement(name="exposed", tree=plan.exposed_query())
    for bins in asked.quantiles:
        yield Statement(name=bins.name, tree=bins.tree, files=(bins.measure.query.source.where,))
    if asked.shared is not None:
        files = tuple(dict.fromkeys(measures[one.measure].query.source.where for one in asked.shared.layouts))
        if asked.shared.shifts is not None:
            yield Statement(name="shifts_shared_units", tree=asked.shared.shifts(), files=files)
        yield Statement(name="shared_units", tree=asked.shared.tree, files=files)


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
            yield told_reading(reading)
        require_budget(plans, warehouse, options)


def _target_dialect(project: Project) -> str:
    """Return the dialect of the target; DuckDB where there is no profile, since compiling needs no credentials."""
    try:
        return str(getattr(project.profile().output, "type", "duckdb"))
    except SpecError:
        return "duckdb"
