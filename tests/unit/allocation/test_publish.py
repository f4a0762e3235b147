"""A programme in the warehouse: all of it or none, and never over claims that the project lacks."""

from collections.abc import Callable, Iterator

import pytest
from tests.support.claims import World, start

from steelyard.assign.allocation.events import Grow, Stop
from steelyard.assign.allocation.rows import allocation_rows, log_rows
from steelyard.errors import WarehouseError
from steelyard.spec.outputs import DuckDB
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish_allocation import publish_programme
from steelyard.warehouse.registry import connect

Begin = Callable[..., World]


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    output = DuckDB.model_validate({"type": "duckdb", "path": ":memory:"})
    profile = Profile.model_validate(
        {"name": "shop", "target": "dev", "output": output, "target_schema": "steelyard"}
    )
    with connect(profile) as opened:
        ensure_tables(opened, "steelyard")
        yield opened


def publish(warehouse: Warehouse, one: World) -> int:
    return publish_programme(
        warehouse,
        "steelyard",
        "main",
        lines=list(log_rows("main", one.log.lines)),
        allocation=list(allocation_rows(one.log.replay())),
    )


def count(warehouse: Warehouse, condition: str) -> int:
    return int(warehouse.query(f"select count(*) from steelyard.allocation where {condition}").values[0][0])


def test_publishing_again_writes_what_is_new(world: Begin, warehouse: Warehouse) -> None:
    one = world()
    one.claim(start("a"))
    assert publish(warehouse, one) == 2
    assert publish(warehouse, one) == 0
    one.claim(Grow(owner="a", buckets=50), Stop(owner="a"))
    assert publish(warehouse, one) == 2
    assert count(warehouse, "valid_to is null") == 0
    assert count(warehouse, "owner = 'a' and valid_to = timestamptz '2026-04-03 00:00:00Z'") == 150
    lines = warehouse.query("select line from steelyard.allocation_log order by seq").values
    assert [line for (line,) in lines] == one.path.read_text(encoding="utf-8").splitlines()


def test_claims_that_the_project_lacks_are_never_overwritten(world: Begin, warehouse: Warehouse) -> None:
    one = world()
    one.claim(start("a"))
    short = one.path.read_text(encoding="utf-8")
    one.claim(start("b"))
    publish(warehouse, one)
    one.path.write_text(short, encoding="utf-8")
    cut = World(one.path, one.open, now=one.now)
    with pytest.raises(WarehouseError, match=r"line 3 of the programme 'main' is published, .* lacks it"):
        publish(warehouse, cut)
    cut.claim(start("c"))
    with pytest.raises(WarehouseError, match="has another one there\n  hint: someone published claims"):
        publish(warehouse, cut)
    assert count(warehouse, "owner = 'b'") == 100


def test_another_programme_s_rows_stay(world: Begin, warehouse: Warehouse) -> None:
    one = world()
    one.claim(start("a"))
    publish(warehouse, one)
    rows = [{**row, "programme": "other"} for row in allocation_rows(one.log.replay())]
    lines = list(log_rows("other", one.log.lines))
    publish_programme(warehouse, "steelyard", "other", lines=lines, allocation=rows)
    assert count(warehouse, "programme = 'main'") == count(warehouse, "programme = 'other'") == 100
