"""Pairs of experiments, a unit's variants as digits of numbers, and the query for shared units in every dialect."""

from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from tests.support.small_project import START, write

from steelyard.compile.group import PlannedExperiment
from steelyard.compile.plan import GroupPlan
from steelyard.compile.shared_units import CODES_PER_WORD, Sharing
from steelyard.dialects.registry import DIALECTS
from steelyard.run import Project

LATER = START + timedelta(days=9)
EPOCHS = [
    {"start": START, "allocation": ["90%", "10%"]},
    {"start": START + timedelta(days=2), "allocation": ["50%", "50%"]},
]


def spec(*variants: str, start: date = START, days: int = 5, **others: Any) -> dict[str, Any]:
    return {
        "status": "stopped",
        "start": start,
        "end": start + timedelta(days=days - 1),
        "variants": list(variants or ("control", "treatment")),
        "metrics": {"primary": ["spend"]},
        "analysis": {"test": "fixed"},
        **others,
    }


def plans(folder: Path, specs: dict[str, dict[str, Any]], dialect: str = "duckdb") -> list[GroupPlan]:
    write(folder, experiments=specs, tables={})
    return list(Project.load(folder).plans(dialect=dialect, as_of=LATER + timedelta(days=9)))


def planned(folder: Path, specs: dict[str, dict[str, Any]]) -> tuple[PlannedExperiment, ...]:
    (plan,) = plans(folder, specs)
    return plan.group.experiments


def test_experiments_are_paired_where_days_of_exposures_meet(tmp_path: Path) -> None:
    specs = {"early": spec(), "touching": spec(start=START + timedelta(days=4)), "late": spec(start=LATER)}
    sharing = Sharing.of(planned(tmp_path, specs))
    assert dict(sharing.others) == {"early": ("touching",), "touching": ("early",)}
    assert sharing.names == ["early", "touching"]
    assert Sharing.of(planned(tmp_path / "apart", {"early": spec(), "late": spec(start=LATER)})).places == {}


def test_every_variant_of_every_epoch_has_a_digit_of_its_own(tmp_path: Path) -> None:
    """Thirteen experiments need two numbers, none of which has more than its share of combinations."""
    specs = {f"split{k:02}": spec(*(("control", "a", "b")[: 2 + k % 2])) for k in range(12)}
    specs["rollout"] = spec(design="rollout", epochs=EPOCHS)
    sharing = Sharing.of(planned(tmp_path, specs))
    places = sharing.places
    assert len(sharing.words) > 1
    for one, other in combinations(places.values(), 2):
        if one.word == other.word:
            small, large = sorted((one, other), key=lambda place: place.unit)
            assert large.unit >= small.unit * small.radix
    assert max(place.unit * place.radix for place in places.values()) <= CODES_PER_WORD
    assert places["rollout"].radix == 5
    assert [places["rollout"].read(digit) for digit in range(1, 5)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [places["split01"].read(digit) for digit in range(1, 4)] == [(0, 0), (0, 1), (0, 2)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_shared_units_can_be_asked_for_in_every_dialect(dialect: str, tmp_path: Path) -> None:
    specs = {f"split{k:02}": spec() for k in range(9)} | {"rollout": spec(design="rollout", epochs=EPOCHS)}
    (plan,) = plans(tmp_path, specs, dialect)
    sharing = Sharing.of(plan.group.experiments)
    shared = plan.questions({}, sharing=sharing).shared
    assert shared is not None
    assert shared.shifts is not None
    for tree in (plan.unit_codes(sharing).tree, shared.tree, shared.shifts()):
        assert "select" in plan.text(tree).lower()
    assert "grouping sets" in plan.text(shared.tree).lower()


def test_a_plan_without_pairs_asks_for_nothing_more(tmp_path: Path) -> None:
    (plan,) = plans(tmp_path, {"early": spec(), "late": spec(start=LATER)})
    plain, paired = plan.questions({}), plan.questions({}, sharing=Sharing.of(plan.group.experiments))
    assert paired.shared is None
    assert plain.units is not None
    assert paired.units is not None
    assert plan.text(paired.units.tree) == plan.text(plain.units.tree)
