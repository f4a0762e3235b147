"""A metric file's text: Jinja rendered, config taken out, `ref`, `source` and `var` resolved."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from steelyard.compile.relations import RelationNames
from steelyard.errors import CompileError, SpecError
from steelyard.spec.fields import closest
from steelyard.spec.loader import MetricFile
from steelyard.spec.metric import MetricConfig

_CONFIG = re.compile(r"\{\{-?\s*config\(.*?\)\s*-?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSource:
    """A metric file after Jinja.

    Attributes:
        name: The metric's name.
        config: Its config block, validated.
        text: The file as it was written.
        sql: The query that is left once Jinja has run.
        where: The file, for messages.
    """

    name: str
    config: MetricConfig
    text: str
    sql: str
    where: str


def read_metric(file: MetricFile, *, relations: RelationNames, variables: Mapping[str, Any]) -> MetricSource:
    """Render one metric file.

    Args:
        file: The file.
        relations: Where `ref` and `source` lead.
        variables: The project's `vars`.

    Raises:
        SpecError: A wrong config block, or a file that cannot be read.
        CompileError: Jinja that does not parse, or that uses something that is not there.
    """
    return render_metric(
        file.name, _read(file.path, file.shown), where=file.shown, relations=relations, variables=variables
    )


def render_metric(
    name: str, text: str, *, where: str, relations: RelationNames, variables: Mapping[str, Any]
) -> MetricSource:
    """Render a metric's text; see `read_metric`."""
    found: list[tuple[int, dict[str, Any]]] = []
    block = _CONFIG.search(text)
    first_line = text.count("\n", 0, block.start()) + 1 if block else 1

    def config(**keywords: Any) -> str:
        found.append((first_line, keywords))
        return "\n" * block.group().count("\n") if block else ""  # the SQL keeps the file's line numbers

    context = {
        "config": config,
        "ref": relations.ref,
        "source": relations.source,
        "var": _variable_reader(variables),
    }
    sql = _render(text, context, where)
    if len(found) > 1:
        raise SpecError("config() stands twice", where=f"{where}:{found[0][0]}", hint="keep one config block")
    line, keywords = found[0] if found else (1, {})
    config_ = MetricConfig.parse(keywords, where=f"{where}:{line}")
    return MetricSource(name=name, config=config_, text=text, sql=sql.rstrip(), where=where)


def _read(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError("the file is not UTF-8 text", where=shown, hint="save it as UTF-8") from error
    except OSError as error:
        raise SpecError(f"the file cannot be read: {error.strerror}", where=shown) from error


def _variable_reader(variables: Mapping[str, Any]) -> Callable[..., Any]:
    def var(name: str, default: Any = None) -> Any:
        if name in variables:
            return variables[name]
        if default is not None:
            return default
        raise CompileError(
            f"unknown variable {name!r}",
            hint=closest(name, variables) or "add it under vars in steelyard.yml",
        )

    return var


def _render(text: str, context: Mapping[str, Any], where: str) -> str:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    environment.globals.clear()
    try:
        return environment.from_string(text).render(**context)
    except jinja2.TemplateSyntaxError as error:
        raise CompileError(f"Jinja: {error.message}", where=f"{where}:{error.lineno}") from error
    except jinja2.UndefinedError as error:
        raise CompileError(
            f"Jinja: {error.message}",
            where=f"{where}:{_template_line(error)}",
            hint="a metric may use config, ref, source and var",
        ) from error
    except (SecurityError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        if isinstance(error, CompileError | SpecError):
            line = _template_line(error)
            raise type(error)(
                error.args[0], where=error.where or f"{where}:{line}", hint=error.hint
            ) from error
        raise CompileError(f"Jinja: {error}", where=f"{where}:{_template_line(error)}") from error


def _template_line(error: BaseException) -> int:
    """Return the line of the template that was running; Jinja compiles templates to frames with their lines."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
