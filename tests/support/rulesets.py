"""Rulesets to start from: small, valid, and changed by each test where it looks."""

from copy import deepcopy
from typing import Any

from steelyard.assign.reading import read_ruleset
from steelyard.assign.ruleset import Ruleset
from steelyard.assign.writing import gate_json, seal

HALVES = [
    {"name": "control", "share": 5000, "config": {}},
    {"name": "treatment", "share": 5000, "config": {}},
]


def experiment(**changes: Any) -> dict[str, Any]:
    """An experiment of all users."""
    plain = {
        "unit": "user",
        "flag": None,
        "salt": "exp",
        "scheme": "sha256",
        "gates": None,
        "targeting": None,
        "starts": None,
        "ends": None,
        "holdbacks": [],
        "variants": HALVES,
    }
    return deepcopy({**plain, **changes})


def setting(key: str, *values: Any, **changes: Any) -> dict[str, Any]:
    """An experiment that sets a property of the checkout to each of the values, in equal shares."""
    variants = [
        {"name": name, "share": 10_000 // len(values), "config": {key: value}}
        for name, value in zip(["control", "treatment", "other", "fourth"], values, strict=False)
    ]
    return experiment(flag="checkout", variants=variants, **changes)


def rollout(config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A rollout on the checkout, to everybody."""
    plain = experiment(flag="checkout", salt="rollout")
    plain.pop("variants")
    return {**plain, "share": 10_000, "config": config, **changes}


def gate(start: int, end: int) -> dict[str, Any]:
    """A range of the shop's buckets."""
    return gate_json("shop", range(start, end), 10_000)


def content(**changes: Any) -> dict[str, Any]:
    """A shop with one flag and one programme, and nothing that runs."""
    flag = {
        "show_bar": {"type": "boolean", "default": False, "enum": None},
        "title": {"type": "string", "default": "Pay", "enum": ["Pay", "Pay now", "Zahlen"]},
        "columns": {"type": "integer", "default": 2, "enum": None},
        "ratio": {"type": "number", "default": None, "enum": None},
        "layout": {"type": "object", "default": {"wide": True}, "enum": None},
        "steps": {"type": "array", "default": [1, 2], "enum": None},
    }
    plain = {
        "project": "shop",
        "units": {"user": "user_id", "session": "session_id"},
        "targeting_unit": "user",
        "programmes": {"shop": {"salt": "shop", "scheme": "sha256-60", "buckets": 10_000, "gates": None}},
        "flags": {"checkout": flag},
        "holdbacks": {},
        "experiments": {},
        "rollouts": {},
    }
    return deepcopy({**plain, **changes})


def ruleset(**changes: Any) -> Ruleset:
    """The ruleset of a content."""
    return read_ruleset(seal(content(**changes)))
