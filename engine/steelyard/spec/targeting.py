"""Targeting rules in YAML, kept as the plain values that they are written in."""

from typing import Annotated, Any

from steelyard.errors import SpecError
from steelyard.spec.model import parsed_by, problem
from steelyard.targeting import parse_rule, rule_json


def _parse_eligible(value: Any) -> Any:
    if value is None:
        return None
    try:
        return rule_json(parse_rule(value))
    except SpecError as error:
        at = [int(part) if part.isdigit() else part for part in error.where.split("/")[1:]]
        raise problem(f"eligible: {error.args[0]}", at=at, hint=error.hint) from None


Eligible = Annotated[dict[str, Any] | None, parsed_by(_parse_eligible)]
"""A rule as `steelyard.targeting.parse_rule` reads it, in its normal form."""
