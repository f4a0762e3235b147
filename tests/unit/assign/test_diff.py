"""What a ruleset changes, said for people."""

from typing import Any

import pytest
from tests.support.rulesets import content, experiment, gate, gate_json, rollout, ruleset, setting

from steelyard.assign.diff import diff_rulesets

HELD: dict[str, Any] = {
    "unit": "user",
    "gates": [gate(9000, 10_000)],
    "salt": "q3",
    "scheme": "sha256",
    "variants": [],
}
CLOSING = [{"name": name, "share": 5000, "config": {}} for name in ("nothing", "everything")]
SINGAPORE = {"attribute": "country", "in": ["SG", "MY"]}


def shares(*parts: int) -> list[dict[str, Any]]:
    names = ("control", "treatment", "other")
    return [{"name": name, "share": share, "config": {}} for name, share in zip(names, parts, strict=False)]


def flags(**changes: Any) -> dict[str, Any]:
    return {"checkout": {**content()["flags"]["checkout"], **changes}}


EXPERIMENTS: list[tuple[dict[str, Any] | None, dict[str, Any] | None, list[str]]] = [
    (experiment(), experiment(), []),
    (
        None,
        experiment(gates=[gate(0, 2500)], targeting=SINGAPORE),
        [
            "added; 2,500 of the 10,000 buckets of shop of the unit user, "
            "whoever has country in 'SG', 'MY': control 50 %, treatment 50 %"
        ],
    ),
    (experiment(), None, ["removed; its units get what they would get without it"]),
    (
        experiment(),
        experiment(salt="new"),
        ["its salt or scheme changes; every unit is drawn anew, about 50 % change variant"],
    ),
    (
        experiment(variants=shares(9000, 1000)),
        experiment(variants=shares(9000, 1000), scheme="sha256-60"),
        ["its salt or scheme changes; every unit is drawn anew, about 18 % change variant"],
    ),
    (
        experiment(),
        experiment(variants=shares(4000, 6000)),
        ["10 % of its units move from control to treatment, with the salt as it was"],
    ),
    (
        experiment(),
        experiment(variants=shares(5000, 4000, 1000)),
        ["10 % of its units move from treatment to other, with the salt as it was"],
    ),
    (
        experiment(variants=shares(10_000)),
        experiment(variants=shares(10_000, 0)),
        ["its variants are now control, treatment"],
    ),
    (
        experiment(gates=[gate(0, 1000)]),
        experiment(gates=[gate(0, 3000)]),
        ["2,000 of the 10,000 buckets of shop join, 0 leave"],
    ),
    (
        experiment(gates=[gate(0, 1000)]),
        experiment(gates=[gate(500, 1100)]),
        [
            "100 of the 10,000 buckets of shop join, 500 leave; units that may have seen it drop out",
        ],
    ),
    (
        experiment(gates=[gate(0, 1000)]),
        experiment(),
        ["it is open to everyone instead of 1,000 of the 10,000 buckets of shop"],
    ),
    (experiment(), experiment(gates=[]), ["it is open to nobody instead of everyone"]),
    (
        experiment(targeting=SINGAPORE),
        experiment(),
        ["it was for whoever has country in 'SG', 'MY', and is for everyone"],
    ),
    (
        experiment(),
        experiment(ends="2026-05-01T00:00:00Z", starts="2026-04-01T00:00:00Z"),
        ["it starts 2026-04-01 00:00 UTC instead of never", "it ends 2026-05-01 00:00 UTC instead of never"],
    ),
    (
        experiment(),
        experiment(unit="session"),
        ["its unit becomes session instead of user; everybody is drawn anew"],
    ),
    (experiment(), experiment(flag="checkout"), ["its flag becomes checkout instead of None"]),
    (experiment(), experiment(holdbacks=["q3"]), ["the holdbacks q3 keep out of it instead of none"]),
    (setting("columns", 2, 3), setting("columns", 2, 4), ["treatment sets columns to 4 instead of 3"]),
    (setting("ratio", 0, 1.0), setting("ratio", 0, 1), []),
]


@pytest.mark.parametrize(("old", "new", "words"), EXPERIMENTS, ids=[str(one[2])[:40] for one in EXPERIMENTS])
def test_a_change_of_an_experiment_is_said(
    old: dict[str, Any] | None, new: dict[str, Any] | None, words: list[str]
) -> None:
    before, after = (
        ruleset(holdbacks={"q3": HELD}, experiments={} if one is None else {"exp": one}) for one in (old, new)
    )
    assert diff_rulesets(before, after) == [f"experiment exp: {line}" for line in words]


WIDE = rollout({"columns": 3}, share=2500)
OTHERS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (
        {},
        {"rollouts": {"wide": WIDE}},
        ["rollout wide: added; 25 % of the unit user, get {'columns': 3}"],
    ),
    ({"rollouts": {"wide": WIDE}}, {}, ["rollout wide: removed; its units get the defaults"]),
    (
        {"rollouts": {"wide": WIDE}},
        {"rollouts": {"wide": {**WIDE, "share": 5000}}},
        ["rollout wide: 25 % becomes 50 %; units join, none leaves"],
    ),
    (
        {"rollouts": {"wide": WIDE}},
        {"rollouts": {"wide": {**WIDE, "share": 1000}}},
        ["rollout wide: 25 % becomes 10 %; units lose it"],
    ),
    (
        {"rollouts": {"wide": WIDE}},
        {"rollouts": {"wide": {**WIDE, "salt": "new", "config": {"columns": 4}}}},
        [
            "rollout wide: its salt changes; who has it is drawn anew, 25 % of units",
            "rollout wide: it sets {'columns': 4} instead of {'columns': 3}",
        ],
    ),
    (
        {},
        {"holdbacks": {"q3": HELD}},
        ["holdback q3: added; 1,000 of the 10,000 buckets of shop of the unit user get nothing new"],
    ),
    (
        {"holdbacks": {"q3": HELD}},
        {"holdbacks": {"q3": {**HELD, "variants": CLOSING}}},
        ["holdback q3: its closing test starts: half of it gets everything that has shipped"],
    ),
    (
        {"holdbacks": {"q3": {**HELD, "variants": CLOSING}}},
        {"holdbacks": {"q3": {**HELD, "variants": CLOSING, "salt": "x"}}},
        ["holdback q3: its closing test is drawn anew"],
    ),
    ({"holdbacks": {"q3": HELD}}, {}, ["holdback q3: released; its units take part in everything again"]),
    (
        {},
        {"flags": flags(columns={"type": "integer", "default": 3, "enum": [2, 3]})},
        ["flag checkout: columns was integer with default 2, and is integer of [2, 3] with default 3"],
    ),
    (
        {},
        {"flags": flags(size={"type": "string", "default": "s", "enum": None})},
        ["flag checkout: size is added"],
    ),
    ({}, {"flags": {}}, [f"flag checkout: {key} is removed" for key in sorted(flags()["checkout"])]),
    (
        {},
        {"programmes": {"shop": {**content()["programmes"]["shop"], "salt": "x"}}},
        ["programme shop: its salt, scheme or size changes; every unit is put into another bucket"],
    ),
    (
        {},
        {
            "programmes": {
                **content()["programmes"],
                "shop/n1": {**content()["programmes"]["shop"], "gates": []},
            }
        },
        ["programme shop/n1: added"],
    ),
    (
        {"programmes": {**content()["programmes"], "other": content()["programmes"]["shop"]}},
        {},
        ["programme other: removed"],
    ),
    (
        {
            "programmes": {
                **content()["programmes"],
                "n": {**content()["programmes"]["shop"], "gates": [gate(0, 5)]},
            }
        },
        {
            "programmes": {
                **content()["programmes"],
                "n": {**content()["programmes"]["shop"], "gates": [gate(0, 9)]},
            }
        },
        ["programme n: 4 of the 10,000 buckets of shop join, 0 leave"],
    ),
    ({}, {"project": "store"}, ["the project: shop becomes store"]),
    ({}, {"targeting_unit": "session"}, ["the unit of the targeting key: user becomes session"]),
    (
        {},
        {"units": {"user": "uid", "session": "session_id"}},
        [
            "the units' keys: {'session': 'session_id', 'user': 'user_id'} becomes "
            "{'session': 'session_id', 'user': 'uid'}"
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "words"), OTHERS, ids=[one[2][0][:40] for one in OTHERS])
def test_any_other_change_is_said(old: dict[str, Any], new: dict[str, Any], words: list[str]) -> None:
    assert diff_rulesets(ruleset(**old), ruleset(**new)) == words


def test_scattered_buckets_are_counted() -> None:
    before, after = (
        ruleset(experiments={"exp": experiment(gates=[gate_json("shop", range(0, 10_000, step), 10_000)])})
        for step in (4, 2)
    )
    assert diff_rulesets(before, after) == [
        "experiment exp: 2,500 of the 10,000 buckets of shop join, 0 leave"
    ]
