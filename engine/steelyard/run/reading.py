"""Seeding a target and reading back what was published."""

from datetime import date

from steelyard.report.published import load_reports
from steelyard.report.text import Report
from steelyard.run.project import Project
from steelyard.warehouse.seed import seed


def seed_project(project: Project) -> dict[str, int]:
    """Load the project's fixtures into its target.

    Returns:
        Number of rows by table.
    """
    with project.writer() as warehouse:
        return seed(warehouse, project.files.folder("fixtures"))


def project_reports(
    project: Project, *, experiment: str | None = None, as_of: date | None = None
) -> list[Report]:
    """Return the published reports of one experiment, or of all.

    Raises:
        WarehouseError: Nothing has been published.
    """
    with project.connect() as warehouse:
        return list(
            load_reports(warehouse, project.profile().target_schema, experiment=experiment, as_of=as_of)
        )
