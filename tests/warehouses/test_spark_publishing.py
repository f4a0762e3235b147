"""A writer to Spark that ends between two of its changes, or is refused one, leaves one publication whole."""

from datetime import date
from importlib import import_module
from typing import Any

import pytest
from tests.support.engines import Engines

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import OUTPUTS
from steelyard.spec.profile import Profile
from steelyard.warehouse import spark, spark_published
from steelyard.warehouse.base import Condition, Warehouse
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.registry import connect
from steelyard.warehouse.spark import SparkWarehouse
from steelyard.warehouse.tables import TABLES
from steelyard.warehouse.versioned import POINTERS, rows_table

DAY = date(2026, 4, 1)
pytestmark = pytest.mark.long

TABLE_NAMES = ("results", "decisions")
SHOWS = "create or replace view"


class Died(BaseException):
    """The process ends: nothing that it would do next happens."""


class Session:
    """A session of Spark that notes its statements, and raises in the place of one of them.

    Args:
        session: pyspark's.
        change: How the statement begins, and which one of those that begin so it is, from 1 on.
        error: What it raises. After `Died` every other call raises it too, as of a process that is no more.
    """

    def __init__(self, session: Any, change: tuple[str, int], error: BaseException) -> None:
        self._session, self._error = session, error
        self._beginning, self._left = change
        self._has_ended = False
        self.made: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if self._has_ended:
            raise self._error
        return getattr(self._session, name)

    def sql(self, text: str) -> Any:
        execute = self.__getattr__("sql")
        if text.startswith(self._beginning):
            self._left -= 1
            if self._left == 0:
                self._has_ended = isinstance(self._error, Died)
                raise self._error
        self.made.append(text)
        return execute(text)


def publish(warehouse: Warehouse, schema: str, number: float) -> None:
    row = {"metric": "m", "metric_version": 1, "variant": "b", "hypothesis": "superiority", "as_of": DAY}
    tables = {
        "results": [{**row, "effect": number}],
        "decisions": [{"variant": "b", "decision": str(number)}],
    }
    publish_experiment(warehouse, schema, experiment_id="e", as_of=DAY, tables=tables)


def seen(reader: Warehouse, schema: str) -> list[float]:
    """Return the number that each row of each table shows."""
    rows = f"select effect from {schema}.results union all select cast(decision as double) from {schema}.decisions"
    return [number for (number,) in reader.query(rows)]


def versions(reader: Warehouse, schema: str, name: str) -> int:
    """Return how many versions of the rows there are, whether shown or not."""
    return len(reader.query(f"show partitions {schema}.{rows_table(TABLES[name])}"))


@pytest.fixture(scope="module")
def profile(engines: Engines) -> Profile:
    """A schema with two result tables, into which one publication has gone."""
    given = engines.new("spark")
    schema = given["schema"]
    profile = Profile(
        name="shop", target="dev", output=OUTPUTS["spark"].model_validate(given), target_schema=schema
    )
    with connect(profile) as warehouse:
        warehouse.execute(warehouse.schema_statement(schema))
        for statement in warehouse.shared_statements(schema):
            warehouse.execute(statement)
        for name in TABLE_NAMES:
            for statement in warehouse.table_statements(TABLES[name], schema):
                warehouse.execute(statement)
        publish(warehouse, schema, 1.0)
    return profile


def test_a_writer_that_ends_before_a_change_leaves_one_publication_whole_and_the_next_one_goes_on(
    profile: Profile,
) -> None:
    # Before the first table of two, between them, before the view that shows both, and twice while it tidies up.
    endings = [("insert", 1), ("insert", 2), (SHOWS, 1), ("show partitions", 1), ("alter table", 2)]
    schema, shown = profile.target_schema, 1.0
    with connect(profile) as writer, connect(profile) as reader:
        assert isinstance(writer, SparkWarehouse)
        whole = writer._session
        for number, ending in enumerate(endings, start=2):
            session = writer._session = Session(whole, ending, Died())
            # Another process knows no pointers.
            spark._SHOWN.clear()
            with pytest.raises(Died):
                publish(writer, schema, float(number))
            spark._SHOWN.clear()
            writer._session = whole
            if any(change.startswith(SHOWS) for change in session.made):
                shown = float(number)
            assert seen(reader, schema) == [shown, shown], ending
        assert shown == 6.0
        publish(writer, schema, 7.0)
        assert seen(reader, schema) == [7.0, 7.0]
        # What is shown, and what a reader may still read; nothing of those that have ended.
        assert [versions(reader, schema, name) for name in TABLE_NAMES] == [2, 2]


def test_a_change_that_spark_refuses_is_told_and_leaves_the_publication_before(
    profile: Profile,
) -> None:
    schema = profile.target_schema
    refused = import_module("pyspark.errors").PySparkException("[NEW] No space left on device")
    with connect(profile) as writer:
        assert isinstance(writer, SparkWarehouse)
        before = seen(writer, schema)
        whole = writer._session
        writer._session = Session(whole, (SHOWS, 1), refused)
        with pytest.raises(WarehouseError, match="no space is left for the tables"):
            publish(writer, schema, 100.0)
        writer._session = whole
        assert seen(writer, schema) == before
        # What it had written is gone, and what a reader may still read of the publication before is not.
        assert [versions(writer, schema, name) for name in TABLE_NAMES] == [2, 2]


@pytest.mark.long
def test_more_pointers_than_a_view_can_hold_are_rows_of_a_table(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = profile.target_schema
    monkeypatch.setattr(spark_published, "LONGEST_VIEW", 0)
    with connect(profile) as writer:
        for number in (201.0, 202.0, 203.0, 204.0):
            publish(writer, schema, number)
            spark._SHOWN.clear()
            assert seen(writer, schema) == [number, number]
        tables = [row["tableName"] for row in writer.query(f"show tables in {schema}").dicts()]
        # What is shown, and what a reader may still read.
        assert sum(name.startswith(f"{POINTERS}_") for name in tables) == 2
    monkeypatch.undo()
    with connect(profile) as writer:
        publish(writer, schema, 205.0)
        assert seen(writer, schema) == [205.0, 205.0]


@pytest.mark.long
def test_rows_of_several_tables_are_read_in_one_job_as_the_views_show_them(profile: Profile) -> None:
    schema = profile.target_schema
    texts = ["", "it's \N{SNOWMAN}", None]
    tables = {
        "results": [
            {
                "metric": f"m{number}",
                "metric_version": 2**60 + number,
                "variant": "b",
                "hypothesis": "superiority",
                "effect": effect,
                "significant": flag,
                "reason": text,
            }
            for number, (effect, flag, text) in enumerate(
                zip([0.1 + 0.2, -5e-324, None], [True, False, None], texts, strict=True)
            )
        ],
        "decisions": [{"variant": "b", "decision": "ship", "reasons": ["a", "b"]}],
    }
    wanted: dict[str, Condition] = {name: ('"as_of" = ?', [DAY]) for name in TABLE_NAMES}
    with connect(profile) as warehouse:
        publish_experiment(warehouse, schema, experiment_id="all kinds", as_of=DAY, tables=tables)
        found = warehouse.rows_where(schema, "all kinds", wanted)
        for name in TABLE_NAMES:
            names = ", ".join(f'"{column}"' for column in TABLES[name].names)
            shown = warehouse.query(f"select {names} from {schema}.{name} where experiment_id = 'all kinds'")
            assert sorted(map(repr, found[name])) == sorted(map(repr, shown.values))
            assert len(found[name]) == len(tables[name])
        assert warehouse.rows_where(schema, "nobody", wanted) == {name: [] for name in TABLE_NAMES}


@pytest.mark.long
def test_temporary_tables_are_read_from_their_rows_and_leave_nothing(profile: Profile) -> None:
    with connect(profile) as warehouse:
        assert isinstance(warehouse, SparkWarehouse)
        context = warehouse._session.sparkContext
        before = set(context._jsc.getPersistentRDDs())
        warehouse.create_temporary("kept", "with one as (select uuid() as u from range(3)) select u from one")
        warehouse.derive_temporary("derived", "select u, 1 as n from kept")
        # A query that ran for each reader would give other values; Spark finds none for a reader with a WITH clause.
        both = "with other as (select u from derived) select count(*) from kept join other using (u)"
        assert warehouse.query(both).values == [(3,)]
        warehouse.create_temporary("kept", "select 'again' as u")
        assert warehouse.query("select u from kept").values == [("again",)]
        warehouse.drop_temporaries(keep=["kept"])
        assert warehouse.query("select u from kept").values == [("again",)]
        with pytest.raises(WarehouseError, match="derived"):
            warehouse.query("select * from derived")
        warehouse.drop_temporaries()
        assert set(context._jsc.getPersistentRDDs()) <= before
        assert "scratch" not in str(warehouse.query("show schemas").values)
        with pytest.raises(WarehouseError, match="does not fit its type"):
            warehouse.create_temporary("refused", "select cast('x' as int) as n")
        assert set(context._jsc.getPersistentRDDs()) <= before
