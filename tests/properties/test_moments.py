"""The engine's moments of small worlds equal those that brute force computes from the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.brute_force import Exposure, moments
from tests.support.comparison import differences
from tests.support.draw_world import world_of_seed, worlds
from tests.support.metric_catalogue import CATALOGUE
from tests.support.worlds import ChosenExperiment, ChosenMetric, World

from steelyard.run import compute_moments
from steelyard.spec.loader import load_project
from steelyard.spec.profile import load_profile
from steelyard.warehouse.registry import connect

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long


def compute(
    world: World, *, selected: Sequence[str] | None = None, is_series: bool = True
) -> Mapping[str, Any]:
    """Write a world as a project, and let the engine compute its moments."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        world.write(root)
        with duckdb.connect(str(root / "world.duckdb")) as connection:
            world.fill(connection)
        files = load_project(root)
        profile = load_profile(files.project, project_dir=root, target=None, profiles_dir=None, environ={})
        with connect(profile) as warehouse:
            return compute_moments(
                files, warehouse, as_of=world.as_of, selected=selected, is_series=is_series
            )


@pytest.mark.parametrize("seed", range(3))
def test_moments_of_every_day_equal_brute_force(seed: int) -> None:
    world = world_of_seed(seed)
    assert list(differences(world, compute(world))) == []


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_moments_of_drawn_worlds_equal_brute_force(world: World) -> None:
    assert list(differences(world, compute(world))) == []


@pytest.mark.parametrize("seed", [5])
def test_one_look_equals_the_last_day_of_the_series(seed: int) -> None:
    world = world_of_seed(seed)
    assert list(differences(world, compute(world, is_series=False), is_series=False)) == []


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_moments_of_many_worlds_equal_brute_force(block: int) -> None:
    for seed in range(1000 + 25 * block, 1025 + 25 * block):
        world = world_of_seed(seed)
        assert list(differences(world, compute(world))) == [], f"seed {seed}"
        assert list(differences(world, compute(world, is_series=False), is_series=False)) == [], (
            f"seed {seed}"
        )


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_moments_of_many_drawn_worlds_equal_brute_force(world: World) -> None:
    assert list(differences(world, compute(world))) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2000, 2040))
def test_moments_do_not_depend_on_the_other_experiments_of_the_run(seed: int) -> None:
    # Levels of a dimension are ranked over all experiments of a run, so worlds without such covariates.
    drawn = world_of_seed(seed)
    world = replace(drawn, metrics=tuple(_without_dimensions(metric) for metric in drawn.metrics))
    for experiment in world.experiments:
        alone = replace(world, experiments=(experiment,))
        assert list(differences(alone, compute(world, selected=[experiment.name]))) == []


def _without_dimensions(metric: ChosenMetric) -> ChosenMetric:
    names = metric.config.get("covariate")
    is_dimension = isinstance(names, list) and {"country", "platform"} & set(names)
    return replace(metric, config={**metric.config, "covariate": False}) if is_dimension else metric


def test_variance_near_a_billion_is_right_to_1e9() -> None:
    world = _level_world(units=60)
    found = compute(world)["exp-1"]
    experiment = world.settled(world.experiments[0])
    for name in experiment.metrics:
        days, expected = moments(world.rows(), experiment, experiment.metrics[name], ranked={})
        (cells,) = (one.cells for label, one in found.metrics.items() if label.startswith(name))
        assert found.days == days[: len(found.days)]
        ours, theirs = cells["", ""], expected["", ""]
        assert np.array_equal(ours.n, theirs.n[: len(found.days)])
        np.testing.assert_allclose(ours.mean[-1], theirs.mean[-1], rtol=1e-15)
        np.testing.assert_allclose(ours.m2[-1], theirs.m2[-1], rtol=1e-9, atol=1e-9 * theirs.m2[-1].max())


def _level_world(*, units: int) -> World:
    """A world whose units all have a value near a billion with a standard deviation of 1, before and after."""
    rng = np.random.default_rng(7)
    start = datetime(2026, 4, 1, 12, tzinfo=UTC)
    exposures, events = [], []
    for number in range(units):
        at = start + timedelta(days=int(rng.integers(3)))
        variant = ("control", "treatment")[number % 2]
        dimensions = {"country": "SG", "platform": "web"}
        exposures.append(
            Exposure(experiment="exp-1", unit=f"u{number}", variant=variant, at=at, dimensions=dimensions)
        )
        for days in (-2, 0, 1):
            event = dict.fromkeys(
                ("user_id", "ts", "event_date", "kind", "value", "qty", "big", "item", "flag")
            )
            moment = at + timedelta(days=days)
            events.append(
                {
                    **event,
                    "user_id": f"u{number}",
                    "ts": moment,
                    "event_date": moment.date(),
                    "big": 1e9 + float(rng.normal()),
                    "product_id": None,
                }
            )
    written = {one.name: one for one in CATALOGUE}
    metrics = tuple(
        ChosenMetric(written=written[name], is_date=False, config={}) for name in ("level", "peak")
    )
    experiment = ChosenExperiment(
        name="exp-1",
        start=date(2026, 4, 1),
        end=date(2026, 4, 3),
        variants=("control", "treatment"),
        test="fixed",
        adjustment="cuped",
        trigger=False,
        targeting={},
        dimensions=(),
        metrics=("level", "peak"),
    )
    return World(
        zone="UTC",
        naive="UTC",
        zoned=frozenset({"exposures", "events", "met"}),
        as_of=date(2026, 4, 6),
        exposures=tuple(exposures),
        events=tuple(events),
        triggers=(),
        metrics=metrics,
        experiments=(experiment,),
    )
