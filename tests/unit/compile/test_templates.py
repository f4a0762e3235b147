"""Templates that cannot inject, and a project's own that win."""

from pathlib import Path

import pytest
from sqlglot import exp, parse_one

from steelyard.compile.templates import Templates, builtin_dir
from steelyard.errors import CompileError


def templates(folder: Path, text: str) -> Templates:
    (folder / "t.sql").write_text(text)
    return Templates(folder)


def test_identifiers_and_literals_are_quoted_by_sqlglot(tmp_path: Path) -> None:
    made = templates(tmp_path, "select {{ value | literal }} as {{ name | ident }}").render(
        "t.sql", value="it's", name='a"; drop table t; --'
    )
    assert made.sql("duckdb") == "SELECT 'it''s' AS \"a\"\"; drop table t; --\""


def test_a_tree_takes_its_place_after_parsing(tmp_path: Path) -> None:
    made = templates(tmp_path, "select 2 * {{ tree(part) }} from {{ tree(source) }} as s").render(
        "t.sql", part=parse_one("a + b"), source=exp.select("*").from_("t")
    )
    assert made.sql("duckdb") == "SELECT 2 * (a + b) FROM (SELECT * FROM t) AS s"


def test_a_bare_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="printed the bare value 'x'"):
        templates(tmp_path, "select {{ value }}").render("t.sql", value="x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select {{ missing | ident }}", "'missing' is undefined"),
        ("select {% if %}", "Jinja"),
        ("select from where", "no SQL"),
    ],
)
def test_a_wrong_template_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CompileError, match=words):
        templates(tmp_path, text).render("t.sql")


def test_a_projects_template_wins_over_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "cells.sql").write_text("select 1")
    assert Templates(tmp_path).render("cells.sql").sql() == "SELECT 1"
    assert (
        Templates(tmp_path / "none").render("cells.sql", names=["a"], cells_per_experiment=10).find(exp.Group)
    )


@pytest.mark.parametrize("path", sorted(builtin_dir().glob("*.sql")), ids=lambda path: path.name)
def test_a_template_is_short_and_names_no_dialect(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    assert len(text.splitlines()) <= 70
    assert not [
        name for name in ("duckdb", "postgres", "snowflake", "bigquery", "spark", "trino") if name in text
    ]
