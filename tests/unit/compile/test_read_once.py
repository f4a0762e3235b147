"""Tables whose rows need not be kept: what is read once, and what is read row by row."""

from datetime import date
from pathlib import Path

import pytest
from sqlglot import exp
from tests.support import small_project

from steelyard.compile.group import ColumnTypes, Statement, plan_groups
from steelyard.compile.plan import GroupPlan
from steelyard.compile.row_by_row import is_row_by_row
from steelyard.run import Project
from steelyard.run.collect import project_templates
from steelyard.run.compiling import _statements
from steelyard.run.metrics import read_metrics

EXPERIMENT = {
    "exposures": "app",
    "status": "stopped",
    "start": "2026-04-01",
    "end": "2026-04-03",
    "variants": [{"name": "control", "allocation": "50%"}, {"name": "treatment", "allocation": "50%"}],
    "metrics": {"primary": "spend"},
    "analysis": {"test": "fixed"},
}


def statements(root: Path, names: list[str], *, dialect: str) -> list[Statement]:
    small_project.write(root, experiments={name: {**EXPERIMENT, "name": name} for name in names}, tables={})
    files = Project.load(root).files
    queries = read_metrics(files, dialect=dialect)
    (group,) = plan_groups(files, queries, as_of=date(2026, 4, 5), selected=names, is_series=False)
    types, templates = ColumnTypes(), project_templates(files)
    return list(_statements(GroupPlan(group, files=files, types=types, templates=templates, dialect=dialect)))


def readings(found: list[Statement], table: str) -> int:
    """Return how often statements read a table."""
    return sum(one.name == table for each in found for one in each.tree.find_all(exp.Table))


@pytest.mark.parametrize("dialect", ["spark", "databricks"])
def test_exposed_units_that_are_not_kept_are_read_once(dialect: str, tmp_path: Path) -> None:
    found = statements(tmp_path, ["one"], dialect=dialect)
    assert [one.table for one in found if one.is_read_once] == ["exposed_units"]
    assert readings(found, "exposed_units") == 1


@pytest.mark.parametrize(("dialect", "names"), [("spark", ["one", "two"]), ("duckdb", ["one"])])
def test_exposed_units_are_kept_where_several_may_read_them(
    dialect: str, names: list[str], tmp_path: Path
) -> None:
    assert not any(one.is_read_once for one in statements(tmp_path, names, dialect=dialect))


def test_of_the_tables_of_a_run_only_the_analysed_units_are_read_row_by_row(tmp_path: Path) -> None:
    found = statements(tmp_path, ["one"], dialect="spark")
    tables = [one.table for one in found if one.table is not None]
    assert [one.table for one in found if one.table and is_row_by_row(one.tree, tables)] == ["analysed_units"]
    assert not any(is_row_by_row(one.tree, []) for one in found)
