"""docs/incremental.md: its commands are run, and say what the page says."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from steelyard.cli.main import cli
from steelyard.run import scaffold, write_project

# The commands of the page run for several days.
pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[1] / "docs" / "incremental.md"
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```\n", PAGE.read_text(encoding="utf-8"), re.DOTALL))


def test_the_commands_say_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaffold, "USERS", 400)
    list(write_project(tmp_path / "shop"))
    monkeypatch.chdir(tmp_path / "shop")
    runner = CliRunner()
    assert runner.invoke(cli, ["seed"]).exit_code == 0
    said = []
    for line in BLOCKS["commands"].splitlines():
        result = runner.invoke(cli, shlex.split(line)[1:])
        assert result.exit_code in (0, 3), result.stderr
        said += [one for one in result.stderr.splitlines() if one.startswith("one-page-checkout: ")]
    assert said == BLOCKS["said"].splitlines()
