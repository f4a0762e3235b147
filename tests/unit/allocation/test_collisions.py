"""Properties that two experiments would set for one unit."""

from typing import Any

import pytest

from steelyard.assign.allocation.collisions import (
    Collision,
    property_collisions,
    require_no_collisions,
    targeting_is_disjoint,
)
from steelyard.errors import SpecError
from steelyard.spec.experiment import Experiment
from steelyard.spec.inference import Defaults
from steelyard.spec.programme import Programme

MAIN = {"main": Programme(unit="user"), "tagged": Programme(unit="user", exclusive="tags")}


def experiment(name: str, *properties: str, **changes: Any) -> Experiment:
    config = dict.fromkeys(properties, True)
    value = {
        "name": name,
        "exposures": "app",
        "surface": "checkout",
        "variants": [{"name": "control"}, {"name": "treatment", "config": config}],
        "metrics": ["m"],
        **changes,
    }
    return Experiment.model_validate(value, context={"defaults": Defaults()})


def test_two_open_experiments_that_set_one_property_collide() -> None:
    found = property_collisions([experiment("b", "x", "y"), experiment("a", "y", "z")], {})
    assert found == (Collision(experiment="a", other="b", surface="checkout", property="y"),)


def test_a_property_is_that_of_its_surface() -> None:
    assert not property_collisions([experiment("a", "x"), experiment("b", "x", surface="search")], {})
    assert property_collisions([experiment("a", "x", surface=None), experiment("b", "x", surface=None)], {})


@pytest.mark.parametrize(
    ("one", "other", "collides"),
    [
        ({"programme": "main"}, {"programme": "main"}, False),
        ({"programme": "main"}, {"programme": "tagged"}, True),
        ({"programme": "main"}, {}, True),
        ({"programme": "tagged"}, {"programme": "tagged"}, True),
        ({"programme": "tagged", "exclusive_to": "t"}, {"programme": "tagged", "tags": "t"}, False),
        ({"programme": "tagged", "exclusive_to": "t"}, {"programme": "tagged", "tags": "u"}, True),
        ({"targeting": {"country": "SG"}}, {"targeting": {"country": ["MY", "TH"]}}, False),
        ({"targeting": {"country": ["SG", "MY"]}}, {"targeting": {"country": ["MY", "TH"]}}, True),
        ({"targeting": {"country": "SG"}}, {"targeting": {"platform": "ios"}}, True),
        (
            {"targeting": {"country": "SG", "platform": "web"}},
            {"targeting": {"country": "SG", "platform": "ios"}},
            False,
        ),
        ({"targeting": {"country": "SG"}}, {}, True),
        (
            {"eligible": {"attribute": "plan", "equals": "free"}},
            {"eligible": {"attribute": "plan", "in": ["pro", "team"]}},
            False,
        ),
    ],
    ids=[
        "exclusive", "two-programmes", "one-open", "no-tags", "tags", "other-tags",
        "countries", "common-country", "two-columns", "one-of-two-columns", "everyone", "eligible",
    ],
)  # fmt: skip
def test_what_keeps_two_experiments_apart(one: dict[str, Any], other: dict[str, Any], collides: bool) -> None:
    pair = [experiment("a", "x", **one), experiment("b", "x", **other)]
    assert bool(property_collisions(pair, MAIN)) is collides
    assert bool(property_collisions(pair[::-1], MAIN)) is collides


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, "1.0"), ("sg", "SG"), (True, "true"), (True, 1), (False, "0")],
    ids=["number", "case", "flag", "flag-number", "false-number"],
)
def test_values_that_may_be_the_same_somewhere_prove_nothing(one: Any, other: Any) -> None:
    left = experiment("a", "x", targeting={"k": one})
    assert not targeting_is_disjoint(left, experiment("b", "x", targeting={"k": other}))
    assert targeting_is_disjoint(left, experiment("b", "x", targeting={"k": "something else"}))


def test_a_richer_targeting_brings_its_own_proof() -> None:
    pair = [experiment("a", "x"), experiment("b", "x")]
    assert not property_collisions(pair, {}, is_disjoint=lambda one, other: True)


def test_collisions_are_refused_all_at_once_with_their_places() -> None:
    three = [experiment(name, "x") for name in "abc"]
    with pytest.raises(SpecError) as caught:
        require_no_collisions(three, {}, where=lambda name: f"{name}.yml:1")
    text = str(caught.value)
    assert text.count("sets the property 'x' of the surface 'checkout'") == 3
    assert "b.yml:1: 'b' sets" in text
    assert "hint: make them exclusive in one programme" in text
    require_no_collisions(three[:1], {})
