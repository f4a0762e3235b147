"""A group's plan in the warehouse: types of columns first, then the moments."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from steelyard.analysis.collect import Collected, Collector
from steelyard.analysis.moments import ExperimentMoments
from steelyard.compile.group import ColumnTypes, Group, plan_groups
from steelyard.compile.plan import GroupPlan
from steelyard.compile.shared_units import Sharing
from steelyard.compile.templates import Templates
from steelyard.errors import WarehouseError
from steelyard.run.asking import check_metrics, column_types
from steelyard.run.metrics import read_metrics, select_experiments
from steelyard.spec.loader import ProjectFiles
from steelyard.warehouse.base import Warehouse

DAY = timedelta(days=1)


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
    chosen = select_experiments(files, ()) if selected is None else list(selected)
    found: dict[str, ExperimentMoments] = {}
    for group in plan_groups(files, queries, as_of=as_of, selected=chosen, is_series=is_series):
        found.update(collect_group(group, files, warehouse, frozen_caps={}).experiments)
    return found


def collect_group(
    group: Group,
    files: ProjectFiles,
    warehouse: Warehouse,
    *,
    frozen_caps: Mapping[str, float | None],
    label: str = "",
    counted: Collection[str] = (),
    sharing: Sharing | None = None,
) -> Collected:
    """Run one group's plan, with the types that the warehouse says its columns have; see `Collector.collect`."""
    plan = checked_plan(group, files, warehouse)
    try:
        collector = Collector(plan, warehouse, label=label)
        return collector.collect(frozen_caps=frozen_caps, counted=counted, sharing=sharing)
    finally:
        warehouse.drop_temporaries()


def last_exposure_day(files: ProjectFiles, warehouse: Warehouse) -> date:
    """Return the last day on which any exposure was logged, and at most yesterday.

    Raises:
        WarehouseError: There are no exposures.
    """
    zone = ZoneInfo(files.project.timezone)
    yesterday = datetime.now(zone).date() - DAY
    days = [day for name in files.project.exposures if (day := _last_day(files, warehouse, name, zone))]
    if not days:
        raise WarehouseError(
            "no exposures are logged",
            where="steelyard.yml: exposures",
            hint="run steelyard seed, or check the query",
        )
    return min(max(days), yesterday)


def _last_day(files: ProjectFiles, warehouse: Warehouse, name: str, zone: ZoneInfo) -> date | None:
    query = last_moment_query(files, name, dialect=warehouse.dialect)
    try:
        ((moment,),) = warehouse.query(query).values
    except WarehouseError as error:
        raise WarehouseError(
            error.args[0], where=f"steelyard.yml: exposures.{name}", hint=error.hint
        ) from error
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        return moment if isinstance(moment, date) else None
    naive = ZoneInfo(files.project.naive_timestamps)
    return (moment if moment.tzinfo else moment.replace(tzinfo=naive)).astimezone(zone).date()


def last_moment_query(files: ProjectFiles, name: str, *, dialect: str) -> str:
    """Return the SQL for the last moment of a log of exposures."""
    exposures = files.project.exposures[name]
    return GroupPlan.last_moment_text(
        exposures,
        key=files.project.units[exposures.unit],
        dialect=dialect,
        written_in=files.project.dialect or dialect,
        name=name,
    )


def checked_plan(group: Group, files: ProjectFiles, warehouse: Warehouse) -> GroupPlan:
    """Return a group's plan, with types of columns, once the warehouse has said that each metric can run.

    Raises:
        WarehouseError: A table or column that is not there, or may not be read.
        CompileError: A column of a type that does not do.
    """
    templates = project_templates(files)
    rough = GroupPlan(group, files=files, types=ColumnTypes(), templates=templates, dialect=warehouse.dialect)
    types = column_types(rough, warehouse)
    group.closings.clear()
    plan = GroupPlan(group, files=files, types=types, templates=templates, dialect=warehouse.dialect)
    check_metrics(plan, warehouse)
    return plan


def project_templates(files: ProjectFiles) -> Templates:
    """Return the templates, a project's own before the built-in ones."""
    folder = files.folder("templates")
    return Templates(folder if folder.is_dir() else None)
