"""What warehouses are known to read differently gives the numbers that it should, on each of them."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache

import pytest
from tests.support import trap_world
from tests.support.agreement import Published, beyond, differences, read_published
from tests.support.engines import NAMES, Engines

# Every trap on every warehouse.
pytestmark = pytest.mark.long

LIMIT = 1e-9


@pytest.fixture(scope="module")
def published(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Published]:
    """The tables of the project on a warehouse, where it runs once."""

    @cache
    def run(engine: str) -> Published:
        project = trap_world.write(tmp_path_factory.mktemp(f"traps_{engine}"), engines.new(engine))
        trap_world.run(project)
        with project.connect() as warehouse:
            return read_published(warehouse, project.profile().target_schema)

    return run


EVERYWHERE = pytest.mark.parametrize("engine", NAMES)


@EVERYWHERE
def test_every_trap_has_the_value_that_python_gives_it(
    engine: str, published: Callable[[str], Published]
) -> None:
    rows = [row for row in published(engine)["results"] if row["experiment_id"] == trap_world.EXPERIMENT]
    found = {row["metric"]: row for row in rows if row["dimension"] == ""}
    wrong = {}
    for name, trap in trap_world.TRAPS.items():
        if engine in trap.but:
            continue
        given = (found[name]["mean_control"], found[name]["mean_variant"])
        expected = tuple(trap_world.expected_mean(name, variant) for variant in trap_world.VARIANTS)
        assert any(expected), name
        if given != pytest.approx(expected, rel=LIMIT):
            wrong[name] = (given, expected)
    assert wrong == {}


@EVERYWHERE
def test_days_of_a_zone_whose_clocks_change_by_half_an_hour_hold_what_they_should(
    engine: str, published: Callable[[str], Published]
) -> None:
    rows = {
        (row["experiment_id"], row["metric"], row["as_of"]): (row["mean_control"], row["mean_variant"])
        for row in published(engine)["timeseries"]
        if row["dimension"] == ""
    }
    for experiment, start in trap_world.CHANGES.items():
        for column in trap_world.ZONES:
            for day in (start, start + timedelta(days=1), start + timedelta(days=2)):
                expected = tuple(
                    trap_world.expected_visits(experiment, column, day, variant)
                    for variant in trap_world.VARIANTS
                )
                assert rows[experiment, f"visits_{column}", day] == pytest.approx(expected, rel=LIMIT)


@pytest.mark.parametrize("engine", NAMES[1:])
def test_all_tables_are_those_of_duckdb(engine: str, published: Callable[[str], Published]) -> None:
    here, base = published(engine), published("duckdb")
    left_out = {name for name, trap in trap_world.TRAPS.items() if engine in trap.but}
    if left_out:
        # Bounds share alpha among all metrics; the moments do not.
        none: Published = {name: [] for name in base}
        base, here = (
            {**none, "moments": [row for row in tables["moments"] if row["metric"] not in left_out]}
            for tables in (base, here)
        )
    assert base["moments"]
    assert beyond(differences(base, here), LIMIT) == []
