"""The wheel, installed alone: it starts a project, runs it and reports, away from the checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def call(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without the checkout in its path; fail with what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source archive, and a wheel made from it."""
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of scripts of an environment that holds the wheel and what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    call(sys.executable, "-m", "venv", folder, cwd=built)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    call(scripts / "python", "-m", "pip", "install", "-q", *built.glob("*.whl"), cwd=built)
    return scripts


def templates() -> list[str]:
    return sorted(path.name for path in (ROOT / "sql_templates").glob("*.sql"))


def test_the_wheel_holds_the_package_and_every_template(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    found = sorted(name.rpartition("/")[2] for name in names if name.startswith("steelyard/sql_templates/"))
    assert found == templates() != []
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"steelyard"}
    modules = {str(path.relative_to(ROOT / "engine")) for path in (ROOT / "engine/steelyard").rglob("*.py")}
    assert modules <= set(names)
    assert "steelyard/py.typed" in names


def test_the_templates_are_those_that_git_knows() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no git history here")
    known = call("git", "ls-files", "sql_templates", cwd=ROOT).stdout.splitlines()
    assert sorted(Path(name).name for name in known) == templates()


def test_the_source_archive_holds_what_it_takes_to_build_and_test(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tests/test_wheel.py",
        "sql_templates/unit_day.sql",
    } <= names
    assert not [name for name in names if name.endswith((".duckdb", ".csv", ".pyc"))]


def test_a_new_project_runs_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    steelyard = installed / "steelyard"
    call(steelyard, "init", "x", cwd=tmp_path)
    for command in ("seed", "run", "report", "check", "debug"):
        printed = call(steelyard, command, cwd=tmp_path / "x").stdout
        assert printed, command
    report = call(steelyard, "report", cwd=tmp_path / "x").stdout
    assert "SHIP: treatment" in report
    shown = call(
        installed / "python", "-c", "import steelyard; print(steelyard.__file__)", cwd=tmp_path
    ).stdout
    assert str(installed.parent) in shown
