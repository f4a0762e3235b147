"""The command ``allocation``: who may be in which experiment."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from steelyard.assign.allocation.programmes import disagreements
from steelyard.cli.options import format_option, project_options
from steelyard.cli.output import note, print_table
from steelyard.dialects.registry import DIALECTS
from steelyard.hashing import ten_thousandths
from steelyard.run import Project
from steelyard.run.allocating import Allocations, Claimant

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def allocation() -> None:
    """Show and change who may be in which experiment: claims on the buckets of a programme.

    Example: steelyard allocation start checkout-progress-bar --share 20%
    """


def parse_moment(
    context: click.Context, parameter: click.Parameter, value: datetime | None
) -> datetime | None:
    """Return an option's moment, in UTC."""
    return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value


_at = click.option(
    "--at",
    type=click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]),
    callback=parse_moment,
    help="Moment, in UTC unless it says otherwise; now if not given.",
)
_by = click.option("--by", help="Who claims; otherwise the variables STEELYARD_BY or USER.")
_share = click.option("--share", required=True, help="Share of all units, such as 20% or 0.2.")
_to = click.option("--to", "share", required=True, help="Share of all units to have then, such as 20%.")


def claiming(command: Command) -> Command:
    """Add who claims, when, and how the claim is printed."""
    for option in (project_options, format_option, _by, _at):
        command = option(command)
    return command


def open_programmes(options: dict[str, Any]) -> Allocations:
    """Return the programmes of the project that the options name."""
    project = Project.load(
        options["project_dir"], target=options["target"], profiles_dir=options["profiles_dir"]
    )
    return Allocations(project)


def claimant_of(options: dict[str, Any]) -> Claimant:
    """Return who claims, and when."""
    named = options["by"] or os.environ.get("STEELYARD_BY") or os.environ.get("USER")
    return Claimant(by=named or "unknown", at=options["at"])


def print_claim(row: dict[str, Any], style: str) -> None:
    """Print a claim that was written, and what is left to do."""
    print_table([row], style=style)
    note(f"{row['line']} is written: commit it, then steelyard allocation publish")


@allocation.command()
@_at
@format_option
@project_options
def show(at: datetime | None, style: str, **options: Any) -> None:
    """Show the owners of buckets at a moment, and what is free.

    Example: steelyard allocation show --at 2026-04-14
    """
    programmes = open_programmes(options)
    print_table(programmes.owners(at=at), style=style)
    for problem in disagreements(programmes.files, programmes.states):
        note(f"warning: {problem}")


@allocation.command()
@click.option("--domain", help="One domain; otherwise all.")
@format_option
@project_options
def timeline(domain: str | None, style: str, **options: Any) -> None:
    """Show the experiments that run or are to come, their owners, and which may meet in a unit.

    Example: steelyard allocation timeline --domain checkout
    """
    print_table(open_programmes(options).timeline(domain=domain), style=style)


@allocation.command()
@click.argument("owner")
@click.option("--share", help="Of an experiment that is to come: what a draw of this share would get.")
@format_option
@project_options
def history(owner: str, share: str | None, style: str, **options: Any) -> None:
    """Show what the units of an experiment's draw had been through, and how far that is from chance.

    Example: steelyard allocation history checkout-progress-bar
    """
    planned = None if share is None else ten_thousandths(share)
    print_table(open_programmes(options).history(owner, share=planned), style=style)


@allocation.command()
@click.argument("experiment")
@_share
@claiming
def start(experiment: str, share: str, style: str, **options: Any) -> None:
    """Claim an experiment's first buckets; its file says the rest.

    Example: steelyard allocation start checkout-progress-bar --share 20%
    """
    programmes = open_programmes(options)
    print_claim(programmes.start(experiment, ten_thousandths(share), claimant_of(options)), style)


@allocation.command()
@click.argument("experiment")
@_to
@claiming
def grow(experiment: str, share: str, style: str, **options: Any) -> None:
    """Ramp up: claim more buckets, and keep all that are there.

    Example: steelyard allocation grow checkout-progress-bar --to 50%
    """
    programmes = open_programmes(options)
    print_claim(programmes.grow(experiment, ten_thousandths(share), claimant_of(options)), style)


@allocation.command()
@click.argument("experiment")
@_to
@claiming
def shrink(experiment: str, share: str, style: str, **options: Any) -> None:
    """Ramp down: give up the buckets that came last, and drop units that may have been exposed.

    Example: steelyard allocation shrink checkout-progress-bar --to 10%
    """
    programmes = open_programmes(options)
    row = programmes.shrink(experiment, ten_thousandths(share), claimant_of(options))
    print_claim(row, style)
    note(
        f"warning: {experiment} has dropped units that may have been exposed; its results lack them from now on"
    )


@allocation.command()
@click.argument("experiment")
@claiming
def reweigh(experiment: str, style: str, **options: Any) -> None:
    """Take over changed shares of variants, which need a new salt: every unit is drawn again.

    Example: steelyard allocation reweigh checkout-progress-bar
    """
    row = open_programmes(options).reweigh(experiment, claimant_of(options))
    print_claim(row, style)
    note(f"warning: units of {experiment} change variants; analyse it from here on as a new experiment")


@allocation.command()
@click.argument("experiment")
@claiming
def stop(experiment: str, style: str, **options: Any) -> None:
    """Give up all of an experiment's buckets, for good.

    Example: steelyard allocation stop checkout-progress-bar
    """
    print_claim(open_programmes(options).stop(experiment, claimant_of(options)), style)


@allocation.command()
@click.argument("name")
@_share
@click.option("--programme", help="Whose buckets; needed where the project has several.")
@click.option("--domain", default="", help="Domain that the units are kept out of; otherwise all.")
@click.option("--long-term", is_flag=True, help="Without an end; 1% to 5% of the units.")
@click.option(
    "--drop-exposed", is_flag=True, help="Take units from running experiments outside the programme."
)
@claiming
def holdback(
    name: str,
    share: str,
    programme: str | None,
    domain: str,
    long_term: bool,
    drop_exposed: bool,
    style: str,
    **options: Any,
) -> None:
    """Keep units out of every experiment of a domain.

    Example: steelyard allocation holdback 2026-q2 --share 5% --domain checkout
    """
    row = open_programmes(options).hold_back(
        name,
        ten_thousandths(share),
        claimant_of(options),
        programme=programme,
        domain=domain,
        is_long_term=long_term,
        drops_exposed=drop_exposed,
    )
    print_claim(row, style)


@allocation.command()
@click.argument("holdback")
@claiming
def close(holdback: str, style: str, **options: Any) -> None:
    """Begin a holdback's closing test: half of its units get all that was shipped, half nothing.

    Example: steelyard allocation close 2026-q2
    """
    print_claim(open_programmes(options).close(holdback, claimant_of(options)), style)


@allocation.command()
@click.argument("holdback")
@click.option("--untested", is_flag=True, help="Without a closing test.")
@claiming
def release(holdback: str, untested: bool, style: str, **options: Any) -> None:
    """Free a holdback's units, after its closing test.

    Example: steelyard allocation release 2026-q2
    """
    row = open_programmes(options).release(holdback, claimant_of(options), is_untested=untested)
    print_claim(row, style)


@allocation.command("sql")
@click.argument("table")
@click.option("--programme", help="The programme; needed where the project has several.")
@click.option(
    "--dialect", type=click.Choice(sorted(DIALECTS)), default=None, help="Dialect of the SQL; the target's."
)
@_at
@project_options
def sql_(table: str, programme: str | None, dialect: str | None, at: datetime | None, **options: Any) -> None:
    """Print the query of a table's units and their owners: a join with the published allocation.

    Example: steelyard allocation sql users --at 2026-04-14
    """
    click.echo(open_programmes(options).query(table, programme=programme, dialect=dialect, at=at))


@allocation.command()
@project_options
def publish(project_dir: Path, profiles_dir: Path | None, target: str | None) -> None:
    """Write the logs and the allocation that follows from them to the warehouse.

    Example: steelyard allocation publish
    """
    options = {"project_dir": project_dir, "profiles_dir": profiles_dir, "target": target}
    for name, lines in open_programmes(options).publish().items():
        click.echo(f"{name}  {lines:,} new lines")
