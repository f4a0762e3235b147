"""`{{ env_var('NAME', 'default') }}` in profiles: their one expression, read without Jinja."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from steelyard.errors import SpecError
from steelyard.spec.document import Location

_TEXT = r"""(?:'([^'{}]*)'|"([^"{}]*)")"""
_CALL = re.compile(
    rf"\s*env_var\(\s*{_TEXT}\s*(?:,\s*{_TEXT}\s*)?\)\s*(?:\|\s*(?:as_number|as_bool|as_text|as_native|int)\s*)?"
)
_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def render_env_vars(text: str, environ: Mapping[str, str]) -> str:
    """Replace each ``{{ env_var(...) }}`` by the variable's value or its default.

    dbt's filters (``| as_number`` and such) are accepted; the setting's own type decides.

    Raises:
        SpecError: Another expression, or a variable that is not set and has no default.

    Examples:
        >>> render_env_vars("{{ env_var('HOST', 'localhost') }}:5432", {})
        'localhost:5432'
    """

    def value(match: re.Match[str]) -> str:
        call = _CALL.fullmatch(match[1])
        if call is None:
            raise SpecError(
                "only env_var('NAME') or env_var('NAME', 'default') can stand in {{ }}",
                hint="profiles know no other Jinja",
            )
        name: str = call[1] if call[1] is not None else call[2]
        default: str | None = call[3] if call[3] is not None else call[4]
        if not _NAME.fullmatch(name):
            raise SpecError(f"{name!r} is not the name of an environment variable")
        found = environ.get(name, default)
        if found is None:
            hint = f"set it, or write env_var('{name}', 'default')"
            raise SpecError(f"the environment variable {name} is not set", hint=hint)
        return found

    outside = _EXPRESSION.sub("", text)
    if any(mark in outside for mark in ("{{", "}}", "{%", "{#")):
        raise SpecError(
            "a Jinja expression that is not closed, or a block", hint="write {{ env_var('NAME') }}"
        )
    return _EXPRESSION.sub(value, text)


def render_all(
    value: Any, environ: Mapping[str, str], place: Callable[[Location], str], location: Location = ()
) -> Any:
    """Render every text in a value of mappings and lists.

    Raises:
        SpecError: As `render_env_vars`, with ``place(location)`` of the text.
    """
    if isinstance(value, dict):
        return {key: render_all(item, environ, place, (*location, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [render_all(item, environ, place, (*location, index)) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        return render_env_vars(value, environ)
    except SpecError as error:
        raise SpecError(error.args[0], where=place(location), hint=error.hint) from None
