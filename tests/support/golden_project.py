"""The project of the golden SQL: its files, compiled for a dialect by the command."""

import shutil
from pathlib import Path

from click.testing import CliRunner, Result

from steelyard.cli.main import cli

GOLDEN = Path(__file__).parents[1] / "golden"
PROJECT, REFUSED, COMPILED = GOLDEN / "project", GOLDEN / "refused", GOLDEN / "compile"
REFUSALS = "refusals.txt"


def compiled(project: Path, dialect: str, folder: Path) -> tuple[Result, dict[str, str]]:
    """Return what ``steelyard compile`` prints, and the text of each file that it writes, by file name."""
    root = folder / project.name
    if not root.exists():
        shutil.copytree(project, root)
    result = CliRunner().invoke(cli, ["compile", "--dialect", dialect, "--project-dir", str(root)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    written = sorted((root / "target/compiled" / dialect / "app").glob("*.sql"))
    return result, {path.name: path.read_text(encoding="utf-8") for path in written}


def refusals(result: Result) -> str:
    """Return the refusals that the command has printed."""
    lines = result.stderr.splitlines()
    kept = [line for line in lines if line.startswith(("error: ", "  hint: "))]
    return "".join(f"{line}\n" for line in kept)
