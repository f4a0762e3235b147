"""The interface of a warehouse, on DuckDB."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from steelyard.errors import WarehouseError
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.registry import connect

ProfileOf = Callable[..., Profile]


def test_query_returns_python_values(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select 1 as n, 1.5::double as x, 1.25 as price, 'é' as name, true as flag, date '2026-04-01' as day,"
        " null as nothing, sum(range)::hugeint as big from range(3)"
    )
    assert rows.columns == ("n", "x", "price", "name", "flag", "day", "nothing", "big")
    assert rows.values == [(1, 1.5, Decimal("1.25"), "é", True, date(2026, 4, 1), None, 3)]
    assert len(rows) == 1
    assert next(iter(rows))[0] == 1


def test_query_gives_moments_the_zone_utc(warehouse: Warehouse) -> None:
    sql = "select 7 as n, timestamptz '2026-04-01 10:00:00+08' as t, null::timestamptz as none"
    assert warehouse.query(sql).dicts() == [{"n": 7, "t": datetime(2026, 4, 1, 2, tzinfo=UTC), "none": None}]


def test_query_keeps_the_order_of_rows_with_moments(warehouse: Warehouse) -> None:
    sql = "select range as n, to_timestamp(range) as t from range(200000) order by n desc"
    assert [row[0] for row in warehouse.query(sql)] == list(range(199_999, -1, -1))


def test_session_is_in_utc(warehouse: Warehouse) -> None:
    moment = warehouse.query("select (timestamp '2026-04-01 10:00:00')::timestamptz as t").values[0][0]
    assert moment == datetime(2026, 4, 1, 10, tzinfo=UTC)


def test_query_takes_parameters(warehouse: Warehouse) -> None:
    assert warehouse.query("select ? as a, ? as b", ["it's", None]).values == [("it's", None)]


def test_a_variable_of_the_program_is_no_table(warehouse: Warehouse) -> None:
    # DuckDB would look at the variables of the function that calls it.
    with pytest.raises(WarehouseError, match="Table with name parameters does not exist"):
        warehouse.query("select * from parameters")


def test_temporary_tables_replace_each_other_and_end_with_the_connection(
    profile_of: ProfileOf, tmp_path: Path
) -> None:
    profile = profile_of(tmp_path / "a.duckdb")
    with connect(profile) as warehouse:
        warehouse.create_temporary("cells", "select 1 as n")
        warehouse.create_temporary("cells", "select 2 as n")
        assert warehouse.query("select n from cells").values == [(2,)]
        warehouse.drop_temporaries()
        assert not warehouse.table_exists("cells")
        warehouse.drop_temporaries()
        warehouse.create_temporary("cells", "select 3 as n")
        assert warehouse.table_exists("cells")
    with connect(profile) as again:
        assert not again.table_exists("cells")


def test_column_types_are_canonical(warehouse: Warehouse) -> None:
    sql = (
        "select 1 as a, 1::bigint as b, 1.5 as c, 1.5::double as d, 'x' as e, true as f, date '2026-01-01' as g,"
        " now() as h, now()::timestamp as i, timestamp_ns '2026-01-01' as j, [1] as k, 1::hugeint as l"
    )
    assert warehouse.column_types(sql) == {
        "a": "integer",
        "b": "bigint",
        "c": "decimal",
        "d": "double",
        "e": "varchar",
        "f": "boolean",
        "g": "date",
        "h": "timestamptz",
        "i": "timestamp",
        "j": "timestamp",
        "k": "integer[]",
        "l": "hugeint",
    }


def test_column_types_do_not_run_the_query(warehouse: Warehouse) -> None:
    assert warehouse.column_types("with a as (select error('ran') as x) select x from a") == {"x": "null"}


def test_table_exists_ignores_case_and_sees_views(warehouse: Warehouse) -> None:
    warehouse.execute("create schema other")
    warehouse.execute("create table other.Events as select 1 as n")
    warehouse.execute("create view seen as select 1 as n")
    assert warehouse.table_exists("events", "other")
    assert warehouse.table_exists("seen")
    assert not warehouse.table_exists("events")
    assert warehouse.table_columns("events", "other") == {"n": "integer"}


def test_estimate_tells_the_plan_without_running(warehouse: Warehouse) -> None:
    warehouse.execute("create table events as select range as user_id from range(10)")
    assert "events" in warehouse.estimate("select count(*) from events where user_id = error('ran')")


def insert_and(warehouse: Warehouse, number: int, action: Callable[[], object]) -> None:
    """Insert a number and do something else in one transaction."""
    with warehouse.transaction():
        warehouse.execute("insert into t values (?)", [number])
        action()


def test_transaction_commits_or_rolls_back(warehouse: Warehouse) -> None:
    warehouse.execute("create table t (n integer)")
    with warehouse.transaction():
        warehouse.execute("insert into t values (1)")
    with pytest.raises(ZeroDivisionError):
        insert_and(warehouse, 2, lambda: 1 // 0)
    with pytest.raises(WarehouseError, match="nosuch"):
        insert_and(warehouse, 3, lambda: warehouse.execute("insert into nosuch values (3)"))
    assert warehouse.query("select n from t").values == [(1,)]


def test_transaction_refuses_a_second_one_inside(warehouse: Warehouse) -> None:
    with (
        pytest.raises(WarehouseError, match="a transaction is open already"),
        warehouse.transaction(),
        warehouse.transaction(),
    ):
        pass
    with warehouse.transaction():
        warehouse.execute("select 1")


def test_insert_keeps_every_value(warehouse: Warehouse) -> None:
    warehouse.execute(
        'create table t (name varchar, "odd ""name" bigint, x double, flag boolean, day date,'
        " moment timestamptz, note varchar)"
    )
    singapore = timezone(timedelta(hours=8))
    rows = [
        (
            "it's",
            2**62 + 1,
            0.1 + 0.2,
            True,
            date(1999, 12, 31),
            datetime(2026, 4, 1, 8, 0, 0, 1, singapore),
            None,
        ),
        (None, None, None, None, None, None, None),
        ("", -1, 5e-324, False, date(2026, 4, 1), datetime(2026, 4, 1, tzinfo=UTC), None),
    ]
    columns = ["name", 'odd "name', "x", "flag", "day", "moment", "note"]
    warehouse.insert("t", columns, rows)
    warehouse.insert("t", columns, [])
    assert warehouse.query("select * from t").values == rows


def test_insert_refuses_an_unknown_column(warehouse: Warehouse) -> None:
    warehouse.execute("create table t (n bigint)")
    with pytest.raises(WarehouseError, match=r"the table t has no column 'm'\n  hint: it has n"):
        warehouse.insert("t", ["m"], [(1,)])


def test_insert_leaves_nothing_registered_after_an_error(warehouse: Warehouse) -> None:
    warehouse.execute("create table t (n bigint primary key)")
    for _ in range(2):
        with pytest.raises(WarehouseError, match="exist already"):
            warehouse.insert("t", ["n"], [(1,), (1,)])
    assert not warehouse.table_exists("_steelyard_incoming")
    warehouse.insert("t", ["n"], [(1,)])


def test_settings_threads_and_extensions_are_applied(profile_of: ProfileOf) -> None:
    profile = profile_of(threads=1, settings={"memory_limit": "512MB"}, extensions=["json"])
    with connect(profile) as warehouse:
        sql = "select current_setting('threads'), current_setting('memory_limit')"
        assert warehouse.query(sql).values == [(1, "488.2 MiB")]


def test_connect_lets_a_connection_with_defaults_beside_it(profile_of: ProfileOf, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with connect(profile_of(path, threads=1)), duckdb.connect(str(path)) as other:
        assert other.execute("select 1").fetchall() == [(1,)]


def test_close_twice_does_nothing(profile_of: ProfileOf) -> None:
    warehouse = connect(profile_of())
    warehouse.close()
    warehouse.close()
