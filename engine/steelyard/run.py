"""The one place that strings the stages together."""

from collections.abc import Mapping, Sequence
from datetime import date

from steelyard.analysis.collect import Collected, Collector
from steelyard.analysis.moments import ExperimentMoments
from steelyard.compile.exposure_sql import LogTypes
from steelyard.compile.measure import MetricKey
from steelyard.compile.metric_query import MetricQuery, read_query
from steelyard.compile.metric_source import read_metric
from steelyard.compile.plan import ColumnTypes, Group, GroupPlan, plan_groups
from steelyard.compile.relations import load_relations
from steelyard.compile.templates import Templates
from steelyard.errors import CompileError
from steelyard.spec.loader import ProjectFiles
from steelyard.warehouse.base import Warehouse


def read_metrics(files: ProjectFiles, *, dialect: str) -> dict[MetricKey, MetricQuery]:
    """Read and take apart every metric of a project.

    Raises:
        SpecError: A wrong config block.
        CompileError: A metric whose SQL is wrong, or two files with the same version.
    """
    relations = load_relations(files.project, files.root)
    queries: dict[MetricKey, MetricQuery] = {}
    for file in files.metrics:
        source = read_metric(file, relations=relations, variables=files.project.vars)
        key = MetricKey(name=file.name, version=source.config.version)
        if file.version is not None and file.version != key.version:
            raise CompileError(
                f"the file's name says version {file.version}, its config {key.version}", where=file.shown
            )
        if key in queries:
            raise CompileError(
                f"the metric {key} stands twice",
                where=file.shown,
                hint=f"it is first in {queries[key].source.where}; give one of them another version",
            )
        queries[key] = read_query(source, units=files.project.units, dialect=dialect)
    return queries


def compute_moments(
    files: ProjectFiles,
    warehouse: Warehouse,
    *,
    as_of: date,
    selected: Sequence[str] | None = None,
    is_series: bool = True,
) -> dict[str, ExperimentMoments]:
    """Push a project's experiments down and return their moments, publishing nothing.

    Args:
        files: The project.
        warehouse: Where its tables are.
        as_of: Last day.
        selected: Names of experiments; None for all that have started.
        is_series: Whether every day is wanted, not only the last.
    """
    queries = read_metrics(files, dialect=warehouse.dialect)
    names = [name for name, spec in files.experiments.items() if spec.status != "draft"]
    chosen = names if selected is None else list(selected)
    found: dict[str, ExperimentMoments] = {}
    for group in plan_groups(files, queries, as_of=as_of, selected=chosen, is_series=is_series):
        found.update(collect_group(group, files, warehouse, frozen_caps={}).experiments)
    return found


def collect_group(
    group: Group, files: ProjectFiles, warehouse: Warehouse, *, frozen_caps: Mapping[str, float | None]
) -> Collected:
    """Run one group's plan, with the types that the warehouse says its columns have."""
    templates = Templates(files.folder("templates") if files.folder("templates").is_dir() else None)
    rough = GroupPlan(group, files=files, types=ColumnTypes(), templates=templates, dialect=warehouse.dialect)
    types = column_types(rough, warehouse)
    group.closings.clear()
    plan = GroupPlan(group, files=files, types=types, templates=templates, dialect=warehouse.dialect)
    try:
        return Collector(plan, warehouse).collect(frozen_caps=frozen_caps)
    finally:
        warehouse.drop_temporaries()


def column_types(plan: GroupPlan, warehouse: Warehouse) -> ColumnTypes:
    """Ask the warehouse for the types of the columns that the plan compares in time."""
    logs = {plan.group.exposures: _log_types(warehouse, plan.text(plan.log()), "exposed_at")}
    for numbered in plan.numbered:
        trigger = numbered.spec.analysis.trigger
        if trigger is not None and trigger not in logs:
            logs[trigger] = _log_types(warehouse, plan.text(plan.trigger_log(trigger)), "triggered_at")
    facts = {}
    for scan in plan.group.scans:
        found = warehouse.column_types(plan.text(plan.facts_type_query(scan)))["event_time"]
        facts[scan.name] = (found == "date", found == "timestamptz")
        _check_moment(found, where=scan.query.source.where)
    return ColumnTypes(logs=logs, facts=facts)


def _log_types(warehouse: Warehouse, sql: str, moment: str) -> LogTypes:
    types = warehouse.column_types(sql)
    return LogTypes(
        is_zoned=types[moment] == "timestamptz",
        is_date=types[moment] == "date",
        is_text=types["unit"] in ("varchar", "text"),
    )


def _check_moment(found: str, *, where: str) -> None:
    if found not in ("date", "timestamp", "timestamptz"):
        raise CompileError(
            f"the time column is of type {found}", where=where, hint="cast it to a date or a timestamp in the metric"
        )
