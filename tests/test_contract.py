"""What every part promises: registered, documented, listed; nothing forgotten in a folder."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import steelyard.dialects
import steelyard.metric_types
import steelyard.stats
from steelyard.cli.commands import COMMANDS
from steelyard.dialects.dialect import Dialect
from steelyard.dialects.registry import DIALECTS
from steelyard.metric_types.base import MetricType
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.warehouse.registry import WAREHOUSES
from steelyard.warehouse.tables import TABLES

ROOT = Path(__file__).parents[1]
SYNONYMS = re.compile(
    r"\b(uplifts?|lifts?|arms?|kpis?|variations?|conversion_rate|confidence_level|n_obs|pvalue|stderr)\b",
    re.IGNORECASE,
)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def public_functions() -> Iterator[FunctionType]:
    for module in modules(steelyard.stats):
        for name, value in vars(module).items():
            if (
                isinstance(value, FunctionType)
                and not name.startswith("_")
                and value.__module__ == module.__name__
            ):
                yield value


def raised(function: FunctionType) -> set[str]:
    """Return the classes that a function's own body raises."""
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(inspect.unwrap(function))))
    return {
        node.exc.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
    }


def test_every_metric_type_is_registered() -> None:
    found = {
        value
        for module in modules(steelyard.metric_types)
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, MetricType) and not inspect.isabstract(value)
    } - {MetricType}
    assert found == {type(one) for one in METRIC_TYPES.values()}


def test_every_dialect_is_registered_under_its_name() -> None:
    found = {
        module.DIALECT.name: module.DIALECT
        for module in modules(steelyard.dialects)
        if isinstance(getattr(module, "DIALECT", None), Dialect)
    }
    assert found == dict(DIALECTS)


def test_every_warehouse_that_runs_has_a_dialect() -> None:
    assert set(WAREHOUSES) <= set(DIALECTS)


@pytest.mark.parametrize(
    "function", list(public_functions()), ids=lambda one: f"{one.__module__}.{one.__name__}"
)
def test_public_statistics_are_documented(function: FunctionType) -> None:
    text = inspect.getdoc(function) or ""
    assert text.split("\n\n")[0].rstrip().endswith("."), "it begins with a sentence"
    for name in raised(function):
        assert "Raises:" in text, f"it raises {name} and does not say so"
        assert name in text


def test_the_modules_of_methods_cite_their_sources() -> None:
    """A method cites who proposed it; modules without one hold tables, arrays and words."""
    cited = {
        module.__name__ for module in modules(steelyard.stats) if "References:" in inspect.getsource(module)
    }
    for name in (
        "adjustment",
        "always_valid",
        "group_sequential",
        "means",
        "multiplicity",
        "quantile",
        "relative",
        "srm",
    ):
        assert f"steelyard.stats.{name}" in cited


def test_every_table_and_column_is_described_in_a_sentence() -> None:
    for table in TABLES.values():
        for text in (table.comment, *(column.comment for column in table.columns)):
            assert text.endswith(".")
        assert len(set(table.names)) == len(table.names)
        assert set(table.slice_by) <= set(table.names)


def test_every_table_is_in_the_design_of_columns() -> None:
    assert {
        "results",
        "timeseries",
        "health",
        "decisions",
        "looks",
        "moments",
        "metrics",
        "experiments",
        "runs",
    } <= set(TABLES)


def test_one_word_per_idea() -> None:
    """Columns and commands use the words of the README's table, not their synonyms."""
    names = [column.name for table in TABLES.values() for column in table.columns]
    for text in (*names, *COMMANDS, *(command.help or "" for command in COMMANDS.values())):
        assert not SYNONYMS.search(text.replace("_", " ")), text
