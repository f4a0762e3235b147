"""Targeting rules: who may be in an experiment, decided alike in a request and in SQL.

What is imported here needs the standard library alone.
"""

from steelyard.targeting.matching import Matcher, matcher
from steelyard.targeting.overlap import are_disjoint
from steelyard.targeting.rule import (
    AllOf,
    AnyOf,
    Negation,
    Op,
    Rule,
    Test,
    attributes_of,
    parse_rule,
    rule_json,
)
from steelyard.targeting.words import describe

__all__ = [
    "AllOf",
    "AnyOf",
    "Matcher",
    "Negation",
    "Op",
    "Rule",
    "Test",
    "are_disjoint",
    "attributes_of",
    "describe",
    "matcher",
    "parse_rule",
    "rule_json",
]
