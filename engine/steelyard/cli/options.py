"""Options that several commands share."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def parse_day(context: click.Context, parameter: click.Parameter, value: datetime | None) -> date | None:
    """Return an option's day."""
    return None if value is None else value.date()


def project_options(command: Command) -> Command:
    """Add where the project, its profile and its target are."""
    for option in (
        click.option("--target", help="Target of the profile; its default otherwise."),
        click.option("--profiles-dir", type=click.Path(path_type=Path), help="Folder of profiles.yml."),
        click.option(
            "--project-dir",
            type=click.Path(path_type=Path),
            default=Path(),
            help="Folder of steelyard.yml; the current one otherwise.",
        ),
    ):
        command = option(command)
    return command


def format_option(command: Command) -> Command:
    """Add the format of the answer."""
    return click.option(
        "--format",
        "style",
        type=click.Choice(["text", "json", "csv"]),
        default="text",
        show_default=True,
        help="Format of the answer on stdout.",
    )(command)


def select_option(command: Command) -> Command:
    """Add which experiments."""
    return click.option(
        "--select",
        "-s",
        multiple=True,
        help="Experiment, or tag:x, owner:x, surface:x, metric:x; may be repeated.",
    )(command)


def as_of_option(command: Command) -> Command:
    """Add the day."""
    return click.option(
        "--as-of",
        type=click.DateTime(formats=["%Y-%m-%d"]),
        callback=parse_day,
        help="Last day, included; otherwise the last day of exposures, at most yesterday.",
    )(command)
