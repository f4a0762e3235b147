"""Commands about who is in which variant: audit."""

from datetime import date
from pathlib import Path

import click

from steelyard.analysis.audit import audit_rows
from steelyard.cli.options import as_of_option, format_option, project_options, select_option
from steelyard.cli.output import note, print_rows
from steelyard.report.audit import render_audit
from steelyard.run import Project, audit_project


@click.command()
@select_option
@as_of_option
@format_option
@project_options
def audit(
    select: tuple[str, ...],
    as_of: date | None,
    style: str,
    project_dir: Path,
    profiles_dir: Path | None,
    target: str | None,
) -> None:
    """Recompute every logged assignment in the warehouse, and say which client is wrong and why.

    Example: steelyard audit --select checkout-progress-bar
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    audits = audit_project(project, select=select, as_of=as_of)
    thresholds = project.files.project.health
    if style == "text":
        click.echo("\n\n".join(render_audit(one, one.status(thresholds)) for one in audits))
    else:
        print_rows([row for one in audits for row in audit_rows(one)], style=style)
    failed = [one.experiment for one in audits if one.status(thresholds) == "fail"]
    if failed:
        note(f"the audit failed for {', '.join(failed)}")
        raise click.exceptions.Exit(3)
