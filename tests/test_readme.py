"""Every block of the README is what it says: files, output of commands, compiled SQL, commands that exist."""

import os
import re
import shlex
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner

from steelyard import __version__
from steelyard.cli.commands import COMMANDS
from steelyard.cli.main import cli

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(
    r"<!-- (?P<kind>[a-z]+)(?:: (?P<what>[^>]+?))? -->\n```(?P<language>\w+)\n(?P<text>.*?)```\n", re.DOTALL
)
TABLE = re.compile(r"(<!-- commands -->\n)((?:\n?\|[^\n]*\n)*)")


def read() -> str:
    return README.read_text(encoding="utf-8")


def blocks(kind: str) -> list[tuple[str, str]]:
    """Return what each block of a kind is about, and its text."""
    return [(match["what"] or "", match["text"]) for match in BLOCK.finditer(read()) if match["kind"] == kind]


def compare(what: str, expected: str, *, update: bool) -> None:
    """Compare a block with what it should hold, or rewrite it."""
    (match,) = (match for match in BLOCK.finditer(read()) if match["what"] == what)
    if update:
        text = read()
        README.write_text(
            text[: match.start("text")] + expected + text[match.end("text") :], encoding="utf-8"
        )
        return
    assert match["text"] == expected, f"{what} has changed: pytest tests/test_readme.py --update-golden"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that the README's own commands make."""
    folder = tmp_path_factory.mktemp("readme")
    ((_, text),) = blocks("start")
    commands = [shlex.split(part) for line in text.splitlines() for part in line.split("&&")]
    where = folder
    for command in commands:
        if command[0] == "cd":
            where = where / command[1]
            continue
        assert command[0] == "steelyard"
        with chdir(where):
            result = CliRunner().invoke(cli, command[1:])
        assert result.exit_code == 0, result.output
    return where


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    assert read().count("```") == 2 * len(BLOCK.findall(read()))
    kinds = {match["kind"] for match in BLOCK.finditer(read())}
    assert kinds == {"head", "shop", "make", "start", "file"}


def test_files_are_shown_as_they_are(update_golden: bool) -> None:
    for name, _ in blocks("file"):
        compare(name, (ROOT / name).read_text(encoding="utf-8"), update=update_golden)


@pytest.mark.long
def test_the_report_and_the_compiled_sql_are_those_of_a_new_project(shop: Path, update_golden: bool) -> None:
    ((report, _),) = blocks("head")
    printed = CliRunner().invoke(cli, ["report", "--project-dir", str(shop)]).stdout
    compare(report, printed.partition("\nEffects are")[0], update=update_golden)
    assert CliRunner().invoke(cli, ["compile", "--project-dir", str(shop)]).exit_code == 0
    for name, _ in blocks("shop"):
        compare(name, (shop / name).read_text(encoding="utf-8"), update=update_golden)


def test_the_package_is_installed_as_said_and_make_targets_exist() -> None:
    ((_, text),) = blocks("make")
    install, *lines = text.splitlines()
    assert install == "pip install ."  # tests/test_wheel.py does it
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in lines:
        command, _, comment = line.partition("#")
        assert f"\n{command.split()[1]}: $(READY) ## {comment.strip()}\n" in makefile


def test_every_command_is_listed_with_its_help(update_golden: bool) -> None:
    rows = [f"| `{name}` | {command.get_short_help_str(limit=200)} |" for name, command in COMMANDS.items()]
    table = "\n".join(["", "| command | does |", "|---|---|", *rows]) + "\n"
    text = read()
    if update_golden:
        README.write_text(TABLE.sub(lambda match: match[1] + table, text), encoding="utf-8")
        return
    assert f"<!-- commands -->\n{table}\n" in text, "pytest tests/test_readme.py --update-golden"


def test_what_is_said_not_to_be_a_command_is_none() -> None:
    (missing,) = re.findall(r"^\* (`.*) are not commands yet", read(), re.MULTILINE)
    assert set(re.findall(r"`([^`]+)`", missing)).isdisjoint(COMMANDS)


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    assert len(read().splitlines()) <= 180
    for page in (README, ROOT / "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)[0] == __version__


@pytest.mark.long
def test_the_command_answers_outside_a_project(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from steelyard.cli.main import main; main()", "report"]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "no steelyard.yml in" in result.stderr
