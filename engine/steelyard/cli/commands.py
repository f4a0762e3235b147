"""All commands by name."""

from collections.abc import Mapping

import click

from steelyard.cli.allocation import allocation
from steelyard.cli.assignment import assign, audit
from steelyard.cli.author import capabilities, check, compile_, debug
from steelyard.cli.functions import udf
from steelyard.cli.rulesets import ruleset
from steelyard.cli.start import init, seed
from steelyard.cli.work import report, run

COMMANDS: Mapping[str, click.Command] = {
    command.name or "": command
    for command in (
        init,
        debug,
        seed,
        check,
        compile_,
        capabilities,
        run,
        report,
        assign,
        audit,
        udf,
        allocation,
        ruleset,
    )
}
