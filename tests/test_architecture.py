"""The layers of the package, as a test: imports point down, third parties have one home."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "engine" / "steelyard"
FILES = sorted(ROOT.rglob("*.py"))

LAYERS = [
    {"errors"},
    {"stats", "hashing", "targeting", "dialects"},
    {"metric_types"},
    {"spec"},
    {"compile", "warehouse", "assign"},
    {"analysis", "planning"},
    {"report"},
    {"run"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
ONLY_IN = {
    "click": {"cli"},
    "rich": {"cli", "report"},
    "jinja2": {"compile", "report"},
    "sqlglot": {"compile", "dialects", "hashing"},
    "sqlalchemy": {"warehouse", "assign"},
    "duckdb": {"warehouse"},
    "chdb": {"warehouse"},
    "pyspark": {"warehouse"},
    "snowflake": {"warehouse"},
    "google": {"warehouse"},
    "databricks": {"warehouse"},
    "redshift_connector": {"warehouse"},
    "trino": {"warehouse"},
    "scipy": {"stats"},
    "openfeature": {"assign"},
    "pydantic": {"spec", "assign"},
    "yaml": {"spec", "assign"},
}


def area(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_obeys_layers(path: Path) -> None:
    here = area(path)
    if here == "__init__":
        return
    for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        top, *rest = name.split(".")
        if top == "steelyard":
            if rest == ["__version__"]:
                continue
            assert rest[0] == here or RANK[rest[0]] < RANK[here], f"{here} must not import {rest[0]}"
        elif top in ONLY_IN:
            assert here in ONLY_IN[top], f"{top} belongs in {ONLY_IN[top]}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_do_not_import(path: Path) -> None:
    """Optional drivers and lazily started commands are the only imports inside functions."""
    if area(path) in {"cli", "warehouse", "assign", "__init__"}:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            inner = [child for child in ast.walk(node) if isinstance(child, ast.Import | ast.ImportFrom)]
            assert not inner, f"{node.name} imports inside its body"


def test_every_area_has_a_layer() -> None:
    areas = {area(path) for path in FILES} - {"__init__"}
    assert areas <= set(RANK)
