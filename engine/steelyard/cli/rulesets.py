"""Commands of rulesets: build, publish, diff."""

from datetime import date
from pathlib import Path

import click

from steelyard.cli.options import parse_day, project_options
from steelyard.cli.output import note, to_json
from steelyard.run import Project
from steelyard.run.rulesets import (
    compare_rulesets,
    growthbook_payload,
    project_ruleset,
    publish_ruleset,
)

as_of = click.option(
    "--as-of",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    callback=parse_day,
    help="The experiments and claims of that day, whatever has become of them; otherwise those that run.",
)


@click.group()
def ruleset() -> None:
    """Build, publish and compare what clients assign by: one JSON file.

    Example: steelyard ruleset publish /srv/static
    """


@ruleset.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File; stdout otherwise.")
@as_of
@project_options
def build(
    out: Path | None, as_of: date | None, project_dir: Path, profiles_dir: Path | None, target: str | None
) -> None:
    """Write the project's ruleset; the same project gives the same bytes.

    Example: steelyard ruleset build --out ruleset.json
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    data = project_ruleset(project, on=as_of)
    if out is None:
        click.echo(data, nl=False)
    else:
        out.write_bytes(data)
        click.echo(out)


@ruleset.command()
@click.argument("path", type=click.Path(path_type=Path))
@as_of
@project_options
def publish(
    path: Path, as_of: date | None, project_dir: Path, profiles_dir: Path | None, target: str | None
) -> None:
    """Build the ruleset and put it where clients poll: a file, or ruleset.json in a folder.

    Example: steelyard ruleset publish /srv/static
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    published = publish_ruleset(project_ruleset(project, on=as_of), path)
    for line in published.changes:
        note(line)
    click.echo(f"{published.version}  {published.path}{'' if published.is_new else ', unchanged'}")


@ruleset.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=False)
@as_of
@project_options
def diff(
    old: Path,
    new: Path | None,
    as_of: date | None,
    project_dir: Path,
    profiles_dir: Path | None,
    target: str | None,
) -> None:
    """Say what the project's ruleset, or another file, changes for whom compared with a published one.

    Example: steelyard ruleset diff /srv/static/ruleset.json
    """
    if new is not None:
        data = new.read_bytes()
    else:
        project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
        data = project_ruleset(project, on=as_of)
    for line in compare_rulesets(old, data) or ["nothing changes"]:
        click.echo(line)


@ruleset.command()
@click.option("--skip-refused", is_flag=True, help="Leave out what cannot be carried, instead of refusing.")
@project_options
def growthbook(skip_refused: bool, project_dir: Path, profiles_dir: Path | None, target: str | None) -> None:
    """Print what runs now as the payload of GrowthBook's SDKs, where these decide exactly alike.

    Example: steelyard ruleset growthbook > features.json
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    click.echo(to_json(growthbook_payload(project_ruleset(project), skips=skip_refused)))
