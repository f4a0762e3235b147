"""Switchbacks as sequences, from rows: what always treating does, autocorrelation, and parts of the day."""

from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats as sp
from tests.support.small_project import MIDNIGHT, START, Small, run, write

pytestmark = pytest.mark.long

BLOCKS = 240
LAST = START + timedelta(days=BLOCKS // 6)
METRIC = (
    "{{ config(version=1, direction='increase', window={'start': '0h', 'end': '4h', 'mature': true},"
    " covariate=false) }}\n"
    "select user_id, avg(amount) as spend from events where ts >= :start and ts < :end group by user_id\n"
)
SPEC: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=BLOCKS // 6 - 1),
    "design": "switchback",
    "variants": ["control", "treatment"],
    "metrics": {"primary": ["spend"]},
    "switchback": {"carry_over": 1},
    "analysis": {"test": "fixed", "adjustment": "none"},
}
EXPERIMENTS: dict[str, Any] = {
    "long": SPEC,
    "short": SPEC,
    "broken": SPEC,
    "parts": {
        **SPEC,
        "switchback": {"assignment": "coin"},
        "analysis": {"test": "fixed", "adjustment": "post_stratify", "dimensions": ["country"]},
    },
}
FloatArray = npt.NDArray[np.float64]


class World:
    """Blocks of four hours, each of one value, that feel the block before; the part of the day shifts them."""

    def __init__(self) -> None:
        random = np.random.default_rng(131)
        self.treated = random.random(BLOCKS) < 0.5
        noise = np.zeros(BLOCKS)
        for k in range(1, BLOCKS):
            noise[k] = 0.6 * noise[k - 1] + random.normal(0, 0.2)
        before = np.concatenate([self.treated[:1], self.treated[:-1]])
        self.part = np.arange(BLOCKS) % 2
        self.value = 1 + 0.5 * self.treated + 0.3 * before + noise + 2.0 * self.part
        names = np.array(["control", "treatment"])[self.treated.astype(int)]
        begins = [MIDNIGHT + timedelta(hours=4 * k) for k in range(BLOCKS)]
        self.exposures = [
            (name, f"{'x' if name == 'broken' else ''}{k}", str(names[k]), begins[k], f"part {self.part[k]}")
            for name in EXPERIMENTS
            for k in range(BLOCKS)
            if name != "short" or k < 30
        ]
        self.events = [
            (f"{prefix}{k}", begins[k] + timedelta(hours=1), float(self.value[k]))
            for prefix in ("", "x")
            for k in range(BLOCKS)
            if not (prefix and k == 100)
        ]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def switched(world: World, tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("series")
    tables = {"exposures": world.exposures, "events": world.events}
    write(folder, experiments=EXPERIMENTS, tables=tables, metrics={"spend": METRIC})
    return run(folder, LAST)


def insights(switched: Small, experiment: str, kind: str) -> list[dict[str, Any]]:
    return switched.rows("insights", f"experiment_id = '{experiment}' and kind = '{kind}'")


@pytest.mark.parametrize(("experiment", "blocks"), [("long", BLOCKS), ("short", 30)])
def test_always_treating_is_weighed_by_the_chance_of_each_past(
    switched: Small, world: World, experiment: str, blocks: int
) -> None:
    terms = []
    for t in range(1, blocks):
        past = world.treated[t - 1 : t + 1]
        terms.append(world.value[t] * ((4.0 if past.all() else 0.0) - (4.0 if not past.any() else 0.0)))
    (row,) = insights(switched, experiment, "sustained_effect")
    assert row["estimate"] == pytest.approx(np.mean(terms), rel=1e-9)
    assert row["std_error"] > np.std(terms) / np.sqrt(len(terms)) / 2
    assert row["ci_lower"] < row["estimate"] < row["ci_upper"]


def test_a_block_without_a_value_breaks_the_sequence(switched: Small) -> None:
    (row,) = insights(switched, "broken", "sustained_effect")
    assert (row["estimate"], row["reason"]) == (None, "sequence_of_blocks_broken")
    assert insights(switched, "broken", "autocorrelated_effect") == []
    (test,) = insights(switched, "broken", "randomisation_test")
    assert f"{BLOCKS - 1} blocks" in test["detail"]


def test_long_series_have_an_error_that_allows_for_autocorrelation(switched: Small, world: World) -> None:
    mark, value = world.treated, world.value
    means = np.where(mark, value[mark].mean(), value[~mark].mean())
    influence = (value - means) * np.where(mark, 1 / mark.mean(), -1 / (~mark).mean())
    gap = influence - influence.mean()
    lag = int(4 * (BLOCKS / 100) ** (2 / 9))
    total = gap @ gap + 2 * sum((1 - s / (lag + 1)) * (gap[s:] @ gap[:-s]) for s in range(1, lag + 1))
    (row,) = insights(switched, "long", "autocorrelated_effect")
    assert row["estimate"] == pytest.approx(value[mark].mean() - value[~mark].mean(), rel=1e-9)
    assert row["std_error"] == pytest.approx(np.sqrt(total) / BLOCKS, rel=1e-9)
    assert row["p_value"] == pytest.approx(2 * sp.norm.sf(abs(row["estimate"] / row["std_error"])))
    assert insights(switched, "short", "autocorrelated_effect") == []


def test_blocks_are_compared_within_their_part_of_the_day(switched: Small, world: World) -> None:
    (row,) = switched.rows(
        "results", "experiment_id = 'parts' and hypothesis = 'superiority' and dimension = ''"
    )
    effect = 0.0
    for part in (0, 1):
        here = world.part == part
        one, two = world.value[here & ~world.treated], world.value[here & world.treated]
        effect += here.mean() * (two.mean() - one.mean())
    assert row["effect"] == pytest.approx(effect, rel=1e-9)
    assert row["adjustment"] == "post_stratify"
    (plain,) = switched.rows(
        "results", "experiment_id = 'long' and hypothesis = 'superiority' and dimension = ''"
    )
    assert row["std_error"] < 0.6 * plain["std_error"]
    assert insights(switched, "parts", "sustained_effect") == []
