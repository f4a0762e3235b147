"""Commands about the hash functions in the warehouse: udf install, ddl, drop."""

from pathlib import Path

import click

from steelyard.cli.options import project_options, select_option
from steelyard.cli.output import note
from steelyard.hashing import DEFAULT, SCHEMES
from steelyard.hashing.sql import DIALECTS
from steelyard.run import Project, drop_functions, function_statements, install_functions

scheme_option = click.option(
    "--scheme",
    type=click.Choice(list(SCHEMES)),
    default=DEFAULT.name,
    show_default=True,
    help="Hash scheme of steelyard_bucket.",
)


@click.group()
def udf() -> None:
    """Functions for SQL by hand: steelyard_bucket(salt, unit) and steelyard_variant(experiment, unit).

    Example: steelyard udf install
    """


@udf.command()
@scheme_option
@select_option
@project_options
def install(
    scheme: str,
    select: tuple[str, ...],
    project_dir: Path,
    profiles_dir: Path | None,
    target: str | None,
) -> None:
    """Create the functions in the target schema; steelyard_variant knows the experiments as they are now.

    Example: steelyard udf install
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    for name in install_functions(project, scheme=scheme, select=select):
        click.echo(name)
    note("allocations and new experiments reach steelyard_variant with the next install")


@udf.command()
@scheme_option
@click.option("--dialect", type=click.Choice(sorted(DIALECTS)), default=None, help="The target's otherwise.")
@select_option
@project_options
def ddl(
    scheme: str,
    dialect: str | None,
    select: tuple[str, ...],
    project_dir: Path,
    profiles_dir: Path | None,
    target: str | None,
) -> None:
    """Print the statements that would create the functions; nothing is connected to.

    Example: steelyard udf ddl --dialect bigquery
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    profile = project.profile()
    statements = function_statements(
        project,
        dialect=dialect or str(getattr(profile.output, "type", "")),
        schema=profile.target_schema,
        scheme=scheme,
        select=select,
    )
    click.echo("\n\n".join(f"{statement};" for statement in statements))


@udf.command()
@project_options
def drop(project_dir: Path, profiles_dir: Path | None, target: str | None) -> None:
    """Remove the functions from the target schema.

    Example: steelyard udf drop
    """
    for name in drop_functions(Project.load(project_dir, target=target, profiles_dir=profiles_dir)):
        click.echo(name)
