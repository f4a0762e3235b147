"""A ruleset is refused with the place of what is wrong."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.rulesets import HALVES, content, experiment, gate, rollout, ruleset, setting

from steelyard.assign.reading import read_ruleset, version_of
from steelyard.assign.writing import gate_json, seal
from steelyard.errors import SpecError

Change = Callable[[dict[str, Any]], None]
EXPERIMENTS = {
    "bar": setting("show_bar", False, True, gates=[gate(0, 5000)], salt="bar"),
    "title/2": setting("title", "Pay", "Pay now"),
}
HOLDBACK = {"unit": "user", "gates": [gate(9000, 10_000)], "salt": "held", "scheme": "sha256", "variants": []}


def bar(raw: dict[str, Any]) -> dict[str, Any]:
    return raw["experiments"]["bar"]  # type: ignore[no-any-return]


def put(*path: str | int, value: Any) -> Change:
    def change(raw: dict[str, Any]) -> None:
        inner: Any = raw
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = value

    return change


REFUSED: list[tuple[str, Change, str, str]] = [
    ("unknown top key", put("extra", value=1), "/extra", "unknown key 'extra'"),
    ("unknown key", lambda raw: bar(raw).update(weight=1), "/experiments/bar/weight", "unknown key 'weight'"),
    ("missing key", lambda raw: bar(raw).pop("salt"), "/experiments/bar", "missing key 'salt'"),
    ("no mapping", put("experiments", "bar", value=3), "/experiments/bar", "a mapping is needed"),
    ("no mapping of entries", put("flags", value=[]), "/flags", "a mapping is needed"),
    ("no name", put("flags", "", value={}), "/flags/", "'' is not a name"),
    ("no list", put("experiments", "bar", "gates", value={}), "/experiments/bar/gates", "a list is needed"),
    ("no text", put("project", value=3), "/project", "a text is needed, not 3"),
    (
        "shares",
        put("experiments", "bar", "variants", 1, "share", value=4000),
        "/experiments/bar/variants",
        "the shares add up to 9,000, not 10,000",
    ),
    (
        "share of text",
        put("experiments", "bar", "variants", 1, "share", value="5000"),
        "/experiments/bar/variants/1/share",
        "a whole number from 0 to 10,000 is needed, not '5000'",
    ),
    (
        "pointer is escaped",
        put("experiments", "title/2", "variants", 0, "config", "title", value="Buy"),
        "/experiments/title~12/variants/0/config/title",
        "'Buy' is not one of 'Pay', 'Pay now', 'Zahlen'",
    ),
    (
        "wrong type",
        put("experiments", "bar", "variants", 0, "config", "show_bar", value=0),
        "/experiments/bar/variants/0/config/show_bar",
        "0 is not of type boolean",
    ),
    (
        "boolean for an integer",
        put("rollouts", "cols", "config", "columns", value=True),
        "/rollouts/cols/config/columns",
        "True is not of type integer",
    ),
    (
        "unknown property",
        put("experiments", "bar", "variants", 0, "config", "colour", value="red"),
        "/experiments/bar/variants/0/config/colour",
        "the flag 'checkout' has no property 'colour'",
    ),
    (
        "different properties",
        put("experiments", "bar", "variants", 1, "config", value={}),
        "/experiments/bar/variants/1/config",
        "treatment and control set different properties",
    ),
    (
        "same name",
        put("experiments", "bar", "variants", 1, "name", value="control"),
        "/experiments/bar/variants",
        "a variant stands twice",
    ),
    (
        "no variants",
        put("experiments", "bar", "variants", value=[]),
        "/experiments/bar/variants",
        "an experiment needs variants",
    ),
    ("expired", put("schema", value=0), "/schema", "the schema 0 has expired"),
    ("expired kind", put("schema", value="1"), "/schema", "the schema '1' has expired"),
    ("newer", put("schema", value=2), "/schema", "the schema 2 is newer than 1"),
    (
        "unknown unit",
        put("experiments", "bar", "unit", value="cat"),
        "/experiments/bar/unit",
        "unknown unit 'cat'",
    ),
    (
        "unknown flag",
        put("experiments", "bar", "flag", value="x"),
        "/experiments/bar/flag",
        "unknown flag 'x'",
    ),
    (
        "unknown scheme",
        put("experiments", "bar", "scheme", value="md4"),
        "/experiments/bar/scheme",
        "unknown hash scheme 'md4'",
    ),
    ("salt", put("experiments", "bar", "salt", value="a:b"), "/experiments/bar/salt", "holds ':'"),
    (
        "moment",
        put("experiments", "bar", "starts", value="2026-04-01"),
        "/experiments/bar/starts",
        "'2026-04-01' is not a moment",
    ),
    (
        "no such moment",
        put("experiments", "bar", "starts", value="2026-04-31T00:00:00Z"),
        "/experiments/bar/starts",
        "is not a moment",
    ),
    (
        "ends first",
        lambda raw: bar(raw).update(starts="2026-04-02T00:00:00Z", ends="2026-04-01T00:00:00Z"),
        "/experiments/bar/ends",
        "it ends before it starts",
    ),
    (
        "rule",
        put("experiments", "bar", "targeting", value={"all": [{"attribute": "a", "like": "b"}]}),
        "/experiments/bar/targeting/all/0/like",
        "unknown comparison 'like'",
    ),
    (
        "unknown holdback",
        put("experiments", "bar", "holdbacks", value=["q4"]),
        "/experiments/bar/holdbacks/0",
        "unknown holdback 'q4'",
    ),
    (
        "holdback of another unit",
        lambda raw: bar(raw).update(unit="session", holdbacks=["q3"]),
        "/experiments/bar/holdbacks/0",
        "the holdback 'q3' is of the unit 'user', not 'session'",
    ),
    (
        "closing test",
        put("holdbacks", "q3", "variants", value=HALVES),
        "/holdbacks/q3/variants",
        "nothing and everything",
    ),
    (
        "unknown programme",
        put("experiments", "bar", "gates", 0, "programme", value="x"),
        "/experiments/bar/gates/0/programme",
        "unknown programme 'x'",
    ),
    (
        "circle",
        put("programmes", "shop", "gates", value=[gate(0, 10)]),
        "/programmes/shop/gates/0/programme",
        "the gates of 'shop' lead back to it",
    ),
    (
        "count",
        put("experiments", "bar", "gates", 0, "count", value=1),
        "/experiments/bar/gates/0/count",
        "there are 5,000 buckets, not 1",
    ),
    (
        "range",
        put("experiments", "bar", "gates", 0, "ranges", value=[[0, 10], [5, 20]]),
        "/experiments/bar/gates/0/ranges/1/0",
        "a whole number from 10 to 9,999 is needed, not 5",
    ),
    (
        "range of three",
        put("experiments", "bar", "gates", 0, "ranges", value=[[0, 10, 20]]),
        "/experiments/bar/gates/0/ranges/0",
        "a first bucket and the one after its last",
    ),
    (
        "base64",
        put("experiments", "bar", "gates", 0, value={"programme": "shop", "count": 1, "bits": "*"}),
        "/experiments/bar/gates/0/bits",
        "this is not base64",
    ),
    (
        "bits",
        put("experiments", "bar", "gates", 0, value={"programme": "shop", "count": 8, "bits": "/w=="}),
        "/experiments/bar/gates/0/bits",
        "these are not the bits of 10,000 buckets",
    ),
    (
        "default",
        put("flags", "checkout", "columns", "default", value="2"),
        "/flags/checkout/columns/default",
        "'2' is not of type integer",
    ),
    (
        "enum",
        put("flags", "checkout", "columns", "enum", value=[2, "3"]),
        "/flags/checkout/columns/enum/1",
        "'3' is not of type integer",
    ),
    (
        "same property",
        put("experiments", "other", value=setting("show_bar", True, False, gates=[gate(4999, 6000)])),
        "/experiments/other",
        "'bar' sets checkout.show_bar as well",
    ),
    (
        "same property in rollouts",
        put("rollouts", "more", value=rollout({"columns": 4})),
        "/rollouts/more",
        "'cols' sets checkout.columns as well",
    ),
    (
        "named as a flag",
        put("experiments", "checkout", value=experiment()),
        "/experiments/checkout",
        "a flag or a property has the same name",
    ),
    (
        "named as a property",
        put("experiments", "checkout.title", value=experiment()),
        "/experiments/checkout.title",
        "a flag or a property has the same name",
    ),
]


@pytest.mark.parametrize(
    ("change", "where", "message"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
def test_a_wrong_ruleset_is_refused_with_its_place(change: Change, where: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_ruleset(_resealed(change), "r.json")
    assert caught.value.where == f"r.json#{where}"
    assert message in caught.value.args[0]


def _resealed(change: Change) -> bytes:
    """The changed content; a changed schema is put in after sealing, which writes the only one it knows."""
    raw = content(
        experiments=EXPERIMENTS, rollouts={"cols": rollout({"columns": 3})}, holdbacks={"q3": HOLDBACK}
    )
    change(raw)
    schema = raw.pop("schema", None)
    data = seal(raw)
    return (
        data if schema is None else data.replace(b'"schema":1', f'"schema":{json.dumps(schema)}'.encode(), 1)
    )


def test_the_ruleset_that_the_refused_ones_are_made_of_is_fine() -> None:
    found = read_ruleset(_resealed(lambda raw: None))
    assert list(found.experiments) == ["bar", "title/2"]
    assert found.experiments["bar"].gates[0].count == 5000


def test_an_edited_or_cut_ruleset_is_refused() -> None:
    data = seal(content(experiments=EXPERIMENTS))
    with pytest.raises(SpecError, match="the content is not that of its version"):
        read_ruleset(data.replace(b'"salt":"bar"', b'"salt":"baz"'))
    with pytest.raises(SpecError, match="ruleset: not JSON"):
        read_ruleset(data[:-10])
    with pytest.raises(SpecError, match="NaN is not a number of JSON"):
        read_ruleset(data.replace(b'"default":2', b'"default":NaN'))
    with pytest.raises(SpecError, match="it has no schema"):
        read_ruleset(b"[]")


def test_a_number_of_buckets_that_a_vendor_fixes_is_refused() -> None:
    changes = {"programmes": {"shop": {"salt": "a", "scheme": "flagsmith", "buckets": 5, "gates": None}}}
    with pytest.raises(SpecError, match="flagsmith has 9,998 buckets, not 5"):
        ruleset(**changes)


def test_a_version_depends_on_the_content_and_on_nothing_else() -> None:
    one, other = content(experiments=EXPERIMENTS), content(experiments=dict(reversed(EXPERIMENTS.items())))
    assert seal(one) == seal(other)
    other["experiments"]["bar"]["salt"] = "new"
    assert read_ruleset(seal(one)).version != read_ruleset(seal(other)).version
    assert read_ruleset(seal(one)).version == version_of(
        seal(one).replace(read_ruleset(seal(one)).version.encode(), b"")
    )


@pytest.mark.parametrize("members", [range(100), range(0, 10_000, 3), [], [9999], range(10_000)], ids=str)
def test_buckets_are_read_as_they_were_written(members: range | list[int]) -> None:
    found = ruleset(experiments={"a": experiment(gates=[gate_json("shop", members, 10_000)])})
    (one,) = found.experiments["a"].gates
    assert one.members == tuple(members)
    assert one.count == len(one.members)


def test_bits_beyond_the_last_bucket_are_refused() -> None:
    programmes = {"shop": {"salt": "shop", "scheme": "sha256", "buckets": 100, "gates": None}}
    bits = base64.b64encode(b"\xff" * 13).decode()
    gates = [{"programme": "shop", "count": 104, "bits": bits}]
    with pytest.raises(SpecError, match="not the bits of 100 buckets"):
        ruleset(programmes=programmes, experiments={"a": experiment(gates=gates)})


SINGAPORE = {"attribute": "country", "equals": "SG"}
MALAYSIA = {"attribute": "country", "in": ["MY"]}
PROGRAMMES = {
    **content()["programmes"],
    "other": {"salt": "other", "scheme": "sha256-60", "buckets": 100, "gates": None},
    "shop/n1": {"salt": "n1", "scheme": "sha256-60", "buckets": 100, "gates": [gate(10, 30), gate(50, 60)]},
}
APRIL, MAY = "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"gates": [gate(0, 10)]}, {"gates": [gate(10, 20)]}),
        ({"targeting": SINGAPORE}, {"targeting": MALAYSIA}),
        ({"targeting": {"all": [SINGAPORE, {"attribute": "a", "exists": True}]}}, {"targeting": MALAYSIA}),
        ({"ends": APRIL}, {"starts": APRIL}),
        ({"starts": MAY}, {"ends": APRIL}),
        ({"gates": [gate(0, 10)]}, {"gates": [gate_json("shop/n1", range(20), 100)]}),
        ({"gates": []}, {}),
    ],
    ids=["buckets", "targeting", "targeting within all", "in turn", "in turn, reversed", "node", "nobody"],
)
def test_entries_that_cannot_meet_may_set_the_same_property(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    pair = {"a": setting("show_bar", True, False, **one), "b": setting("show_bar", True, False, **other)}
    assert len(ruleset(experiments=pair, programmes=PROGRAMMES).experiments) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({"gates": [gate(0, 10)]}, {}),
        ({}, {"gates": [gate(0, 10)]}),
        ({"gates": [gate(0, 10)]}, {"gates": [gate(9, 20)]}),
        ({"gates": [gate(0, 10)]}, {"gates": [gate_json("other", range(10, 20), 100)]}),
        ({"gates": [gate(0, 11)]}, {"gates": [gate_json("shop/n1", range(20), 100)]}),
        ({"unit": "session", "gates": [gate(0, 10)]}, {"gates": [gate(10, 20)]}),
        ({"targeting": SINGAPORE}, {"targeting": {"not": SINGAPORE}}),
        ({"targeting": SINGAPORE}, {"targeting": {"any": [MALAYSIA, {"attribute": "a", "exists": True}]}}),
        ({"targeting": {"attribute": "a", "equals": 1}}, {"targeting": {"attribute": "a", "in": [1.0]}}),
        ({"unit": "session", "targeting": SINGAPORE}, {"targeting": MALAYSIA}),
        ({"ends": MAY}, {"starts": APRIL}),
    ],
    ids=str,
)
def test_entries_that_may_meet_must_not_set_the_same_property(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    pair = {"a": setting("show_bar", True, False, **one), "b": setting("show_bar", True, False, **other)}
    with pytest.raises(SpecError, match=r"'a' sets checkout\.show_bar as well"):
        ruleset(experiments=pair, programmes=PROGRAMMES)


def test_the_third_entry_is_compared_with_both_before_it() -> None:
    three = {
        "a": setting("show_bar", True, False, gates=[gate(0, 10)]),
        "b": setting("show_bar", True, False, targeting=SINGAPORE, gates=[gate(10, 20)]),
        "c": setting("show_bar", True, False, gates=[gate(5, 6)]),
    }
    with pytest.raises(SpecError, match="'a' sets"):
        ruleset(experiments=three)
    three["c"]["gates"] = [gate(20, 30)]
    assert len(ruleset(experiments=three).experiments) == 3
