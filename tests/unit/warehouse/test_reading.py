"""What a query would read, before it runs."""

from pathlib import Path

import duckdb

from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.reading import Reading


def test_a_tables_rows_count_in_full_whatever_is_filtered(warehouse: Warehouse) -> None:
    warehouse.execute(
        "create table events as select range as user_id, 'x' as kind, 1.5::double as v from range(5000)"
    )
    assert warehouse.reading("select user_id, v from events") == Reading(rows=5000, size=5000 * 16)
    filtered = warehouse.reading("select user_id from events where user_id = 7")
    assert filtered is not None
    assert filtered.rows == 5000


def test_each_scan_of_a_table_counts(warehouse: Warehouse) -> None:
    warehouse.execute("create table events as select range as user_id from range(300)")
    warehouse.execute("create table users as select range as user_id from range(20)")
    found = warehouse.reading("select count(*) from events join users using (user_id)")
    assert found == Reading(rows=320, size=320 * 8)


def test_files_count_by_the_plans_own_estimate(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    duckdb.sql("select range as user_id from range(700)").write_parquet(str(path))
    found = warehouse.reading(f"select user_id from read_parquet('{path}')")
    assert found == Reading(rows=700, size=700 * 8)


def test_a_query_without_tables_reads_nothing(warehouse: Warehouse) -> None:
    assert warehouse.reading("select 1") == Reading()
