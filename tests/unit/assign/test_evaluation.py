"""Decisions are those of the hash, and every way to be left out has its reason."""

from typing import Any

import pytest
from tests.support.rulesets import content, experiment, gate, rollout, ruleset, setting

from steelyard.assign.evaluation import Evaluator, Outcome, Why
from steelyard.assign.writing import gate_json
from steelyard.errors import SpecError
from steelyard.hashing import DEFAULT, scheme_named

USERS = [f"user_{number}" for number in range(2000)]
IN_APRIL = 1775500000.0


def decide(
    one: dict[str, Any], unit: str | int | None, attributes: dict[str, Any] | None = None, **more: Any
) -> Outcome:
    evaluator = Evaluator(ruleset(experiments={"exp": one}, **more))
    return evaluator.decide("exp", unit, attributes or {}, now=IN_APRIL)


def bucket(unit: str) -> int:
    found = scheme_named("sha256-60").scalar("shop", unit, 10_000)
    assert found is not None
    return found


def test_variants_are_those_of_the_hash() -> None:
    variants = [
        {"name": name, "share": share, "config": {}}
        for name, share in (("a", 3334), ("b", 3333), ("c", 3333))
    ]
    evaluator = Evaluator(ruleset(experiments={"exp": experiment(salt="exp_checkout", variants=variants)}))
    for user in USERS:
        drawn = DEFAULT.scalar("exp_checkout", user)
        assert drawn is not None
        expected = "a" if drawn < 3334 else "b" if drawn < 6667 else "c"
        outcome = evaluator.decide("exp", user, {}, now=0.0)
        assert outcome.variant is not None
        assert (outcome.variant.name, outcome.why) == (expected, Why.ASSIGNED)


def test_an_integer_is_its_text() -> None:
    assert decide(experiment(), 42).variant == decide(experiment(), "42").variant


@pytest.mark.parametrize("unit", [1.5, True, b"a"], ids=str)
def test_a_unit_of_a_refused_kind_is_an_error(unit: Any) -> None:
    with pytest.raises(SpecError, match="a unit must be text or an integer"):
        decide(experiment(), unit)


def test_no_unit_has_no_variant() -> None:
    assert decide(experiment(), None).why is Why.NO_UNIT
    assert decide(experiment(), "").why is Why.NO_UNIT
    assert decide(experiment(), None, {"user_id": "user_1"}).variant == decide(experiment(), "user_1").variant


def test_another_unit_is_taken_from_its_attribute() -> None:
    sessions = experiment(unit="session")
    assert decide(sessions, "user_1").why is Why.NO_UNIT
    outcome = decide(sessions, "user_1", {"session_id": "user_2"})
    assert outcome.variant == decide(experiment(), "user_2").variant


@pytest.mark.parametrize(
    ("starts", "ends", "is_running"),
    [
        (None, None, True),
        ("2026-04-06T18:26:40Z", None, True),
        ("2026-04-06T18:26:41Z", None, False),
        (None, "2026-04-06T18:26:40Z", False),
        (None, "2026-04-06T18:26:41Z", True),
    ],
)
def test_an_experiment_has_its_time(starts: str | None, ends: str | None, is_running: bool) -> None:
    outcome = decide(experiment(starts=starts, ends=ends), "user_1")
    assert outcome.why is (Why.ASSIGNED if is_running else Why.NOT_RUNNING)


def test_only_units_in_the_buckets_take_part() -> None:
    one = experiment(gates=[gate(1000, 3000)])
    evaluator = Evaluator(ruleset(experiments={"exp": one}))
    inside = {user for user in USERS if evaluator.decide("exp", user, {}, now=0.0).why is Why.ASSIGNED}
    assert inside == {user for user in USERS if 1000 <= bucket(user) < 3000}
    outside = next(user for user in USERS if user not in inside)
    assert evaluator.decide("exp", outside, {}, now=0.0).why is Why.NOT_ALLOCATED


def test_a_unit_must_pass_one_of_the_gates() -> None:
    evaluator = Evaluator(ruleset(experiments={"exp": experiment(gates=[gate(0, 3000), gate(5000, 6000)])}))
    inside = {user for user in USERS if evaluator.decide("exp", user, {}, now=0.0).why is Why.ASSIGNED}
    assert inside == {user for user in USERS if bucket(user) < 3000 or 5000 <= bucket(user) < 6000}
    assert decide(experiment(gates=[]), "user_1").why is Why.NOT_ALLOCATED


def test_a_gate_on_a_programme_with_gates_lets_units_through_that_pass_both() -> None:
    node = {"salt": "shop.n1", "scheme": "sha256-60", "buckets": 100, "gates": [gate(0, 3000)]}
    programmes = {"shop": content()["programmes"]["shop"], "shop/n1": node}
    one = experiment(gates=[gate_json("shop/n1", range(50), 100)])
    evaluator = Evaluator(ruleset(experiments={"exp": one}, programmes=programmes))
    inside = {user for user in USERS if evaluator.decide("exp", user, {}, now=0.0).why is Why.ASSIGNED}
    again = scheme_named("sha256-60").bucketer("shop.n1", 100)
    assert inside == {user for user in USERS if bucket(user) < 3000 and (again(user) or 0) < 50}
    assert len(inside) > 100


def test_targeting_leaves_others_out() -> None:
    one = experiment(targeting={"attribute": "country", "in": ["SG"]})
    assert decide(one, "user_1", {"country": "SG"}).why is Why.ASSIGNED
    assert decide(one, "user_1", {"country": "MY"}).why is Why.NOT_TARGETED
    assert decide(one, "user_1").why is Why.NOT_TARGETED


def test_all_experiments_at_once_are_each_alone() -> None:
    several = {
        f"exp_{number}": experiment(salt=f"exp_{number}", gates=[gate(number * 1000, number * 1000 + 2000)])
        for number in range(9)
    } | {"sessions": experiment(unit="session", gates=[gate(0, 5000)])}
    evaluator = Evaluator(ruleset(experiments=several))
    for user in USERS[:200]:
        attributes = {"session_id": user[::-1]}
        found = evaluator.decide_all(user, attributes, now=0.0)
        assert found == {name: evaluator.decide(name, user, attributes, now=0.0) for name in several}


HELD = {"unit": "user", "gates": [gate(9000, 10_000)], "salt": "q3", "scheme": "sha256", "variants": []}
CLOSING = [{"name": name, "share": 5000, "config": {}} for name in ("nothing", "everything")]


def test_a_holdback_gets_no_experiment_and_no_rollout() -> None:
    evaluator = Evaluator(
        ruleset(
            holdbacks={"q3": HELD},
            experiments={"exp": setting("show_bar", False, True, holdbacks=["q3"]), "free": experiment()},
            rollouts={"wide": rollout({"columns": 4}, holdbacks=["q3"])},
        )
    )
    for user in USERS:
        is_held = bucket(user) >= 9000
        outcome = evaluator.decide("exp", user, {}, now=0.0)
        assert (outcome.why is Why.HOLDBACK) == is_held
        assert evaluator.decide("free", user, {}, now=0.0).why is Why.ASSIGNED
        rolled = evaluator.setting("checkout", "columns", user, {}, now=0.0, buckets={})
        assert rolled is not None
        if is_held:
            assert (outcome.holdback and outcome.holdback.name, outcome.held_variant) == ("q3", "holdback")
            assert (rolled.why, rolled.config) == (Why.HOLDBACK, {})
        else:
            assert (rolled.why, rolled.config) == (Why.ASSIGNED, {"columns": 4})


def test_a_holdback_is_the_reason_before_the_buckets_are() -> None:
    one = experiment(holdbacks=["q3"], gates=[gate(0, 5000)], targeting={"attribute": "a", "exists": True})
    evaluator = Evaluator(ruleset(holdbacks={"q3": HELD}, experiments={"exp": one}))
    for user in USERS[:200]:
        expected = (
            Why.HOLDBACK
            if bucket(user) >= 9000
            else Why.NOT_TARGETED
            if bucket(user) < 5000
            else Why.NOT_ALLOCATED
        )
        assert evaluator.decide("exp", user, {}, now=0.0).why is expected


def test_half_of_a_closing_holdback_gets_everything_that_shipped_and_no_experiment() -> None:
    evaluator = Evaluator(
        ruleset(
            holdbacks={"q3": {**HELD, "variants": CLOSING}},
            experiments={"exp": setting("show_bar", False, True, holdbacks=["q3"])},
            rollouts={"wide": rollout({"columns": 4}, share=0, holdbacks=["q3"])},
        )
    )
    seen = set()
    for user in (user for user in USERS if bucket(user) >= 9000):
        drawn = DEFAULT.scalar("q3", user)
        assert drawn is not None
        expected = "nothing" if drawn < 5000 else "everything"
        outcome = evaluator.decide("exp", user, {}, now=0.0)
        rolled = evaluator.setting("checkout", "columns", user, {}, now=0.0, buckets={})
        assert rolled is not None
        assert (outcome.why, outcome.held_variant) == (Why.HOLDBACK, expected)
        assert rolled.held_variant == expected
        assert rolled.config == ({"columns": 4} if expected == "everything" else {})
        seen.add(expected)
    assert seen == {"nothing", "everything"}


def test_a_rollout_grows_without_moving_anybody_out() -> None:
    def reached(share: int) -> set[str]:
        evaluator = Evaluator(ruleset(rollouts={"wide": rollout({"columns": 4}, share=share)}))
        return {
            user
            for user in USERS
            if evaluator.setting("checkout", "columns", user, {}, now=0.0, buckets={}) is not None
        }

    assert reached(0) == set()
    assert reached(1000) < reached(5000) < reached(10_000) == set(USERS)


def test_an_experiment_precedes_a_rollout() -> None:
    evaluator = Evaluator(
        ruleset(
            experiments={"exp": setting("columns", 1, 3, gates=[gate(0, 5000)])},
            rollouts={"wide": rollout({"columns": 4})},
        )
    )
    for user in USERS[:100]:
        found = evaluator.setting("checkout", "columns", user, {}, now=0.0, buckets={})
        assert found is not None
        assert found.entry.name == ("exp" if bucket(user) < 5000 else "wide")
