"""The SQL of every statement of a small project in every dialect, and what each dialect refuses."""

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from tests.support.golden_project import COMPILED, PROJECT, REFUSALS, REFUSED, compiled, refusals

from steelyard.dialects.registry import DIALECTS

EVERYWHERE = pytest.mark.parametrize("dialect", DIALECTS)
# What sqlglot makes of a dialect's own words when it reads them: another node than the one that was written.
READ_AS: dict[str, set[type[exp.Expr]]] = {
    "bigquery": {exp.Parameter},
    "redshift": {exp.TsOrDsDiff},
    "spark": {exp.TryCast, exp.TsOrDsToDate},
    "trino": {exp.DateAdd},
}
UPDATE = "pytest tests -k golden --update-golden"


@EVERYWHERE
def test_the_golden_sql_is_what_compile_writes(dialect: str, tmp_path: Path, update_golden: bool) -> None:
    result, found = compiled(PROJECT, dialect, tmp_path)
    refusing, _ = compiled(REFUSED, dialect, tmp_path)
    said = refusals(result) + refusals(refusing)
    found |= {REFUSALS: said} if said else {}
    assert result.exit_code == (1 if refusals(result) else 0)
    assert refusing.exit_code == (1 if refusals(refusing) else 0)
    folder = COMPILED / dialect
    if update_golden:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, text in found.items():
            (folder / name).write_text(text, encoding="utf-8")
    golden = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*"))}
    assert list(golden) == sorted(found), UPDATE
    for name, text in golden.items():
        assert found[name] == text, f"{dialect}/{name}: {UPDATE}"


@EVERYWHERE
def test_golden_statements_parse_back_and_say_only_what_the_dialect_allows(dialect: str) -> None:
    here = DIALECTS[dialect]
    allowed = here.functions | here.syntax | READ_AS.get(dialect, set())
    paths = sorted((COMPILED / dialect).glob("*.sql"))
    assert paths
    for path in paths:
        tree = sqlglot.parse_one(path.read_text(encoding="utf-8"), read=dialect)
        assert isinstance(tree, exp.Query), path.name
        calls = {node.name.lower() for node in tree.find_all(exp.Anonymous)}
        kinds = {type(node) for node in tree.walk()} - {exp.Anonymous}
        assert not calls - here.names, path.name
        assert not kinds - allowed, path.name
