"""Experiments that share units: made ready for a run whose experiments are collected in several parts."""

from steelyard.analysis.collect import Collector
from steelyard.analysis.log_counts import LogCounts
from steelyard.compile.group import ColumnTypes, Group
from steelyard.compile.plan import GroupPlan
from steelyard.compile.shared_units import CODES, NOBODY, Sharing
from steelyard.run.asking import column_types
from steelyard.run.collect import project_templates
from steelyard.spec.loader import ProjectFiles
from steelyard.warehouse.base import Warehouse


def code_units(group: Group, files: ProjectFiles, warehouse: Warehouse, *, label: str) -> Sharing:
    """Make the table of the variants of units that are in several experiments of a group, which stays.

    The whole log of exposures is read for it.

    Returns:
        The experiments that may share units; none where no unit is in two of them, or they are too many.
    """
    if not Sharing.of(group.experiments).places:
        return NOBODY
    templates = project_templates(files)
    rough = GroupPlan(group, files=files, types=ColumnTypes(), templates=templates, dialect=warehouse.dialect)
    types = column_types(rough, warehouse)
    group.closings.clear()
    plan = GroupPlan(group, files=files, types=types, templates=templates, dialect=warehouse.dialect)
    try:
        return Collector(plan, warehouse, label=label).code_units()
    finally:
        warehouse.drop_temporaries(keep=(CODES,))


def add_shared(counts: LogCounts, others: LogCounts) -> None:
    """Add what another part of an experiment's metrics says of shared units."""
    for name, shared in others.shared.items():
        if name in counts.shared:
            counts.shared[name].moments.update(shared.moments)
        else:
            counts.shared[name] = shared
