"""What is exported to GrowthBook is decided there as here; the rest is refused with its reason."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.rulesets import content, experiment, gate_json, rollout, ruleset, setting

from steelyard.assign.evaluation import Evaluator, Why
from steelyard.assign.growthbook import export_growthbook
from steelyard.assign.writing import seal
from steelyard.errors import SpecError
from steelyard.run.rulesets import growthbook_payload

PLACE = {"salt": "shop-gb", "scheme": "growthbook-v2", "buckets": 10_000, "gates": None}
PROGRAMMES = {
    **content()["programmes"],
    "gb": PLACE,
    "gb/n1": {**PLACE, "gates": [gate_json("gb", range(9), 10_000)]},
}
PROGRAMMES["small"] = {**PLACE, "buckets": 100}
HELD = {"unit": "user", "gates": [], "salt": "q3", "scheme": "sha256", "variants": []}
VERSION_2 = {"scheme": "growthbook-v2"}
THIRDS = [
    {"name": name, "share": share, "config": {}} for name, share in (("a", 3334), ("b", 3333), ("c", 3333))
]


def gb_gate(*buckets: int, programme: str = "gb", size: int = 10_000) -> dict[str, Any]:
    return gate_json(programme, range(*buckets), size)


EXPERIMENTS: dict[str, dict[str, Any]] = {
    "bar": setting("show_bar", False, True, salt="bar", **VERSION_2, gates=[gb_gate(0, 5000)]),
    "title": setting("title", "Pay", "Pay now", "Zahlen", "Pay", salt="title", scheme="growthbook-v1"),
    "thirds": experiment(salt="é", variants=THIRDS, **VERSION_2),
    "two gates": experiment(salt="two", **VERSION_2, gates=[gb_gate(0, 100), gb_gate(4000, 9000, 2)]),
    "sessions": experiment(salt="s", unit="session", **VERSION_2),
    **{
        f"rule {number}": experiment(salt=f"r{number}", targeting=rule, **VERSION_2)
        for number, rule in enumerate(
            [
                {"attribute": "country", "in": ["SG", "MY"]},
                {"not": {"attribute": "country", "equals": "SG"}},
                {
                    "all": [
                        {"attribute": "age", "at_least": 18, "below": 65},
                        {"attribute": "country", "exists": True},
                    ]
                },
                {"any": [{"attribute": "age", "above": 60}, {"attribute": "paid", "equals": True}]},
                {"attribute": "country", "prefix": "S"},
                {"attribute": "age", "in": [1, 30]},
                {"attribute": "age", "at_most": 1},
            ]
        )
    },
}
ROLLOUTS = {
    "wide": rollout({"columns": 4, "ratio": 0.5}, share=2500, salt="wide", **VERSION_2),
    "all": rollout({"steps": [3]}, salt="all", **VERSION_2, targeting={"attribute": "paid", "equals": True}),
}
SOMEBODY: list[dict[str, Any]] = [
    {},
    {"country": "SG", "age": 30, "paid": True},
    {"country": "TH", "age": 65.5, "paid": False},
    {"country": None, "age": 1},
    {"country": "S", "age": True, "paid": 1},
    {"country": 5, "age": "30", "paid": "true"},
    {"age": float("inf"), "country": ""},
    {"age": float("-inf"), "country": "éS"},
]


def test_growthbooks_own_sdk_decides_alike() -> None:
    sdk = pytest.importorskip(
        "growthbook", reason="GrowthBook's SDK is not installed: pip install growthbook"
    )
    rules = ruleset(experiments=EXPERIMENTS, rollouts=ROLLOUTS, programmes=PROGRAMMES)
    export = export_growthbook(rules, at=0.0)
    assert not export.refused
    evaluator, compared = Evaluator(rules), 0
    for number in range(400):
        user = ["user_", "é", "日本😀"][number % 3] + str(number)
        attributes = {**SOMEBODY[number % len(SOMEBODY)], "user_id": user, "session_id": user[::-1]}
        tracked: dict[str, str] = {}
        theirs = sdk.GrowthBook(
            attributes=attributes,
            features=export.payload["features"],
            on_experiment_viewed=lambda experiment, result, user_context=None, seen=tracked: seen.update(
                {experiment.key: result.key}
            ),
        )
        for name, one in rules.experiments.items():
            outcome = evaluator.decide(name, user, attributes, now=0.0)
            if one.flag is None:
                expected = outcome.variant.name if outcome.variant else None
                assert theirs.get_feature_value(name, None) == expected, (name, attributes)
        for flag, properties in rules.flags.items():
            for key, kind in properties.items():
                found = evaluator.setting(flag, key, user, attributes, now=0.0, buckets={})
                expected = kind.default if found is None else found.config.get(key, kind.default)
                assert theirs.get_feature_value(f"{flag}.{key}", None) == expected, (key, attributes)
        assigned = {
            name: outcome.variant.name
            for name, outcome in evaluator.decide_all(user, attributes, now=0.0).items()
            if outcome.why is Why.ASSIGNED and outcome.variant
        }
        assert tracked == assigned
        compared += len(assigned)
        theirs.destroy()
    assert compared > 1500


def test_the_payload_has_ranges_filters_and_conditions() -> None:
    one = setting("show_bar", False, True, salt="bar", **VERSION_2, gates=[gb_gate(0, 5000)])
    one["targeting"] = {"attribute": "age", "below": 65}
    rules = ruleset(experiments={"bar": one}, programmes=PROGRAMMES)
    assert export_growthbook(rules, at=0.0).payload["features"]["checkout.show_bar"] == {
        "defaultValue": False,
        "rules": [
            {
                "seed": "bar",
                "hashVersion": 2,
                "hashAttribute": "user_id",
                "filters": [
                    {"seed": "shop-gb", "hashVersion": 2, "attribute": "user_id", "ranges": [[0.0, 0.5]]}
                ],
                "condition": {"age": {"$type": "number", "$lt": 65, "$gte": -1.7976931348623157e308}},
                "key": "bar",
                "ranges": [[0.0, 0.5], [0.5, 1.0]],
                "meta": [{"key": "control", "name": "control"}, {"key": "treatment", "name": "treatment"}],
                "weights": [0.5, 0.5],
                "variations": [False, True],
            }
        ],
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"scheme": "sha256"}, "it is drawn by sha256, which GrowthBook's SDKs do not know"),
        ({"scheme": "growthbook-v2-utf8"}, "it is drawn by growthbook-v2-utf8"),
        ({"holdbacks": ["q3"]}, "the holdback 'q3' keeps units out of it"),
        ({"gates": [gate_json("shop", [1], 10_000)]}, "the buckets of 'shop' are drawn by sha256-60"),
        (
            {"gates": [gb_gate(5, programme="gb/n1")]},
            "its buckets are of several programmes, or of a salt machine",
        ),
        ({"gates": [gb_gate(5), gate_json("shop", [1], 10_000)]}, "its buckets are of several programmes"),
        ({"gates": [gb_gate(5, programme="small", size=100)]}, "'small' has another number of buckets"),
        ({"targeting": {"attribute": "v", "version_below": "1.2"}}, "its rule compares by version_below"),
        ({"targeting": {"attribute": "v", "since": "2026-04-01"}}, "its rule compares by since"),
        ({"targeting": {"attribute": "v", "prefix": "a.b"}}, "its rule compares by prefix"),
        ({"targeting": {"not": {"attribute": "a.b", "equals": 1}}}, "reads the attribute 'a.b' as a path"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_what_growthbook_would_decide_otherwise_is_refused(changes: dict[str, Any], why: str) -> None:
    several = {"exp": experiment(**{**VERSION_2, **changes}), "fine": experiment(salt="fine", **VERSION_2)}
    data = seal(content(experiments=several, holdbacks={"q3": HELD}, programmes=PROGRAMMES))
    with pytest.raises(SpecError) as caught:
        growthbook_payload(data)
    assert str(caught.value).startswith(f"exp for GrowthBook: {why}") or why in str(caught.value)
    assert "fine for GrowthBook" not in str(caught.value)
    features = growthbook_payload(data, skips=True)["features"]
    assert ("exp" in features, "fine" in features) == (False, True)


def test_only_what_runs_is_exported() -> None:
    later = experiment(starts="2026-04-01T00:00:00Z", ends="2026-05-01T00:00:00Z", **VERSION_2)
    data = seal(content(experiments={"exp": later}))
    days = [datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 31), (4, 1), (4, 30), (5, 1))]
    found = ["exp" in growthbook_payload(data, at=day)["features"] for day in days]
    assert found == [False, True, True, False]
