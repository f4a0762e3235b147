"""Creating and migrating the result tables."""

from collections.abc import Callable
from pathlib import Path

import pytest

from steelyard.errors import WarehouseError
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.registry import connect
from steelyard.warehouse.stored import KINDS
from steelyard.warehouse.tables import TABLES, Table

ProfileOf = Callable[..., Profile]

# The contract: these names, in this order, before any other.
RESULTS = """run_id experiment_id as_of metric metric_version metric_fingerprint metric_type role hypothesis dimension
segment variant control n_control n_variant mean_control mean_variant effect effect_ci_lower effect_ci_upper
relative_effect relative_effect_ci_lower relative_effect_ci_upper std_error statistic p_value alpha margin mde
alternative test adjustment variance_reduction required_n powered significant reason"""
CONTRACT = {
    "results": RESULTS,
    "timeseries": RESULTS,
    "health": "run_id experiment_id as_of check_name dimension segment statistic p_value threshold status detail",
    "decisions": "run_id experiment_id as_of variant decision recommendation reasons",
    "looks": """experiment_id metric variant hypothesis look as_of n information fraction alpha_spent bound statistic
    crossed""",
    "moments": "run_id experiment_id as_of metric metric_version variant dimension segment n columns means m2",
    "metrics": "name version fingerprint owner description sql",
    "experiments": "experiment_id",
    "runs": """run_id started ended status as_of engine_version git_commit sql_hash rows_read bytes_read
    stage_seconds""",
    "learning": "run_id experiment_id as_of outcome",
    "caps": "experiment_id name metric value as_of run_id",
    "state": "block exposures experiments closed_through engine_version parts content tables run_id",
    "insights": """run_id experiment_id as_of kind metric metric_version hypothesis variant dimension segment estimate
    std_error ci_lower ci_upper statistic p_value detail reason""",
    "allocation": "programme bucket owner valid_from valid_to",
    "allocation_log": "programme seq at by op owner line",
}


@pytest.mark.parametrize("name", TABLES)
def test_table_begins_with_the_columns_of_the_contract(name: str) -> None:
    wanted = CONTRACT[name].split()
    assert list(TABLES[name].names[: len(wanted)]) == wanted


def test_a_name_of_a_column_means_one_kind_in_all_tables() -> None:
    # One table of Spark holds the rows of all of them.
    kinds = {(column.name, column.kind) for table in TABLES.values() for column in table.columns}
    assert len(kinds) == len({name for name, _ in kinds})


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_table_is_well_formed(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    assert table.keys
    assert set(table.slice_by) <= set(table.names)
    for column in table.columns:
        assert column.comment.endswith(".")
        assert isinstance(column.scale, float) or column.scale in table.names
    assert table.comment.endswith(".")


def test_ensure_tables_creates_every_table_with_types_keys_and_comments(warehouse: Warehouse) -> None:
    done = ensure_tables(warehouse, "steelyard")
    assert done[0] == 'create schema if not exists "steelyard"'
    assert len(done) == 1 + len(TABLES)
    for table in TABLES.values():
        found = warehouse.table_columns(table.name, "steelyard")
        assert found == {column.name: KINDS[column.kind] for column in table.columns}
        keys = warehouse.query(
            "select constraint_column_names from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
            " and schema_name = 'steelyard' and table_name = ?",
            [table.name],
        )
        assert keys.values == [(list(table.keys),)]
        comments = warehouse.query(
            "select column_name, comment from duckdb_columns() where schema_name = 'steelyard' and table_name = ?",
            [table.name],
        )
        assert dict(comments.values) == {column.name: column.comment for column in table.columns}
    told = warehouse.query("select table_name, comment from duckdb_tables() where schema_name = 'steelyard'")
    assert dict(told.values) == {table.name: table.comment for table in TABLES.values()}


def test_ensure_tables_twice_does_nothing(published: Warehouse) -> None:
    assert ensure_tables(published, "steelyard") == ()


def test_ensure_tables_adds_what_an_earlier_version_lacked_and_keeps_what_analysts_added(
    published: Warehouse,
) -> None:
    published.execute("alter table steelyard.results drop column label")
    published.execute("alter table steelyard.results drop column reason")
    published.execute("alter table steelyard.results add column mine varchar")
    published.execute(
        "insert into steelyard.decisions (experiment_id, as_of, variant) values ('e', '2026-04-01', 'b')"
    )
    published.execute("drop table steelyard.looks")
    done = ensure_tables(published, "steelyard")
    assert [statement.split(" (")[0] for statement in done] == [
        'alter table "steelyard"."results" add column "reason" VARCHAR',
        'alter table "steelyard"."results" add column "label" VARCHAR',
        'create table "steelyard"."looks"',
    ]
    columns = published.table_columns("results", "steelyard")
    assert {"reason", "label", "mine"} <= set(columns)
    assert published.query("select count(*) from steelyard.decisions").values == [(1,)]
    assert ensure_tables(published, "steelyard") == ()


def test_ensure_tables_refuses_a_table_that_is_not_its_own(warehouse: Warehouse) -> None:
    warehouse.execute("create schema steelyard")
    warehouse.execute("create table steelyard.runs (id integer)")
    with pytest.raises(
        WarehouseError,
        match=r"table steelyard.runs: it exists and is not Steelyard's: it has no column 'run_id'\n  hint: choose",
    ):
        ensure_tables(warehouse, "steelyard")
    assert not warehouse.table_exists("results", "steelyard")


def test_ensure_tables_refuses_a_column_of_another_type(published: Warehouse) -> None:
    published.execute("alter table steelyard.runs alter column rows_read type varchar")
    message = (
        r"table steelyard.runs: its column 'rows_read' is a varchar, not a bigint\n  hint: .* never changes"
    )
    with pytest.raises(WarehouseError, match=message):
        ensure_tables(published, "steelyard")


def test_ensure_tables_refuses_a_schema_that_needs_quotes(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"'a; drop' is no name for a schema\n  hint: use letters"):
        ensure_tables(warehouse, "a; drop")


def test_ensure_tables_needs_no_rights_where_nothing_is_missing(
    profile_of: ProfileOf, tmp_path: Path
) -> None:
    path = tmp_path / "a.duckdb"
    with connect(profile_of(path, read_only=False)) as warehouse:
        ensure_tables(warehouse, "steelyard")
    with connect(profile_of(path, read_only=True)) as warehouse:
        assert ensure_tables(warehouse, "steelyard") == ()
        with pytest.raises(WarehouseError, match="open for reading only"):
            ensure_tables(warehouse, "other")
