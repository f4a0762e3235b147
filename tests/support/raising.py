"""Which functions may raise, read off their source: their own ``raise``, or that of what they call."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any


@cache
def may_raise(function: Callable[..., Any]) -> bool:
    """Return whether a function, or one of the engine that it calls by name, raises."""
    seen: set[Callable[..., Any]] = set()
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
        if any(isinstance(node, ast.Raise) for node in ast.walk(tree)):
            return True
        waiting.extend(_called(one, tree))
    return False


def _called(function: Callable[..., Any], tree: ast.AST) -> Iterator[Callable[..., Any]]:
    names = getattr(function, "__globals__", {})
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        found: Any = None
        if isinstance(node.func, ast.Name):
            found = names.get(node.func.id)
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            found = getattr(names.get(node.func.value.id), node.func.attr, None)
        found = getattr(found, "__func__", found)
        if inspect.isfunction(found) and found.__module__.startswith("steelyard."):
            yield found
