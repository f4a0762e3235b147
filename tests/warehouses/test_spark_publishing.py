"""A writer to Spark that ends between two of its changes, or is refused one, leaves one publication whole."""

from datetime import date
from importlib import import_module
from typing import Any

import pytest
from tests.support.engines import Engines

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import OUTPUTS
from steelyard.spec.profile import Profile
from steelyard.warehouse import spark
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.registry import connect
from steelyard.warehouse.spark import SparkWarehouse
from steelyard.warehouse.tables import TABLES
from steelyard.warehouse.versioned import rows_table

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
        for name in TABLE_NAMES:
            for statement in warehouse.table_statements(TABLES[name], schema):
                warehouse.execute(statement)
        publish(warehouse, schema, 1.0)
    return profile


def test_a_writer_that_ends_before_a_change_leaves_one_publication_whole_and_the_next_one_goes_on(
    profile: Profile,
) -> None:
    # After one table of two, after both, between the pointers and the view that shows them, and while it tidies up.
    endings = [("insert", 3), ("create table", 1), (SHOWS, 1), ("drop table", 1), ("alter table", 2)]
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
        # What it had written is gone.
        assert [versions(writer, schema, name) for name in TABLE_NAMES] == [1, 1]
