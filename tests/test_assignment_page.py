"""docs/assignment.md does what it says: its files are written, its commands and its Python are run."""

import doctest
import re
import shlex
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner

from steelyard.cli.main import cli

PAGE = Path(__file__).parents[1] / "docs" / "assignment.md"
BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```\n", re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run_console(text: str, where: Path) -> Path:
    """Run the commands of a block, compare what they print, and return the folder that they lead to."""
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
        name, *arguments = shlex.split(command)
        if name == "cd":
            where = where / arguments[0]
            continue
        assert name == "steelyard"
        with chdir(where):
            result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 0, result.output
        assert doctest.OutputChecker().check_output(expected, result.stdout, FLAGS), (command, result.stdout)
    return where


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_page_is_what_happens(tmp_path: Path) -> None:
    where, names = tmp_path, dict[str, object]()
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        text = block["text"]
        match block["language"]:
            case "console":
                where = run_console(text, where)
            case "yaml":
                path = where / block["file"]
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
            case "python":
                test = doctest.DocTestParser().get_doctest(text, names, PAGE.name, str(PAGE), 0)
                runner = doctest.DocTestRunner(optionflags=FLAGS)
                with chdir(where):
                    runner.run(test, clear_globs=False)
                names |= test.globs
                assert runner.failures == 0
            case other:
                raise AssertionError(other)
