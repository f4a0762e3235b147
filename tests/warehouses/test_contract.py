"""What every connection does alike, whatever warehouse it leads to."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.engines import NAMES, Engines

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import OUTPUTS
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.read import read_rows
from steelyard.warehouse.reading import Reading
from steelyard.warehouse.registry import connect

MOMENT = datetime(2026, 3, 29, 0, 59, 59, 999999, UTC)
ROWS = {
    "user_id": pa.array(["Ü 'a\\b", "", None]),
    "n": pa.array([2**62 + 1, -1, None]),
    "x": pa.array([0.1 + 0.2, -0.0, None]),
    "flag": pa.array([True, False, None]),
    "day": pa.array([date(1999, 12, 31), date(2026, 4, 1), None]),
    "moment": pa.array([MOMENT, datetime(1969, 12, 31, 23, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
}


@pytest.fixture(scope="module", params=NAMES)
def profile(request: pytest.FixtureRequest, engines: Engines) -> Profile:
    given = engines.new(request.param)
    output = OUTPUTS[request.param].model_validate(given)
    return Profile(name="shop", target="dev", output=output, target_schema=given["schema"])


@pytest.fixture
def warehouse(profile: Profile) -> Iterator[Warehouse]:
    with connect(profile) as opened:
        yield opened


def load(warehouse: Warehouse, folder: Path, table: str = "events") -> int:
    pq.write_table(pa.table(ROWS), folder / f"{table}.parquet")
    return warehouse.load_file(table, folder / f"{table}.parquet")


def test_what_a_file_holds_is_read_back_as_it_was(warehouse: Warehouse, tmp_path: Path) -> None:
    assert load(warehouse, tmp_path) == 3
    assert load(warehouse, tmp_path) == 3
    found = warehouse.query("select user_id, n, x, flag, day, moment from events").values
    expected = list(zip(*(column.to_pylist() for column in ROWS.values()), strict=True))
    assert sorted(found, key=str) == sorted(expected, key=str)
    kinds = {"user_id": "varchar", "n": "bigint", "x": "double", "flag": "boolean", "day": "date"}
    assert warehouse.table_columns("events") == {**kinds, "moment": "timestamptz"}
    assert warehouse.column_types("select * from events") == warehouse.table_columns("events")


def test_parameters_are_values_whatever_they_hold(warehouse: Warehouse) -> None:
    values = ['it\'s a\\b ? % "x"', True, 0.1, date(2026, 4, 1)]
    assert warehouse.query("select ? as a, ? as b, ? as c, ? as d", values).values == [tuple(values)]


def test_a_file_that_cannot_be_read_leaves_the_table_as_it_was(warehouse: Warehouse, tmp_path: Path) -> None:
    load(warehouse, tmp_path)
    (tmp_path / "broken.parquet").write_text("no parquet at all", encoding="utf-8")
    with pytest.raises(WarehouseError, match="it is no Parquet file"):
        warehouse.load_file("events", tmp_path / "broken.parquet")
    assert len(warehouse.query("select n from events")) == 3


def test_temporary_tables_replace_each_other_and_end_with_the_connection(profile: Profile) -> None:
    with connect(profile) as warehouse:
        warehouse.create_temporary("cells", "select 1 as n")
        warehouse.create_temporary("cells", "select 2 as n")
        assert warehouse.query("select n from cells").values == [(2,)]
        warehouse.drop_temporaries()
        assert not warehouse.table_exists("cells")
        warehouse.create_temporary("cells", "select 3 as n")
    with connect(profile) as again:
        assert not again.table_exists("cells")
        with pytest.raises(WarehouseError, match="cells"):
            again.query("select n from cells")


def test_what_is_wrong_is_told_with_a_hint_and_the_connection_goes_on(warehouse: Warehouse) -> None:
    for sql, told in (("select * from nope", "nope"), ("select nope from (select 1 as n) as t", "nope")):
        with pytest.raises(WarehouseError, match=told) as raised:
            warehouse.query(sql)
        assert raised.value.hint
        assert not raised.value.is_transient
        assert "target dev" in str(raised.value)
    assert warehouse.query("select 5 as n").dicts() == [{"n": 5}]


def test_a_comment_before_a_statement_is_no_part_of_it(warehouse: Warehouse) -> None:
    assert warehouse.query("/* steelyard: run 1 */ select 5 as n").dicts() == [{"n": 5}]
    assert warehouse.estimate("select 5 as n")


def test_what_a_query_would_read_is_known_or_not_told(warehouse: Warehouse, tmp_path: Path) -> None:
    load(warehouse, tmp_path)
    found = warehouse.reading("select n from events")
    if warehouse.dialect in ("duckdb", "postgres"):
        assert found is not None
        assert found.rows == 3
        assert found.size > 0
    else:
        assert found is None
    assert warehouse.reading("select 5 as n") in (None, Reading())


def publish(warehouse: Warehouse, schema: str, effect: float, **tables: object) -> None:
    row = {"as_of": date(2026, 4, 1), "metric": "m", "metric_version": 1, "variant": "b"}
    results = [{**row, "hypothesis": "superiority", "effect": effect}]
    publish_experiment(
        warehouse,
        schema,
        experiment_id="e",
        as_of=date(2026, 4, 1),
        tables={"results": results, "decisions": [{"variant": "b", "decision": "ship"}], **tables},
    )


def test_a_publication_replaces_the_last_one_or_changes_nothing(profile: Profile) -> None:
    schema = profile.target_schema
    with connect(profile) as warehouse:
        ensure_tables(warehouse, schema)
        ensure_tables(warehouse, schema)
        publish(warehouse, schema, 1.0)
        publish(warehouse, schema, 2.0)
        with pytest.raises(WarehouseError, match="NaN or infinite"):
            publish(warehouse, schema, float("nan"))
        with pytest.raises(WarehouseError, match="a row is of 'x', not of 'e'"):
            publish(warehouse, schema, 3.0, decisions=[{"experiment_id": "x", "variant": "b"}])
    with connect(profile) as reader:
        assert [row["effect"] for row in read_rows(reader, schema, "results")] == [2.0]
        assert [row["decision"] for row in read_rows(reader, schema, "decisions")] == ["ship"]


def test_a_transaction_inside_another_is_refused(warehouse: Warehouse) -> None:
    with (
        warehouse.transaction(),
        pytest.raises(WarehouseError, match=r"a transaction is open already\n.*end it first"),
        warehouse.transaction(),
    ):
        pytest.fail("it opened another one")
    assert warehouse.query("select 5 as n").dicts() == [{"n": 5}]


def test_a_connection_is_closed_twice_without_a_word(profile: Profile) -> None:
    warehouse = connect(profile)
    warehouse.close()
    warehouse.close()


def test_a_column_of_lists_is_refused_where_there_is_no_type_for_it(engines: Engines, tmp_path: Path) -> None:
    pq.write_table(pa.table({"tags": [["a"], []]}), tmp_path / "tagged.parquet")
    for kind, told in (("postgres", "PostgreSQL"), ("clickhouse", "ClickHouse")):
        given = engines.new(kind)
        output = OUTPUTS[kind].model_validate(given)
        profile = Profile(name="shop", target="dev", output=output, target_schema=given["schema"])
        hint = "hint: write the column as text"
        with connect(profile) as warehouse:
            with pytest.raises(WarehouseError, match=rf"{told} has no type for varchar\[\]\n  {hint}"):
                warehouse.load_file("tagged", tmp_path / "tagged.parquet")
            assert not warehouse.table_exists("tagged")


def test_spark_through_thrift_is_refused() -> None:
    output = OUTPUTS["spark"].model_validate({"type": "spark", "method": "thrift", "host": "h"})
    profile = Profile(name="shop", target="dev", output=output, target_schema="steelyard")
    told = r"target dev: Steelyard does not execute on Spark through thrift yet\n  hint: set method: session"
    with pytest.raises(WarehouseError, match=told):
        connect(profile)
