"""Golden SQL: one file per statement, compared, rewritten, and read back in its dialect."""

from collections.abc import Mapping
from pathlib import Path

import sqlglot
from sqlglot import exp

from steelyard.dialects.registry import DIALECTS

UPDATE = "pytest tests -k golden --update-golden"
# What sqlglot makes of a dialect's own words when it reads them: another node than the one that was written.
READ_AS: Mapping[str, frozenset[type[exp.Expr]]] = {
    "bigquery": frozenset({exp.Datetime, exp.Parameter}),
    "databricks": frozenset({exp.ConvertTimezone}),
    "redshift": frozenset({exp.TsOrDsDiff}),
    "snowflake": frozenset({exp.ConvertTimezone}),
    "spark": frozenset({exp.ConvertTimezone, exp.TryCast, exp.TsOrDsToDate}),
    "trino": frozenset({exp.DateAdd}),
}


def check_golden(folder: Path, said: Mapping[str, str], *, update: bool) -> None:
    """Compare statements by name, in the order in which they ran, with the files of a folder; or rewrite these.

    Args:
        folder: Where the files are; nothing else is in it.
        said: The statements; a name that ends in ``.txt`` is a file as it is.
        update: Whether the files are written.
    """
    found = {
        name if name.endswith(".txt") else f"{number:02}_{name}.sql": f"{text.rstrip()}\n"
        for number, (name, text) in enumerate(said.items(), start=1)
    }
    if update:
        write_golden(folder, found)
    compare_golden(folder, found)


def write_golden(folder: Path, found: Mapping[str, str]) -> None:
    """Replace the files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, text in found.items():
        (folder / name).write_text(text, encoding="utf-8")


def compare_golden(folder: Path, found: Mapping[str, str]) -> None:
    """Fail unless the files of a folder are those that are found."""
    golden = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*"))}
    assert list(golden) == sorted(found), UPDATE
    for name, text in golden.items():
        assert found[name] == text, f"{folder.name}/{name}: {UPDATE}"


def check_reads(folder: Path, dialect: str) -> list[exp.Expr]:
    """Return the statements of a folder as they are read in a dialect; fail where one is no query there."""
    paths = sorted(folder.glob("*.sql"))
    assert paths
    trees = []
    for path in paths:
        tree = sqlglot.parse_one(path.read_text(encoding="utf-8"), read=dialect)
        assert isinstance(tree, exp.Query), path.name
        trees.append(tree)
    return trees


def check_parses_back(folder: Path, dialect: str) -> None:
    """Fail unless each statement of a folder can be read in its dialect, and says only what the dialect allows."""
    here = DIALECTS[dialect]
    allowed = here.functions | here.syntax | READ_AS.get(dialect, frozenset())
    for path, tree in zip(sorted(folder.glob("*.sql")), check_reads(folder, dialect), strict=True):
        calls = {node.name.lower() for node in tree.find_all(exp.Anonymous)}
        kinds = {type(node) for node in tree.walk()} - {exp.Anonymous}
        assert not calls - here.names, path.name
        assert not kinds - allowed, path.name
