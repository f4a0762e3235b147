"""A writer to Spark that ends between two of its changes, or is refused one, leaves one publication whole."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from importlib import import_module
from typing import Any

import pytest
from tests.support.engines import Engines

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import OUTPUTS
from steelyard.spec.profile import Profile
from steelyard.warehouse import migrate, spark, spark_published
from steelyard.warehouse.base import Condition, Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish import publish_experiment, publish_run
from steelyard.warehouse.read import read_rows
from steelyard.warehouse.registry import connect
from steelyard.warehouse.spark import SparkWarehouse
from steelyard.warehouse.spark_published import ROWS
from steelyard.warehouse.tables import TABLES
from steelyard.warehouse.versioned import POINTERS, VERSION_COLUMNS, rows_table

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


def publish(warehouse: Warehouse, schema: str, number: float, *, names: Sequence[str] = TABLE_NAMES) -> None:
    row = {"metric": "m", "metric_version": 1, "variant": "b", "hypothesis": "superiority", "as_of": DAY}
    tables = {
        "results": [{**row, "effect": number}],
        "decisions": [{"variant": "b", "decision": str(number)}],
    }
    chosen = {name: tables[name] for name in names}
    publish_experiment(warehouse, schema, experiment_id="e", as_of=DAY, tables=chosen)


def seen(reader: Warehouse, schema: str) -> list[float]:
    """Return the number that each row of each table shows."""
    rows = f"select effect from {schema}.results union all select cast(decision as double) from {schema}.decisions"
    return [number for (number,) in reader.query(rows)]


def versions(reader: Warehouse, schema: str) -> int:
    """Return how many versions of the rows there are, whether shown or not."""
    return len(reader.query(f"show partitions {schema}.{ROWS}"))


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
    # Before the rows of both tables, before the view that shows them, and twice while it tidies up.
    endings = [("insert", 1), (SHOWS, 1), ("show partitions", 1), ("alter table", 1)]
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
        assert shown == 5.0
        publish(writer, schema, 6.0)
        assert seen(reader, schema) == [6.0, 6.0]
        # What is shown, and what a reader may still read; nothing of those that have ended.
        assert versions(reader, schema) == 2


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
        assert versions(writer, schema) == 2


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


@pytest.mark.long
def test_what_one_publication_writes_is_one_job_whatever_the_number_of_its_tables(profile: Profile) -> None:
    schema = profile.target_schema
    with connect(profile) as warehouse:
        assert isinstance(warehouse, SparkWarehouse)
        whole = warehouse._session
        session = warehouse._session = Session(whole, ("never", 1), Died())
        publish(warehouse, schema, 301.0)
        publish(warehouse, schema, 302.0)
        warehouse._session = whole
        assert sum(text.startswith("insert") for text in session.made) == 2
        # The read of what is there is one too, and what neither is shown nor was before goes by one statement.
        assert sum(text.startswith("select") for text in session.made) == 2
        assert sum(text.startswith("alter table") for text in session.made) <= 2


@pytest.mark.long
def test_a_slot_that_is_written_twice_in_a_transaction_holds_what_was_written_last(profile: Profile) -> None:
    schema, table = profile.target_schema, TABLES["decisions"]
    row = dict.fromkeys(table.names) | {"experiment_id": "twice", "as_of": DAY, "decision": "ship"}
    with connect(profile) as warehouse:
        for first, second in (("a", "b"), ("c", "d")):
            with warehouse.transaction():
                for variant, gone in ((first, None), (second, ('"variant" = ?', [first]))):
                    rows = [tuple((row | {"variant": variant}).values())]
                    warehouse.replace_rows(table, schema, owner="twice", gone=gone, rows=rows)
        shown = warehouse.query(f"select variant from {schema}.decisions where experiment_id = 'twice'")
        assert sorted(shown.values) == [("b",), ("d",)]


def older_layout(warehouse: Warehouse, schema: str, name: str) -> None:
    """Put the rows of a result table into a table of its own with a view on it, as earlier releases did."""
    table = TABLES[name]
    rows, keys = f"{schema}.{rows_table(table)}", ", ".join(column.name for column in VERSION_COLUMNS)
    # A column that was not there yet is the last one.
    names = ", ".join(table.names[:-1])
    warehouse.execute(
        f"create table {rows} using parquet partitioned by ({keys}) as"
        f" select {names}, {keys} from {schema}.{ROWS} where row_table = '{name}'"
    )
    listed = ", ".join(f"stored.{column}" for column in table.names[:-1])
    warehouse.execute(
        f"create or replace view {schema}.{name} as select {listed} from {schema}.{POINTERS} as shown"
        f" join {rows} as stored on stored.row_owner = shown.row_owner"
        f" and stored.row_version = shown.row_version where shown.table_name = '{name}'"
    )


@pytest.mark.long
def test_rows_of_tables_that_stood_by_themselves_move_though_the_move_is_broken_off(engines: Engines) -> None:
    given = engines.new("spark")
    output, schema = OUTPUTS["spark"].model_validate(given), given["schema"]
    with connect(Profile(name="shop", target="dev", output=output, target_schema=schema)) as warehouse:
        assert isinstance(warehouse, SparkWarehouse)
        ensure_tables(warehouse, schema)
        for names in (TABLE_NAMES, TABLE_NAMES[:1]):
            for number in (1.0, 2.0):
                publish(warehouse, schema, number + len(names), names=names)
        publish_run(warehouse, schema, run={"run_id": "r", "status": "success"})
        before = {name: read_rows(warehouse, schema, name) for name in (*TABLE_NAMES, "runs")}
        for name in TABLES:
            older_layout(warehouse, schema, name)
        warehouse.execute(f"drop table {schema}.{ROWS}")
        whole = warehouse._session
        for ending in ("insert overwrite", SHOWS, "drop table"):
            warehouse._session = Session(whole, (ending, 3), Died())
            with pytest.raises(Died):
                ensure_tables(warehouse, schema)
            warehouse._session = whole
        assert ensure_tables(warehouse, schema)
        assert {name: read_rows(warehouse, schema, name) for name in before} == before
        assert ensure_tables(warehouse, schema) == ()
        names = {row["tableName"] for row in warehouse.query(f"show tables in {schema}").dicts()}
        assert names == {*TABLES, ROWS, POINTERS}
        publish(warehouse, schema, 3.0)
        assert seen(warehouse, schema) == [3.0, 3.0]


@pytest.mark.long
def test_columns_and_tables_of_a_later_release_are_added(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = engines.new("spark")
    output, schema = OUTPUTS["spark"].model_validate(given), given["schema"]
    with connect(Profile(name="shop", target="dev", output=output, target_schema=schema)) as warehouse:
        with monkeypatch.context() as earlier:
            less = {name: table for name, table in TABLES.items() if name != "insights"}
            less |= {
                name: replace(table, columns=table.columns[:-1])
                for name, table in less.items()
                if name in ("results", "timeseries")
            }
            for module in (migrate, spark_published):
                earlier.setattr(module, "TABLES", less)
            ensure_tables(warehouse, schema)
        assert "label" not in warehouse.table_columns("results", schema)
        done = ensure_tables(warehouse, schema)
        assert [statement.split(" (")[0] for statement in done] == [
            f'alter table "{schema}"."{ROWS}" add columns',
            f'create or replace view "{schema}"."results"',
            f'create or replace view "{schema}"."timeseries"',
            f'create view "{schema}"."insights"',
        ]
        publish(warehouse, schema, 1.0)
        assert [row["label"] for row in read_rows(warehouse, schema, "results")] == [None]
        assert read_rows(warehouse, schema, "insights") == []
        assert ensure_tables(warehouse, schema) == ()
