"""Facts are sorted by unit where many experiments share a scan; the moments are the same."""

import pytest
from tests.properties.test_moments import compute
from tests.support.comparison import differences
from tests.support.draw_world import world_of_seed

from steelyard.compile import scan_plan

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [1, 2])
def test_moments_from_sorted_facts_equal_brute_force(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_plan, "MANY_EXPERIMENTS", 1)
    world = world_of_seed(seed)
    assert list(differences(world, compute(world))) == []
