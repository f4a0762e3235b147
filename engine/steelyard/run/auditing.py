"""The audit of a project's logged assignments."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from steelyard.analysis.audit import AssignmentAudit
from steelyard.run.auditor import Auditor
from steelyard.run.collect import last_exposure_day
from steelyard.run.metrics import select_experiments
from steelyard.run.project import Project
from steelyard.run.rulesets import read_ruleset_file


def audit_project(
    project: Project, *, select: Sequence[str] = (), as_of: date | None = None, rulesets: Sequence[Path] = ()
) -> list[AssignmentAudit]:
    """Recompute the logged assignments of a project's experiments, in its warehouse.

    Args:
        project: The project.
        select: Experiments; empty for all that are no drafts.
        as_of: Last day; None for the last of exposures.
        rulesets: Files of rulesets that were published; others that a log names are unknown then.

    Raises:
        EngineError: The log cannot be read, or the warehouse cannot say an experiment's hash.
    """
    names = select_experiments(project.files, select)
    known = {one.version: one for one in map(read_ruleset_file, rulesets)}
    with project.connect() as warehouse:
        day = as_of or last_exposure_day(project.files, warehouse)
        return list(Auditor(project.files, warehouse, as_of=day, rulesets=known).audit(names))
