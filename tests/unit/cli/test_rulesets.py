"""The commands of rulesets print what they did."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from steelyard.cli.main import cli
from steelyard.cli.rulesets import ruleset
from steelyard.run import write_project

EXPERIMENT = "experiments/one-page-checkout.yml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project's files."""
    assert list(write_project(tmp_path / "shop"))
    return tmp_path / "shop"


def run(project: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["ruleset", *arguments, "--project-dir", str(project)])


def test_a_ruleset_is_built_to_a_file_or_to_stdout(project: Path, tmp_path: Path) -> None:
    printed = run(project, "build").stdout
    assert list(json.loads(printed)["experiments"]) == ["one-page-checkout"]
    out = tmp_path / "out.json"
    assert run(project, "build", "--out", str(out)).stdout == f"{out}\n"
    assert out.read_text() == printed
    assert json.loads(run(project, "build", "--as-of", "2020-01-01").stdout)["experiments"] == {}


@pytest.mark.long
def test_what_is_published_is_compared(project: Path, tmp_path: Path) -> None:
    published = run(project, "publish", str(tmp_path))
    version = json.loads((tmp_path / "ruleset.json").read_text())["version"]
    assert published.stdout == f"{version}  {tmp_path / 'ruleset.json'}\n"
    assert run(project, "publish", str(tmp_path)).stdout.endswith("ruleset.json, unchanged\n")
    assert run(project, "diff", str(tmp_path)).stdout == "nothing changes\n"
    old = tmp_path / "old.json"
    old.write_bytes((tmp_path / "ruleset.json").read_bytes())

    path = project / EXPERIMENT
    path.write_text(f"{path.read_text()}salt: second\n")
    words = (
        "experiment one-page-checkout: its salt or scheme changes; every unit is drawn anew, "
        "about 50 % change variant\n"
    )
    assert run(project, "diff", str(tmp_path)).stdout == words
    assert run(project, "publish", str(tmp_path)).stderr == words
    assert run(project, "diff", str(old), str(tmp_path / "ruleset.json")).stdout == words


def test_what_is_missing_is_named(project: Path, tmp_path: Path) -> None:
    result = run(project, "diff", str(tmp_path / "none.json"))
    assert result.exit_code == 1
    assert (
        result.stderr
        == f"error: {tmp_path / 'none.json'}: cannot read the ruleset: No such file or directory\n"
    )
    assert run(project, "diff", str(tmp_path), str(tmp_path / "none.json")).exit_code == 2


@pytest.mark.parametrize("name", ruleset.commands)
def test_every_command_has_help_with_an_example(name: str) -> None:
    assert "Example: steelyard ruleset" in CliRunner().invoke(cli, ["ruleset", name, "--help"]).stdout
