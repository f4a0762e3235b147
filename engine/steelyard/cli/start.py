"""Commands that start a project: init, seed."""

from pathlib import Path

import click

from steelyard.cli.options import project_options
from steelyard.cli.output import note
from steelyard.run import Project, seed_project, write_project


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
def init(directory: Path) -> None:
    """Scaffold a project that runs: metrics, an experiment, fixtures, a DuckDB target.

    Example: steelyard init shop && cd shop && steelyard seed && steelyard run && steelyard report
    """
    for path in write_project(directory):
        click.echo(path)
    where = f"cd {directory} && " if directory != Path() else ""
    note(f"next: {where}steelyard seed && steelyard run && steelyard report")


@click.command()
@project_options
def seed(project_dir: Path, profiles_dir: Path | None, target: str | None) -> None:
    """Load the project's fixtures into the target: each CSV or Parquet file becomes a table of its name.

    Example: steelyard seed
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    for table, rows in seed_project(project).items():
        click.echo(f"{table}  {rows:,} rows")
