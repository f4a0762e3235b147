"""SQL templates: Jinja chooses the text, sqlglot decides the SQL; the border is one parse.

A template may print only what went through ``ident``, ``literal`` or ``tree``. The last puts a placeholder into the
text and the tree in its place once the text has been parsed, so that no SQL of a user is ever pasted.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import sqlglot
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlglot import exp
from sqlglot.errors import ParseError

from steelyard.compile.bytecode import Bytecode
from steelyard.compile.canonical import CANONICAL, forget_places
from steelyard.errors import CompileError

_SLOT = "slot__"


class Sql(str):
    """Text that is already SQL: the only thing a template may print."""

    __slots__ = ()


def builtin_dir() -> Path:
    """Return the built-in template directory, in a wheel or in a checkout."""
    packaged = Path(__file__).parents[1] / "sql_templates"
    checkout = Path(__file__).parents[3] / "sql_templates"
    return packaged if packaged.is_dir() else checkout


class Templates:
    """Renders templates; a project's file of the same name wins over the built-in one."""

    def __init__(self, overrides: Path | None = None) -> None:
        folders = [builtin_dir()] if overrides is None else [overrides, builtin_dir()]
        self._environment = ImmutableSandboxedEnvironment(
            loader=jinja2.FileSystemLoader(folders),
            undefined=jinja2.StrictUndefined,
            autoescape=False,
            finalize=_refuse_bare_value,
            trim_blocks=True,
            lstrip_blocks=True,
            bytecode_cache=Bytecode(Path(__file__).parent / "__pycache__"),
        )
        self._environment.globals.clear()
        self._environment.filters.clear()
        self._environment.filters.update(ident=_ident, literal=_literal)

    def render(self, name: str, /, **context: Any) -> exp.Expr:
        """Render a template to a tree.

        Args:
            name: File name of the template.
            **context: Values for the template; sqlglot trees among them are printed with the filter ``tree``.

        Raises:
            CompileError: The template is wrong: it prints a bare value, or does not parse.
        """
        slots: list[exp.Expr] = []

        def tree(value: exp.Expr) -> Sql:
            slots.append(value)
            return Sql(f"{_SLOT}{len(slots) - 1}")

        try:
            rendered = self._environment.get_template(name).render(tree=tree, **context)
            parsed = sqlglot.parse_one(rendered, read=CANONICAL)
        except jinja2.TemplateSyntaxError as error:
            raise CompileError(f"Jinja: {error.message}", where=f"{error.filename}:{error.lineno}") from error
        except (jinja2.UndefinedError, jinja2.TemplateNotFound) as error:
            raise CompileError(f"Jinja: {error.message}", where=f"sql_templates/{name}") from error
        except ParseError as error:
            raise CompileError(f"the template is no SQL: {error}", where=f"sql_templates/{name}") from error
        forget_places(parsed)
        return parsed.transform(lambda node: _place(node, slots), copy=False)


def _place(node: exp.Expr, slots: list[exp.Expr]) -> exp.Expr:
    if isinstance(node, exp.Table | exp.Column) and node.name.startswith(_SLOT):
        tree = slots[int(node.name.removeprefix(_SLOT))].copy()
        if isinstance(node, exp.Table):
            alias = node.args.get("alias")
            if isinstance(tree, exp.Query) and not isinstance(tree, exp.Subquery):
                tree = exp.Subquery(this=tree)
            if alias is not None:
                tree.set("alias", alias.copy())
        elif isinstance(tree, exp.Binary | exp.Connector) and isinstance(node.parent, exp.Binary | exp.Not):
            tree = exp.Paren(this=tree)
        if node.comments:
            tree.add_comments(node.comments)
        return tree
    return node


@lru_cache(maxsize=4096)
def _ident(name: str) -> Sql:
    return Sql(exp.to_identifier(str(name)).sql(CANONICAL))


def _literal(value: Any) -> Sql:
    return Sql(exp.convert(value).sql(CANONICAL))


def _refuse_bare_value(value: Any) -> Any:
    if isinstance(value, Sql):
        return value
    raise CompileError(
        f"the template printed the bare value {value!r}",
        hint="pipe it through ident or literal, or call tree()",
    )
