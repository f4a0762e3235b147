"""The command ``steelyard``: options, printing, exit codes."""

import signal
import sys
from collections.abc import Sequence

import click

from steelyard import __version__
from steelyard.cli.commands import COMMANDS
from steelyard.errors import EngineError


class Translating(click.Group):
    """A group that prints the engine's errors as a message and a hint, and exits with 1."""

    def invoke(self, context: click.Context) -> object:
        """Run a command; an `EngineError` ends it with a message on stderr."""
        try:
            return super().invoke(context)
        except EngineError as error:
            click.echo(f"error: {error}", err=True)
            context.exit(1)


@click.group(
    cls=Translating,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="steelyard")
def cli() -> None:
    """Weigh experiments in the data warehouse: metric SQL in, decisions out.

    Exit codes: 0 fine, 1 an error with its hint, 2 wrong usage, 3 it ran but a health check failed.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    # A scheduler that gives up on a run ends it as Ctrl-C does: the statement is cancelled, and the connection closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cli(args=None if arguments is None else list(arguments), prog_name="steelyard")
