"""Commands about who is in which variant: assign, audit."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click

from steelyard.analysis.audit import audit_rows
from steelyard.cli.options import as_of_option, format_option, project_options, select_option
from steelyard.cli.output import note, print_pages, print_rows
from steelyard.report.audit import render_audit
from steelyard.run import Project, audit_project
from steelyard.run.assigning import Source, to_batches, write_file


@click.command()
@click.argument("experiment")
@click.argument("units", nargs=-1, metavar="[UNIT]...")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="CSV or Parquet file of units.")
@click.option("--query", help="Query of units, run on the target.")
@click.option("--column", help="Column of the units; the key of the experiment's unit otherwise.")
@click.option(
    "--attribute", "given", multiple=True, metavar="NAME=VALUE", help="What targeting asks of UNIT."
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="CSV or Parquet file; stdout otherwise."
)
@format_option
@project_options
def assign(
    experiment: str,
    units: tuple[str, ...],
    file: Path | None,
    query: str | None,
    column: str | None,
    given: tuple[str, ...],
    output: Path | None,
    style: str,
    project_dir: Path,
    profiles_dir: Path | None,
    target: str | None,
) -> None:
    """Say which variant of an experiment units are in: some, those of a file, or those of a query.

    Example: steelyard assign checkout-progress-bar user_1 user_2 --attribute country=SG
    """
    if bool(units) + (file is not None) + (query is not None) != 1:
        raise click.UsageError("give units, --file or --query, and one of them only")
    source = Source.of(Project.load(project_dir, target=target, profiles_dir=profiles_dir), experiment)
    pages: Iterator[list[dict[str, Any]]]
    if file is not None:
        names, batches = source.file(file, column)
        if output is None:
            pages = (batch.to_pylist() for batch in batches)
    elif query is not None:
        names, pages = source.query(query, column)
        batches = to_batches(pages)
    else:
        attributes = dict(_attribute(text) for text in given)
        names, pages = list(attributes), iter([source.units(units, attributes)])
        batches = to_batches(pages)
    if missing := source.unchecked(names):
        note(f"targeting is left out: {', '.join(missing)} not given")
    if output is not None:
        note(f"{write_file(batches, output):,} units in {output}")
    else:
        print_pages(pages, style=style)


def _attribute(text: str) -> tuple[str, Any]:
    """Return an attribute's name and value: a number, true or false where it is written as one, else text."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--attribute")
    try:
        typed = json.loads(value)
    except ValueError:
        return name, value
    return name, typed if isinstance(typed, int | float) else value


@click.command()
@select_option
@as_of_option
@click.option(
    "--ruleset",
    "rulesets",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Ruleset that was published, to know what stale clients do; may be repeated.",
)
@format_option
@project_options
def audit(
    select: tuple[str, ...],
    as_of: date | None,
    rulesets: tuple[Path, ...],
    style: str,
    project_dir: Path,
    profiles_dir: Path | None,
    target: str | None,
) -> None:
    """Recompute every logged assignment in the warehouse, and say which client is wrong and why.

    Example: steelyard audit --select checkout-progress-bar
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    audits = audit_project(project, select=select, as_of=as_of, rulesets=rulesets)
    thresholds = project.files.project.health
    if style == "text":
        click.echo("\n\n".join(render_audit(one, one.status(thresholds)) for one in audits))
    else:
        print_rows([row for one in audits for row in audit_rows(one)], style=style)
    failed = [one.experiment for one in audits if one.status(thresholds) == "fail"]
    if failed:
        note(f"the audit failed for {', '.join(failed)}")
        raise click.exceptions.Exit(3)
