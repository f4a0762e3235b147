"""Reading back what was published."""

from datetime import date

import pytest

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.read import read_rows

DAYS = [date(2026, 4, 1), date(2026, 4, 2)]


@pytest.fixture
def decided(published: Warehouse) -> Warehouse:
    for day in reversed(DAYS):
        rows = [
            {"variant": name, "decision": name, "run_id": None if name == "b" else "r"} for name in ("c", "b")
        ]
        publish_experiment(
            published, "steelyard", experiment_id="it's", as_of=day, tables={"decisions": rows}
        )
    return published


def test_read_rows_orders_by_key(decided: Warehouse) -> None:
    rows = read_rows(decided, "steelyard", "decisions")
    assert [(row["as_of"], row["variant"]) for row in rows] == [(day, name) for day in DAYS for name in "bc"]


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ({"experiment_id": "it's"}, 4),
        ({"experiment_id": "its"}, 0),
        ({"as_of": DAYS[0], "variant": "b"}, 1),
        ({"variant": ["b", "c"]}, 4),
        ({"variant": []}, 0),
        ({"run_id": None}, 2),
    ],
    ids=str,
)
def test_read_rows_filters(decided: Warehouse, where: dict[str, object], count: int) -> None:
    assert len(read_rows(decided, "steelyard", "decisions", where)) == count


def test_read_rows_says_what_there_is_not(warehouse: Warehouse, published: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"schema steelyard: no table 'result'\n  hint: one of results"):
        read_rows(published, "steelyard", "result")
    with pytest.raises(WarehouseError, match=r"there is no table other.results yet\n  hint: `steelyard run`"):
        read_rows(warehouse, "other", "results")
    with pytest.raises(
        WarehouseError, match=r"table steelyard.runs: it has no column 'id'\n  hint: it has run_id"
    ):
        read_rows(published, "steelyard", "runs", {"id": 1})
