"""YAML text to plain values, with the line of every key.

Two departures from PyYAML's defaults, both because guessing loses data: a key that stands twice in one
mapping is refused, and scalars resolve by YAML 1.2's core schema, so that ``no``, ``off`` and ``1:30`` stay
text (a country list may hold ``NO``) and only ``true``, ``false``, numbers, null and days are typed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from steelyard.errors import SpecError

Location = Sequence[str | int]


class _Loader(yaml.SafeLoader):
    """The safe loader with the scalar types of YAML 1.2's core schema, and days."""


_SCALARS = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789"),
    ("merge", r"<<", "<"),
)
_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}",
        re.compile(f"^(?:{_pattern})$"),
        ["" if char == "\0" else char for char in _first],
    )

# PyYAML reads 010 as 8.
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file: its value, and where each part of it stands."""

    path: str
    value: Any
    node: yaml.Node | None = field(default=None, repr=False, compare=False)

    def where(self, location: Location = ()) -> str:
        """Return ``path:line`` of the deepest part of ``location`` that the file holds."""
        return f"{self.path}:{self.line(location)}"

    def line(self, location: Location = ()) -> int:
        """Return the line (from 1) of the deepest part of ``location`` that the file holds.

        A location may name parts that only the normalised shape has (the list that a single name became);
        those are passed over.
        """
        node, line = self.node, _line(self.node)
        for depth, part in enumerate(location):
            found = _child(node, part, location[depth + 1 :])
            if found is not None:
                line, node = found
        return line


def read_document(path: Path, shown: str) -> Document:
    """Read a YAML file.

    Args:
        path: The file.
        shown: Its name in messages, usually relative to the project.

    Raises:
        SpecError: It cannot be read, is not UTF-8, is not YAML, is empty, or holds a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError("the file is not UTF-8 text", where=shown, hint="save it as UTF-8") from error
    except OSError as error:
        raise SpecError(f"cannot read the file: {error.strerror}", where=shown) from error
    return parse_document(text, shown)


def parse_document(text: str, shown: str) -> Document:
    """Parse YAML text; see `read_document`.

    Examples:
        >>> document = parse_document("name: shop\\nunits:\\n  user: user_id\\n", "steelyard.yml")
        >>> document.value
        {'name': 'shop', 'units': {'user': 'user_id'}}
        >>> document.where(("units", "user"))
        'steelyard.yml:3'
    """
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise SpecError("the file is empty", where=shown)
        return Document(shown, _build(loader, node, shown, ()), node)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, shown) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpecError(
            "the file holds a character that YAML does not allow", where=f"{shown}:{line}"
        ) from error
    except RecursionError as error:
        raise SpecError("the file is nested too deeply", where=shown) from error
    finally:
        if loader is not None:
            loader.dispose()


_HINTS = (
    (r"found character '\\t'", "indent with spaces; YAML does not allow tabs"),
    (r"found another document", "one document per file: remove the line '---' and what follows"),
    (
        r"mapping values are not allowed",
        "put a text that holds or ends with ':' in quotes, and check the indentation",
    ),
    (r"found character '[%@`]'", "put a text that starts with this character in quotes"),
)


def _syntax_error(error: yaml.MarkedYAMLError, shown: str) -> SpecError:
    mark = error.problem_mark or error.context_mark
    said = str(error.problem or error.context)
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, said)), "")
    line = mark.line + 1 if mark else 1
    return SpecError(f"not valid YAML: {said}", where=f"{shown}:{line}", hint=hint)


def _build(loader: _Loader, node: yaml.Node, shown: str, parents: tuple[yaml.Node, ...]) -> Any:
    if any(node is parent for parent in parents):
        raise SpecError("an anchor refers to itself", where=f"{shown}:{_line(node)}")
    inside = (*parents, node)
    if isinstance(node, yaml.MappingNode):
        _refuse_bad_keys(node, shown)
        loader.flatten_mapping(node)
        # An alias leads here again: what a merge has brought in must not look like a key that stands twice.
        node.value = list({key.value: (key, value) for key, value in node.value}.values())
        return {key.value: _build(loader, value, shown, inside) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, item, shown, inside) for item in node.value]
    return _build_scalar(loader, node, f"{shown}:{_line(node)}")


def _build_scalar(loader: _Loader, node: yaml.Node, where: str) -> Any:
    try:
        value = loader.construct_object(node)
    except ValueError as error:
        raise SpecError(f"{node.value[:40]!r} is neither a day nor a number", where=where) from error
    if isinstance(value, float) and not isfinite(value):
        raise SpecError(f"{node.value[:40]} is not a finite number", where=where)
    return value


def _refuse_bad_keys(node: yaml.MappingNode, shown: str) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        where = f"{shown}:{_line(key)}"
        if key.tag == "tag:yaml.org,2002:merge":
            continue
        if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
            name = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            raise SpecError(f"a key must be text, not {name}", where=where, hint="put it in quotes")
        if key.value in seen:
            raise SpecError(
                f"the key {key.value!r} stands twice",
                where=where,
                hint=f"it is first on line {seen[key.value]}",
            )
        seen[key.value] = _line(key)


def _line(node: yaml.Node | None) -> int:
    return node.start_mark.line + 1 if node is not None and node.start_mark else 1


def _child(node: yaml.Node | None, part: str | int, rest: Location) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        if isinstance(part, int) and part < len(node.value):
            return _line(node.value[part]), node.value[part]
        return None
    if not isinstance(node, yaml.MappingNode):
        return None
    keys = {key.value: (_line(key), value) for key, value in node.value}
    if isinstance(part, str):
        return keys.get(part)
    stands_for_one_item = bool(rest) and rest[0] in keys
    if stands_for_one_item or part >= len(keys):
        return None
    return list(keys.values())[part]
