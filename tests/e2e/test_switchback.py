"""A switchback from rows: blocks of four hours in two regions, whose first hour after a switch is washed out."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.small_project import MIDNIGHT, START, Small, run, write

from steelyard.stats.switchback import carry_over_test, randomisation_test
from steelyard.stats.switchback_designs import coin_assignments, complete_assignments

pytestmark = pytest.mark.long

DAYS, HOURS = 6, 4
BLOCKS = DAYS * 24 // HOURS
REGIONS = ("MY", "SG")
METRIC = (
    "{{ config(version=1, direction='increase', type='ratio',"
    " window={'start': '1h', 'end': '4h', 'mature': true}, covariate=false) }}\n"
    "select user_id, sum(amount) as numerator, count(*) as denominator from events\n"
    "where ts >= :start and ts < :end group by user_id\n"
)
SPEC: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "design": "switchback",
    "variants": ["control", "treatment"],
    "metrics": {"primary": ["price"]},
    "analysis": {"test": "fixed", "adjustment": "none"},
}
NAMES = np.array(["control", "treatment"])
FloatArray = npt.NDArray[np.float64]


class World:
    """Trips with a price that drifts over the day; for an hour after a switch the variant before still rules."""

    def __init__(self) -> None:
        random = np.random.default_rng(51)
        self.exposures: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.values: dict[str, FloatArray] = {}
        self.treated: dict[str, npt.NDArray[np.int64]] = {}
        for k, region in enumerate(REGIONS):
            treated = random.permutation(np.repeat([0, 1], BLOCKS // 2))
            found = []
            for block in range(BLOCKS):
                begins = MIDNIGHT + timedelta(hours=HOURS * block)
                unit = f"{region}|{begins:%d %H}"
                names = NAMES[treated[block]]
                self.exposures.append(("complete", unit, str(names), begins, region))
                before = treated[block - 1] if block else treated[0]
                level = 10 + 3 * k + np.sin(2 * np.pi * block / 6) + random.normal(0, 0.3)
                kept = self._trips(
                    unit, begins, random, level=level, variants=(int(before), int(treated[block]))
                )
                found.append(np.mean(kept))
            self.values[region], self.treated[region] = np.array(found), treated
        self.exposures += [("coin", *row[1:]) for row in self.exposures]

    def _trips(
        self,
        unit: str,
        begins: datetime,
        random: np.random.Generator,
        *,
        level: float,
        variants: tuple[int, int],
    ) -> list[float]:
        """Add a block's trips, and return the prices of those after its first hour."""
        kept = []
        for _ in range(int(random.integers(20, 60))):
            minutes = float(random.uniform(0, 60 * HOURS - 1))
            is_late = minutes >= 60
            price = float(level + 0.8 * variants[is_late] + random.normal())
            self.events.append((unit, begins + timedelta(minutes=minutes), price))
            kept += [price] if is_late else []
        return kept


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def switched(world: World, tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("switchback")
    experiments = {
        "complete": {**SPEC, "switchback": {"assignment": "complete", "region": "country"}},
        "coin": SPEC,
    }
    write(
        folder,
        experiments=experiments,
        tables={"exposures": world.exposures, "events": world.events},
        metrics={"price": METRIC},
    )
    return run(folder, START + timedelta(days=DAYS))


def insights(switched: Small, experiment: str, kind: str) -> list[dict[str, Any]]:
    return switched.rows("insights", f"experiment_id = '{experiment}' and kind = '{kind}'")


def test_blocks_of_a_region_are_compared_with_what_its_design_could_have_done(
    switched: Small, world: World
) -> None:
    values = np.concatenate([world.values[region] for region in REGIONS])
    treated = np.concatenate([world.treated[region] for region in REGIONS])
    strata = [region for region in REGIONS for _ in range(BLOCKS)]
    design = complete_assignments(2 * BLOCKS, [BLOCKS // 2] * 2, strata=strata)
    expected = randomisation_test(values, treated, design, strata=strata)
    (row,) = insights(switched, "complete", "randomisation_test")
    assert row["estimate"] == pytest.approx(float(expected.effect))
    assert row["p_value"] == pytest.approx(float(expected.p_value))
    assert (row["ci_lower"], row["ci_upper"]) == pytest.approx(
        (float(expected.ci_lower), float(expected.ci_upper))
    )
    assert row["ci_lower"] < 0.8 < row["ci_upper"]
    assert f"{2 * BLOCKS} blocks" in row["detail"]


def test_coins_are_compared_with_coins(switched: Small, world: World) -> None:
    """Without a region all blocks are one sequence, in the order of time and then of units."""
    values = np.stack([world.values[region] for region in REGIONS], axis=1).ravel()
    treated = np.stack([world.treated[region] for region in REGIONS], axis=1).ravel()
    expected = randomisation_test(values, treated, coin_assignments(2 * BLOCKS))
    (row,) = insights(switched, "coin", "randomisation_test")
    assert row["estimate"] == pytest.approx(float(expected.effect))
    assert row["p_value"] == pytest.approx(float(expected.p_value))


def test_carry_over_is_looked_for_within_each_region(switched: Small, world: World) -> None:
    rows = {row["segment"]: row for row in insights(switched, "complete", "carry_over")}
    assert set(rows) == set(REGIONS)
    for region in REGIONS:
        expected = carry_over_test(world.values[region], world.treated[region])
        assert rows[region]["estimate"] == pytest.approx(float(expected.estimate))
        assert rows[region]["p_value"] == pytest.approx(float(expected.p_value))
        assert rows[region]["dimension"] == "country"


def test_results_are_those_of_blocks_as_units(switched: Small, world: World) -> None:
    (row,) = switched.rows("results", "experiment_id = 'complete' and hypothesis = 'superiority'")
    assert (row["n_control"], row["n_variant"]) == (BLOCKS, BLOCKS)
    assert {one["dimension"] for one in switched.rows("moments")} == {""}


def test_the_first_hour_after_a_switch_counts_for_nothing(switched: Small, world: World) -> None:
    """Weighing in the washed-out hour would draw the effect towards zero."""
    everything: dict[str, list[float]] = {}
    for unit, _, price in world.events:
        everything.setdefault(unit, []).append(price)
    variant = {row[1]: row[2] for row in world.exposures}
    naive = [
        np.mean([np.mean(prices) for unit, prices in everything.items() if variant[unit] == name])
        for name in NAMES
    ]
    (row,) = insights(switched, "complete", "randomisation_test")
    assert naive[1] - naive[0] < row["estimate"] - 0.03
