"""Values of shapes that do not fit each other are refused in the package's own words."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import traceback
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

from steelyard import stats
from steelyard.errors import EngineError, StatisticsError
from steelyard.stats.arrays import as_floats, together
from steelyard.stats.stagewise import stagewise_tail

MODULES = [
    importlib.import_module(f"steelyard.stats.{one.name}") for one in pkgutil.iter_modules(stats.__path__)
]
CHANGES: dict[str, Callable[[list[ast.expr]], list[ast.expr]]] = {
    "one less": lambda values: values[:-1],
    "one more": lambda values: [*values, values[-1]],
}


def lists(tree: ast.AST) -> list[ast.List]:
    """Return the lists of several values that an example writes out."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.List)
        and len(node.elts) > 1
        and not any(isinstance(one, ast.Starred) for one in node.elts)
    ]


def changed(source: str) -> Iterator[str]:
    """Yield an example with one value less or more in each of its lists."""
    for number in range(len(lists(ast.parse(source)))):
        for change in CHANGES.values():
            tree = ast.parse(source)
            chosen = lists(tree)[number]
            chosen.elts = change(chosen.elts)
            yield ast.unparse(ast.fix_missing_locations(tree))


def functions(module: ModuleType) -> list[FunctionType]:
    return [
        one
        for name, one in inspect.getmembers(module, inspect.isfunction)
        if one.__module__ == module.__name__ and not name.startswith("_")
    ]


def raised(source: str, known: dict[str, Any]) -> Exception | None:
    try:
        with np.errstate(all="ignore"):
            exec(compile(source, "example", "exec"), dict(known))
    except Exception as error:
        return error
    return None


def is_foreign(error: Exception | None) -> bool:
    """Return whether numpy says within the package what the package should have said."""
    if not isinstance(error, ValueError | IndexError) or isinstance(error, EngineError):
        return False
    return any("steelyard" in frame.filename for frame in traceback.extract_tb(error.__traceback__))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_examples_with_a_value_less_or_more_are_refused_or_computed(module: ModuleType) -> None:
    odd = []
    for function in functions(module):
        for test in doctest.DocTestFinder().find(function, function.__name__, module=module):
            known = {**vars(module), **test.globs}
            for example in test.examples:
                for source in changed(example.source):
                    error = raised(source, known)
                    if is_foreign(error):
                        odd.append(f"{source}: {error}")
                if "Traceback" not in example.want:
                    exec(compile(example.source, "example", "exec"), known)
    assert not odd


def test_the_examples_are_changed() -> None:
    assert list(changed("f([1, 2], (3,))")) == ["f([1], (3,))", "f([1, 2, 2], (3,))"]
    assert sum(len(functions(module)) for module in MODULES) > 100


def test_what_is_no_array_of_numbers_is_refused() -> None:
    for values in ([[1.0], [1.0, 2.0]], ["a"], [object()]):
        with pytest.raises(StatisticsError, match="no numbers, or stand in rows of several lengths"):
            as_floats(values)  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match=r"shapes \(2,\) and \(3,\) and \(\) do not go together"):
        together([1, 2], [1, 2, 3], 1.0)
    assert [one.tolist() for one in together([1, 3], 2)] == [[1.0, 3.0], [2.0, 2.0]]


def test_looks_in_more_than_two_axes_are_refused() -> None:
    with pytest.raises(StatisticsError, match=r"looks of shape \(1, 1, 2\)"):
        stats.exit_probabilities([[[2.18, 2.18]]], [[1.0, 2.0]])
    with pytest.raises(StatisticsError, match=r"looks of shape \(1, 1, 2\)"):
        stagewise_tail([[[2.8, 1.98]]], [[1.0, 2.0]], [2.9], stopped=[0])


def test_an_interaction_is_of_two_experiments() -> None:
    cells = stats.VariantMeans.independent(n=[100] * 8, mean=[1.0] * 8, variance=[0.01] * 8)
    with pytest.raises(StatisticsError, match="an interaction is of two experiments, not 3"):
        stats.interaction_effects(cells, (2, 2, 2))  # type: ignore[arg-type]
