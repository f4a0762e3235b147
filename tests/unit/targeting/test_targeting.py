"""Rules are true or false of a unit, never unknown; what is no rule is refused with its place."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from steelyard.errors import SpecError
from steelyard.targeting import Op, matcher, parse_rule, rule_json
from steelyard.targeting.semver import version_key


def holds(rule: dict[str, Any], value: Any) -> bool:
    return matcher(parse_rule({"attribute": "a", **rule}))({"a": value})


@pytest.mark.parametrize(
    ("rule", "true_of", "false_of"),
    [
        ({"equals": "é"}, ["é"], ["e", "É", "e\u0301", "é ", 1, True, ["é"]]),
        ({"equals": 1}, [1, 1.0, np.int64(1), Decimal(1)], [True, "1", 1.5, [1]]),
        ({"equals": True}, [True], [1, "true", False]),
        ({"in": ["a", ""]}, ["a", ""], ["A", "b", 0]),
        ({"in": [1, 2.5]}, [1, 2.5, Decimal("2.5")], [2, "1", True]),
        ({"in": [False]}, [False], [0, True, ""]),
        (
            {"below": 1.5},
            [1, -1e308, Decimal("1.4")],
            [1.5, "1", False, float("-inf"), float("nan"), -(10**400)],
        ),
        ({"at_most": 1.5}, [1.5], [1.6, float("nan")]),
        ({"above": 0}, [1, 10**300], [0, -1, float("inf"), 10**400, "x"]),
        ({"at_least": 0}, [0, -0.0], [-1, Decimal("NaN"), Decimal("sNaN")]),
        ({"prefix": "日本"}, ["日本", "日本語"], ["日", "x日本", 5]),
        ({"exists": True}, ["", 0, False, float("nan"), []], []),
        ({"version_equals": "1.2"}, ["1.2", "1.2.0", "1.2.0+x.1"], ["1.2.1", "1.2.0-a", "v1.2", 1.2]),
        (
            {"version_below": "1.10.0-rc.2"},
            ["1.9", "1.10.0-rc.1", "1.10.0-rc", "1.10-alpha"],
            ["1.10", "1.10-rc.10"],
        ),
        (
            {"version_at_least": "2"},
            ["2", "10", "2.0.0"],
            ["2.0.0-rc", "1.99", "02", "2.", "2.0.0.0", "", " 2", "2\n"],
        ),
        (
            {"version_above": "1.0.0-1"},
            ["1.0.0-a", "1.0.0-10", "1.0.0-1.0"],
            ["1.0.0-0", "1.0.0-1", "1.0.0-01"],
        ),
        (
            {"version_at_most": "1.0.0-a.b"},
            ["1.0.0-a", "1.0.0-a.1", "1.0.0-A.z"],
            ["1.0.0-a.b.0", "1.0.0-a-.b"],
        ),
        (
            {"before": "2026-04-01"},
            ["2026-03-31", date(2026, 3, 31), "2026-03-31T23:59:59.999999Z", "2026-04-01T01:00:00+02:00"],
            ["2026-04-01", "2026-02-30", "26-03-31", 0, datetime(2026, 4, 1)],
        ),
        ({"until": "2026-04-01T00:00:00Z"}, ["2026-04-01", date(2026, 4, 1)], ["2026-04-01 00:00:01"]),
        (
            {"since": "2026-04-01T10:00:00+02:00"},
            [
                datetime(2026, 4, 1, 8, tzinfo=UTC),
                datetime(2026, 4, 1, 10, tzinfo=timezone(timedelta(hours=2))),
            ],
            [
                datetime(2026, 4, 1, 7, 59, 59),
                datetime.max.replace(tzinfo=timezone(timedelta(hours=-2))),
                None,
            ],
        ),
        ({"after": "2026-04-01"}, ["2026-04-01T00:00:00.1"], ["2026-04-01", "2026-04-01T25:00:00", "x"]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_each_comparison(rule: dict[str, Any], true_of: list[Any], false_of: list[Any]) -> None:
    assert [value for value in true_of if not holds(rule, value)] == []
    assert [value for value in [*false_of, None] if holds(rule, value)] == []


def test_a_missing_attribute_is_false_and_its_opposite_true() -> None:
    rule = {"attribute": "a", "equals": 1}
    for attributes in ({}, {"a": None}, {"a": "1"}):
        assert not matcher(parse_rule(rule))(attributes)
        assert matcher(parse_rule({"not": rule}))(attributes)
        both = {"all": [{"attribute": "a", "exists": True}, {"not": rule}]}
        assert matcher(parse_rule(both))(attributes) == (attributes.get("a") is not None)


def test_rules_are_joined() -> None:
    low, high = {"attribute": "a", "below": 3}, {"attribute": "a", "above": 7}
    either, both = matcher(parse_rule({"any": [low, high]})), matcher(parse_rule({"all": [low, high]}))
    assert [either({"a": value}) for value in (1, 5, 9)] == [True, False, True]
    assert not any(both({"a": value}) for value in (1, 5, 9))


def test_several_comparisons_of_one_attribute_must_all_hold() -> None:
    rule = parse_rule({"attribute": "a", "at_least": 3, "below": 7})
    assert [matcher(rule)({"a": value}) for value in (2, 3, 6, 7)] == [False, True, True, False]
    assert rule_json(rule) == {"all": [{"attribute": "a", "at_least": 3}, {"attribute": "a", "below": 7}]}


# https://semver.org/#spec-item-11
ORDER = (
    "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"
    " 2.0.0 2.1.0 2.1.1"
)


def test_versions_are_in_the_order_of_the_specification() -> None:
    versions = ORDER.split()
    keys = [version_key(text) for text in versions]
    assert all(one is not None and other is not None and one < other for one, other in pairwise(keys))


DEEP: dict[str, Any] = {"attribute": "a", "exists": True}
for _ in range(40):
    DEEP = {"not": DEEP}


@pytest.mark.parametrize(
    ("rule", "where", "message"),
    [
        (3, "", "a rule must be a mapping"),
        ({}, "", "a rule has one of the keys all, any, not, or an attribute; not none"),
        ({"all": [], "any": []}, "", "not all, any"),
        ({"all": []}, "/all", "a list of rules, at least one, is needed"),
        ({"any": [{"not": {"either": []}}]}, "/any/0/not", "not either"),
        ({"attribute": 3}, "/attribute", "the attribute's name must be text"),
        ({"attribute": "a"}, "", "the test compares nothing"),
        ({"attribute": "a", "like": "x"}, "/like", "unknown comparison 'like'"),
        ({"attribute": "a", "in": []}, "/in", "in needs a list of values"),
        ({"attribute": "a", "in": [None]}, "/in", "in needs texts, numbers or booleans, not None"),
        ({"attribute": "a", "in": [1, True]}, "/in", "the values of in must be of one kind"),
        (
            {"attribute": "a", "equals": None},
            "/equals",
            "equals needs a text, a number or a boolean, not None",
        ),
        ({"attribute": "a", "equals": float("inf")}, "/equals", "not inf"),
        ({"attribute": "a", "below": 10**400}, "/below", "below needs a number"),
        ({"attribute": "a", "below": "3"}, "/below", "below needs a number, not '3'"),
        ({"attribute": "a", "prefix": ""}, "/prefix", "prefix needs a text that is not empty"),
        ({"attribute": "a", "exists": False}, "/exists", "join it with not for its opposite"),
        ({"attribute": "a", "version_below": 2.4}, "/version_below", "not 2.4"),
        ({"attribute": "a", "since": "2026-02-30"}, "/since", "since needs a day or a moment"),
        ({"attribute": "a", "equals": "\ud800"}, "/equals", "a character that warehouses cannot store"),
        ({"attribute": "a", "in": ["a\0"]}, "/in", "a character that warehouses cannot store"),
        (DEEP, "/not" * 32, "more than 32 levels deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_rule_is_refused_with_its_place(rule: Any, where: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_rule(rule)
    assert message in caught.value.args[0]
    assert caught.value.where == where


def test_every_comparison_is_tried() -> None:
    tried = {key for case in test_each_comparison.pytestmark[0].args[1] for key in case[0]}
    assert tried == {op.value for op in Op}
