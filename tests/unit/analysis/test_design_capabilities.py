"""What the table says of a design is what an experiment's file and plan are held to."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError
from tests.support.matrix_world import PROJECT, QUERIES, START

from steelyard.analysis.capabilities import AXES, refusals, why_not
from steelyard.analysis.design_capabilities import DESIGN_REFUSED
from steelyard.compile.measure import resolve_key, resolve_measure
from steelyard.spec.design import Design
from steelyard.spec.experiment import Experiment

CROSSED = [
    {"name": f"{a}{b}", "factors": {"button": a, "price": b}} for a in ("old", "new") for b in ("low", "high")
]
EPOCHS = [
    {"start": START, "allocation": [90, 10]},
    {"start": START.replace(day=START.day + 2), "allocation": [50, 50]},
]
OWN: dict[str, dict[str, Any]] = {
    "factorial": {"variants": CROSSED, "control": "oldlow"},
    "rollout": {"epochs": EPOCHS},
    "bandit": {"epochs": EPOCHS},
}
USES: dict[str, tuple[str, dict[str, Any]]] = {
    "superiority two-sided": ("primary", {}),
    "superiority one-sided": ("primary", {"alternative": "increase"}),
    "non-inferiority relative": ("guardrails", {"margin": "2%"}),
    "non-inferiority absolute": ("guardrails", {"margin": {"absolute": 0.05}}),
    "deterioration": ("guardrails", {}),
}
BASE = {
    "test": "fixed",
    "adjustment": "none",
    "hypothesis": "superiority two-sided",
    "correction": "bonferroni",
}
CASES = [
    (design, axis, value)
    for design in DESIGN_REFUSED
    for axis, values in {**AXES, "trigger": ("",)}.items()
    for value in values
    # A clustered metric is the ratio of a cluster's own metric.
    if (axis, value) != ("metric", "clustered")
]


def is_accepted(design: str, axis: str, value: str) -> bool:
    """Return whether an experiment with one setting that is not the plainest passes every check."""
    chosen = {**BASE, "metric": "ratio" if design == "cluster" else "mean"}
    if axis != "trigger":
        chosen[axis] = value
    if chosen["correction"] == "e_bh" and design not in ("bandit", "switchback"):
        chosen["test"] = "always_valid"
    group, extra = USES[chosen["hypothesis"]]
    analysis = {name: chosen[name] for name in ("test", "adjustment", "correction")}
    raw = {
        "name": "e",
        "start": START,
        "end": START.replace(day=28),
        "exposures": "app",
        "design": design,
        "variants": ["control", "treatment"],
        "metrics": {group: [{"metric": chosen["metric"], **extra}]},
        "analysis": {
            "dimensions": ["stratum"],
            **analysis,
            **({"trigger": "met"} if axis == "trigger" else {}),
        },
        **OWN.get(design, {}),
    }
    context = {"defaults": PROJECT.defaults, "exposures": tuple(PROJECT.exposures)}
    try:
        spec = Experiment.model_validate(raw, context=context)
    except ValidationError:
        return False
    for use in spec.metric_uses:
        key = resolve_key(use, QUERIES, where="e")
        measure = resolve_measure(key, experiment=spec, project=PROJECT, queries=QUERIES, where="e")
        if any(refusals(spec, use, measure)):
            return False
    return True


@pytest.mark.parametrize(("design", "axis", "value"), CASES, ids="-".join)
def test_a_design_goes_with_what_the_table_does_not_refuse(design: str, axis: str, value: str) -> None:
    named = "trigger" if axis == "trigger" else f"{axis}: {value}"
    # e-BH takes an always-valid test, which a design that is read once does not have.
    is_refused = named in DESIGN_REFUSED[design] or (
        value == "e_bh" and bool(why_not({"test": "fixed", "correction": "e_bh"})) and _is_read_once(design)
    )
    assert is_accepted(design, axis, value) != is_refused


def _is_read_once(design: str) -> bool:
    return "test: always_valid" in DESIGN_REFUSED[design]


def test_every_design_has_a_row() -> None:
    assert set(DESIGN_REFUSED) == set(get_args(Design))
