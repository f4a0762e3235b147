"""The base of all specs, and validation errors in words.

A spec is a frozen pydantic model that refuses unknown keys. `validate` turns pydantic's errors into
SpecErrors that say where (a line), what, and what to do.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from steelyard.errors import SpecError
from steelyard.spec.document import Document, Location
from steelyard.spec.fields import closest, closest_name, shown

S = TypeVar("S", bound="Spec")

_MUST_BE = {
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


class Spec(BaseModel):
    """A frozen model of one part of a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False, hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _know_the_keys(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Tell an unknown key's error which keys there are, as only the class that refuses it knows."""
        try:
            return handler(value)
        except ValidationError as error:
            raise ValidationError.from_exception_data(
                cls.__name__, [_annotate(detail, cls.keys()) for detail in error.errors()]
            ) from None

    @classmethod
    def keys(cls) -> list[str]:
        """Return the keys that a file may use."""
        return [field.alias or name for name, field in cls.model_fields.items()]


def _annotate(detail: ErrorDetails, keys: list[str]) -> InitErrorDetails:
    context = {**detail.get("ctx", {}), "message": detail["msg"]}
    if detail["type"] == "extra_forbidden" and "keys" not in context:
        context["keys"] = keys
    kind = PydanticCustomError(detail["type"], "{message}", context)
    return InitErrorDetails(type=kind, loc=detail["loc"], input=detail["input"])


def problem(message: str, *, at: Location = (), hint: str = "") -> PydanticCustomError:
    """Return an error for a validator to raise, placed at a key below the validated value."""
    return PydanticCustomError("problem", "{message}", {"message": message, "at": tuple(at), "hint": hint})


def validate(
    model: type[S], value: Any, place: Callable[[Location], str], *, context: Any = None, secret: bool = False
) -> S:
    """Validate a value against a spec.

    Args:
        model: The spec.
        value: What the file holds.
        place: From a location in the value to ``file:line``.
        context: Passed to the validators.
        secret: Leave values out of messages.

    Raises:
        SpecError: All that is wrong, one entry each.
    """
    try:
        return model.model_validate(value, context=context)
    except ValidationError as error:
        details = _without_misspelt(error.errors())
        raise combine([_explain(detail, place, secret) for detail in details]) from None


def combine(errors: Sequence[SpecError]) -> SpecError:
    """Return one error that lists all of them."""
    return errors[0] if len(errors) == 1 else SpecError("\n".join(str(error) for error in errors))


def placed(document: Document, prefix: Location = ()) -> Callable[[Location], str]:
    """Return where locations below ``prefix`` of a document stand."""
    return lambda location: document.where((*prefix, *location))


def _without_misspelt(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Drop the missing keys that an unknown key beside them is a misspelling of: one slip, one message."""
    unknown = [detail for detail in details if detail["type"] == "extra_forbidden"]
    meant = {
        (*detail["loc"][:-1], closest_name(str(detail["loc"][-1]), detail["ctx"]["keys"]))
        for detail in unknown
    }
    return [detail for detail in details if detail["type"] != "missing" or detail["loc"] not in meant]


def _explain(detail: ErrorDetails, place: Callable[[Location], str], secret: bool) -> SpecError:
    context = detail.get("ctx", {})
    location = (*detail["loc"], *context.get("at", ()))
    message, hint = _words(detail, context, secret)
    return SpecError(message, where=place(location), hint=hint)


def _words(detail: ErrorDetails, context: Mapping[str, Any], secret: bool) -> tuple[str, str]:
    kind = detail["type"]
    names = [part for part in detail["loc"] if isinstance(part, str) and part != "[key]"]
    key = ".".join(names) or "the file"
    if kind == "problem":
        return context["message"], context["hint"]
    if kind == "missing":
        return f"missing key {key!r}", ""
    if kind == "extra_forbidden":
        inside = f" in '{'.'.join(names[:-1])}'" if names[:-1] else ""
        return f"unknown key {names[-1]!r}{inside}", closest(names[-1], context["keys"])
    return _words_about_value(detail, context, key, secret)


def _words_about_value(
    detail: ErrorDetails, context: Mapping[str, Any], key: str, secret: bool
) -> tuple[str, str]:
    kind, value = detail["type"], detail["input"]
    cause = context.get("error")
    if isinstance(cause, SpecError):
        return f"{key}: {'the value is not valid' if secret else cause.args[0]}", cause.hint
    not_value = "" if secret else f", not {shown(value)}"
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", context["expected"])
        return f"unknown {key}{'' if secret else f' {shown(value)}'}", closest(str(value), options)
    must_be = _MUST_BE.get(kind) or detail["msg"].removeprefix("Input should be ")
    return f"{key} must be {must_be}{not_value}", _writing(kind, value)


def _writing(kind: str, value: Any) -> str:
    if kind in ("dict_type", "model_type"):
        return "write keys and values: {key: value}"
    if kind == "tuple_type":
        return "write it in brackets: [one, another]"
    wants_text = kind == "string_type" and value is not None and not isinstance(value, dict | list)
    return "put it in quotes" if wants_text else ""


def parsed_by(parse: Callable[[Any], Any]) -> BeforeValidator:
    """Return the validator that gives a value its meaning before its type is checked."""
    return BeforeValidator(parse)


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _whole(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpecError(f"{shown(value)} is not a whole number")
    return value


def _flag(value: Any) -> Any:
    if not isinstance(value, bool):
        raise SpecError(f"{shown(value)} is neither true nor false")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_flag)]
OneOrMany = BeforeValidator(_one_or_many)
