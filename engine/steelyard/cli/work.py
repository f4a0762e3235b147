"""Commands of the daily work: run, report."""

from datetime import date
from pathlib import Path

import click

from steelyard.cli.options import as_of_option, format_option, project_options, select_option
from steelyard.cli.output import note, print_rows, to_json
from steelyard.report.overview import render_overview
from steelyard.report.text import render
from steelyard.run import Project, RunOptions, RunResult, dry_run, project_reports


@click.command()
@select_option
@as_of_option
@click.option("--full-refresh", is_flag=True, help="Forget the looks on record and replay them.")
@click.option("--latest", is_flag=True, help="Compute the last day only, not the daily series.")
@click.option(
    "--dry-run", "is_dry", is_flag=True, help="Print the plan and the warehouse's estimate; run nothing."
)
@click.option(
    "--max-rows", type=click.IntRange(min=1), help="Refuse to read more rows, by the warehouse's plan."
)
@click.option("--max-bytes", type=click.IntRange(min=1), help="Refuse to read more bytes, likewise.")
@format_option
@project_options
def run(
    select: tuple[str, ...],
    as_of: date | None,
    full_refresh: bool,
    latest: bool,
    is_dry: bool,
    max_rows: int | None,
    max_bytes: int | None,
    style: str,
    project_dir: Path,
    profiles_dir: Path | None,
    target: str | None,
) -> None:
    """Compile, push down, analyse and publish.

    Example: steelyard run --as-of 2026-04-14 --select checkout-progress-bar
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    options = RunOptions(
        as_of=as_of,
        select=select,
        full_refresh=full_refresh,
        is_series=not latest,
        max_rows=max_rows,
        max_bytes=max_bytes,
    )
    if is_dry:
        for line in dry_run(project, options):
            click.echo(line)
        return
    result = project.run(options, progress=note)
    _print_result(result, style)
    if result.failures:
        raise click.exceptions.Exit(1)
    if any(row["status"] == "fail" for rows in result.health.values() for row in rows):
        raise click.exceptions.Exit(3)


def _print_result(result: RunResult, style: str) -> None:
    rows = [
        {
            "experiment_id": name,
            "variant": row["variant"],
            "decision": row["decision"],
            "recommendation": row["recommendation"],
        }
        for name, decisions in sorted(result.decisions.items())
        for row in decisions
    ]
    if style == "text":
        width = max((len(row["experiment_id"]) for row in rows), default=0)
        for row in rows:
            click.echo(f"{row['experiment_id']:{width}}  {row['decision']:12}  {row['recommendation']}")
    else:
        print_rows(rows, style=style)
    for name, why in sorted(result.skipped.items()):
        note(f"skipped {name}: {why}")
    for name, why in sorted(result.failures.items()):
        click.echo(f"failed {name}: {why}", err=True)
    for name, checks in sorted(result.health.items()):
        for row in checks:
            if row["status"] == "fail":
                note(f"health {name}: {row['check_name']} failed. {row['detail']}")
    note(
        f"as of {result.as_of}: {len(result.published)} experiments published, {len(result.failures)} failed"
    )


@click.command()
@click.argument("experiment", required=False)
@as_of_option
@format_option
@project_options
def report(
    experiment: str | None,
    as_of: date | None,
    style: str,
    project_dir: Path,
    profiles_dir: Path | None,
    target: str | None,
) -> None:
    """Print the latest report of one experiment; or an overview, then every report.

    Example: steelyard report checkout-progress-bar
    """
    project = Project.load(project_dir, target=target, profiles_dir=profiles_dir)
    reports = project_reports(project, experiment=experiment, as_of=as_of)
    if style == "text":
        overview = [render_overview(reports)] if len(reports) > 1 else []
        click.echo("\n\n".join([*overview, *map(render, reports)]), nl=False)
    elif style == "csv":
        print_rows([dict(row) for one in reports for row in one.results], style="csv")
    else:
        click.echo(
            to_json(
                [
                    {
                        "experiment": dict(one.experiment),
                        "as_of": one.as_of,
                        "decisions": [dict(row) for row in one.decisions],
                        "results": [dict(row) for row in one.results],
                        "health": [dict(row) for row in one.health],
                    }
                    for one in reports
                ]
            )
        )
