"""What the drivers of warehouses over the network raise, in the engine's words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from steelyard.errors import WarehouseError
from steelyard.warehouse.error_text import masked

GRANT = "grant it: docs/warehouses.md lists what the engine needs"
TYPES = (
    "do the columns that are compared have one type? a unit's id may be text in one table "
    "and a number in another: cast one of them"
)
NAME = "check the name, and that the profile's target is the one that holds it"
COLUMN = "check the names of the columns"
ZERO = "a division by zero", "write nullif(divisor, 0)"
UNREADABLE = "a value does not fit its type", TYPES
LARGE = "a number is too large for its type", "cast to double precision before computing with it"
SLOW = (
    "the statement was cancelled, or ran longer than statement_timeout_seconds",
    "raise statement_timeout_seconds in profiles.yml, or select fewer experiments",
)
CONFLICT = "another run changed the same rows at the same time", "nothing of this run was kept: run again"
BUSY = "the warehouse is busy or restarting: run again later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What to say of an error.

    Attributes:
        pattern: What its code and text look like, whatever the case.
        message: What is wrong; '' keeps the warehouse's sentence, which holds no value of a row then.
        hint: What to do.
        is_transient: Whether the same statement may succeed when it is run again.
        is_missing: Whether it says that there is no such table.
    """

    pattern: str
    message: str = ""
    hint: str
    is_transient: bool = False
    is_missing: bool = False


class MissingTableError(WarehouseError):
    """There is no such table."""


def translated(
    code: str, sentence: str, rules: Sequence[Rule], *, where: str = "", secrets: Iterable[str] = ()
) -> WarehouseError:
    """Return what a driver raised as an error of the engine.

    Args:
        code: The warehouse's name or number of the error.
        sentence: What it says.
        rules: The first that fits counts; where none does, its sentence is kept.
        where: The target.
        secrets: Texts that no message may hold.

    Examples:
        >>> print(translated("40001", "could not serialize", [Rule(pattern="^40001", message="a conflict",
        ...     hint="run again")]))
        a conflict
          hint: run again
    """
    told = f"{code} {sentence}"
    first = sentence.strip().splitlines()[0] if sentence.strip() else code
    for rule in rules:
        if re.search(rule.pattern, told, re.IGNORECASE):
            kind = MissingTableError if rule.is_missing else WarehouseError
            message = masked(rule.message or first, secrets)
            return kind(message, where=where, hint=rule.hint, is_transient=rule.is_transient)
    return WarehouseError(masked(first, secrets), where=where, hint="correct the SQL")


def driver(module: str, *, extra: str, where: str) -> Any:
    """Return a module of a driver, which is imported when a target first needs it.

    Args:
        module: Its name.
        extra: Extra of the package that installs it.
        where: The target.

    Raises:
        WarehouseError: It is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise WarehouseError(
            f"the driver {module} is not installed", where=where, hint=f"pip install 'steelyard[{extra}]'"
        ) from error
