"""Designs in an experiment's file: epochs, factors, clusters, holdbacks, and what does not go with them."""

from typing import Any

import pytest
from pydantic import ValidationError

from steelyard.spec.experiment import Experiment

BASE: dict[str, Any] = {
    "name": "e",
    "exposures": "app",
    "start": "2026-04-01",
    "end": "2026-04-14",
    "variants": ["control", "treatment"],
    "metrics": {"primary": "orders"},
}
EPOCHS = [
    {"start": "2026-04-01", "allocation": ["90%", "10%"]},
    {"start": "2026-04-08", "allocation": {"treatment": 50, "control": 50}},
]
CROSSED = [
    {"name": f"{a}{b}", "factors": {"button": a, "price": b}} for a in ("old", "new") for b in ("low", "high")
]


def read(**changes: Any) -> Experiment:
    return Experiment.model_validate({**BASE, **changes}, context={"exposures": ("app",)})


def test_a_rollout_has_the_allocation_of_its_last_epoch() -> None:
    spec = read(design="rollout", epochs=EPOCHS)
    assert [variant.allocation for variant in spec.variants] == [5000, 5000]
    assert [epoch.allocation for epoch in spec.epochs] == [(9000, 1000), (5000, 5000)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"design": "rollout"}, "a rollout needs the epochs of its allocation"),
        ({"design": "rollout", "epochs": EPOCHS[:1]}, "a rollout needs the epochs"),
        ({"epochs": EPOCHS}, "a fixed_split has one allocation"),
        ({"design": "rollout", "epochs": "weekly"}, "epochs must be a list"),
        ({"design": "rollout", "epochs": EPOCHS[::-1]}, "the first epoch begins on 2026-04-08"),
        (
            {"design": "rollout", "epochs": [*EPOCHS, {"start": "2026-05-01", "allocation": [50, 50]}]},
            "the epoch of 2026-05-01 does not come after the one before it and by the end",
        ),
        (
            {"design": "rollout", "epochs": [EPOCHS[0], {"start": "2026-04-08", "allocation": [100]}]},
            "an epoch must have one share for each variant",
        ),
        (
            {
                "design": "rollout",
                "epochs": [EPOCHS[0], {"start": "2026-04-08", "allocation": {"control": 1}}],
            },
            "an epoch must give every variant its share",
        ),
        (
            {
                "design": "rollout",
                "epochs": [EPOCHS[0], {"start": "2026-04-08", "allocation": ["70%", "20%"]}],
            },
            "the allocations add up to 90%, not 100%",
        ),
        ({"variants": CROSSED, "control": "oldlow"}, "only a factorial has factors"),
        ({"design": "factorial"}, "every variant of a factorial has a level of each of at least two factors"),
        (
            {"design": "factorial", "variants": CROSSED[:3], "control": "oldlow"},
            "the variants of a factorial are all combinations of its factors' levels",
        ),
        (
            {
                "design": "factorial",
                "variants": [*CROSSED[:3], {**CROSSED[3], "factors": CROSSED[0]["factors"]}],
                "control": "oldlow",
            },
            "each once",
        ),
        (
            {"design": "bandit", "epochs": EPOCHS},
            "test: group_sequential needs shares that outcomes have no say in",
        ),
        (
            {
                "design": "bandit",
                "analysis": "fixed",
                "epochs": [EPOCHS[0], {"start": "2026-04-08", "allocation": ["99.5%", "0.5%"]}],
            },
            "a bandit's share of 0.50% is below its floor of 1%",
        ),
        ({"design": "bandit", "analysis": "fixed"}, "a bandit needs the epochs of its allocation"),
        (
            {"design": "cluster", "duration": {"target_sample_size_per_variant": 99}},
            "test: group_sequential needs 100 clusters per variant, and 99 are planned",
        ),
        ({"shipped": ["other"]}, "only a holdback has shipped experiments"),
        ({"retention": "orders"}, "only a holdback has a retention"),
        ({"design": "holdback", "reach": {"a": "50%"}}, "'a' has a reach and is not shipped"),
        (
            {"design": "holdback", "shipped": "a", "reach": {"a": "150%"}},
            "the reach of 'a' is above 100%",
        ),
        ({"averaging": "population"}, "only a factorial averages over factors"),
        (
            {"design": "holdback", "retention": "order"},
            "the retention 'order' is none of the experiment's metrics",
        ),
        ({"switchback": {"region": "country"}}, "a fixed_split has no blocks"),
        (
            {"design": "switchback", "analysis": "always_valid"},
            "a switchback does not go with test: always_valid",
        ),
        ({"design": "switchback", "analysis": "fixed"}, "a switchback does not go with adjustment: cuped"),
        (
            {"design": "switchback", "analysis": {"test": "fixed", "adjustment": "none", "trigger": "met"}},
            "a switchback does not go with trigger: met",
        ),
        (
            {
                "design": "switchback",
                "analysis": {"test": "fixed", "adjustment": "none"},
                "switchback": {"assignment": "complete", "carry_over": 1},
            },
            "carry_over weighs blocks by the chance of their past, which only coins give",
        ),
        ({"design": "switchback", "variants": ["a", "b", "c"]}, "a switchback switches between two variants"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**changes)
    assert message in str(caught.value)


def test_a_factorial_and_a_holdback_are_read() -> None:
    spec = read(design="factorial", variants=CROSSED, control="oldlow")
    assert spec.variants[3].factors == {"button": "new", "price": "high"}
    held = read(design="holdback", shipped="other", variants={"control": "10%", "treatment": "90%"})
    assert held.shipped == ("other",)
