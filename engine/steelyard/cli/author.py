"""Commands for whoever writes metrics: check, compile, debug."""

from pathlib import Path

import click

from steelyard.analysis.capabilities import capability_lines
from steelyard.cli.options import project_options, select_option
from steelyard.cli.output import note
from steelyard.dialects.registry import DIALECTS
from steelyard.run import Project, check_project, compile_project, debug_project


@click.command()
@click.option("--locked", is_flag=True, help="Fail where metrics.lock lacks a version, instead of adding it.")
@project_options
def check(locked: bool, project_dir: Path, profiles_dir: Path | None, target: str | None) -> None:
    """Parse and validate everything, metrics.lock included, without a warehouse.

    Example: steelyard check
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    for line in check_project(project, is_locked=locked):
        click.echo(line)


@click.command("compile")
@select_option
@click.option(
    "--dialect", type=click.Choice(sorted(DIALECTS)), default=None, help="Dialect of the SQL; the target's."
)
@click.option(
    "--explain", "is_explained", is_flag=True, help="Print which metrics share a scan, and why one does not."
)
@project_options
def compile_(
    select: tuple[str, ...],
    dialect: str | None,
    is_explained: bool,
    project_dir: Path,
    profiles_dir: Path | None,
    target: str | None,
) -> None:
    """Write the SQL of a run to target/compiled; no credentials are needed.

    Example: steelyard compile --explain
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    compiled = compile_project(project, select=select, dialect=dialect)
    for line in compiled.explanation if is_explained else compiled.paths:
        click.echo(line)
    note(f"{len(compiled.paths)} files in {compiled.folder}")
    for refusal in compiled.refusals:
        note(f"error: {refusal}")
    if compiled.refusals:
        raise click.exceptions.Exit(1)


@click.command()
def capabilities() -> None:
    """Print which methods compose with which, and why the others are refused.

    Example: steelyard capabilities
    """
    for line in capability_lines():
        click.echo(line)


@click.command()
@project_options
def debug(project_dir: Path, profiles_dir: Path | None, target: str | None) -> None:
    """Check the profile, the connection, the privileges, and the hash functions on the live warehouse.

    Example: steelyard debug
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    checks = list(debug_project(project))
    for name, is_fine, detail in checks:
        click.echo(f"{'ok  ' if is_fine else 'FAIL'}  {name}: {detail}")
    if not all(is_fine for _, is_fine, _ in checks):
        raise click.exceptions.Exit(1)
