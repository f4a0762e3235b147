"""Connections through drivers that are played: what they send, what they say, and what a broken publication leaves."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.drivers import bigquery, databricks, redshift, snowflake, trino
from tests.support.drivers.played import PLAYED, Played, playing
from tests.support.drivers.server import Passed, Server

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import OUTPUTS
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.reading import Reading
from steelyard.warehouse.registry import WAREHOUSES, connect
from steelyard.warehouse.retry import with_retries
from steelyard.warehouse.stored import KINDS
from steelyard.warehouse.tables import RUNS
from steelyard.warehouse.versioned import VersionedWarehouse

BY_NAME = {played.name: played for played in PLAYED}
DAY = date(2026, 4, 1)
MODULES = {
    "snowflake": "snowflake.connector",
    "bigquery": "google.cloud.bigquery",
    "databricks": "databricks.sql",
    "redshift": "redshift_connector",
    "trino": "trino.dbapi",
}


def profile_of(played: Played, **settings: Any) -> Profile:
    output = OUTPUTS[played.name].model_validate(played.output(**settings))
    return Profile.model_validate(
        {"name": "p", "target": "prod", "output": output, "target_schema": "steelyard"}
    )


@contextmanager
def opened(name: str, folder: Path, **settings: Any) -> Iterator[tuple[Warehouse, Server]]:
    played = BY_NAME[name]
    with playing(played, folder) as server, connect(profile_of(played, **settings)) as warehouse:
        yield warehouse, server


# One with transactions and one without are the sample of `make check`.
SAMPLE = ("redshift", "bigquery")
EVERY = [
    pytest.param(played, id=played.name, marks=[] if played.name in SAMPLE else [pytest.mark.long])
    for played in PLAYED
]


@pytest.fixture(params=EVERY)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Warehouse, Server]]:
    with opened(request.param.name, tmp_path) as found:
        yield found


def test_every_output_of_a_profile_opens_a_warehouse() -> None:
    assert set(WAREHOUSES) == set(OUTPUTS)
    assert set(BY_NAME) == {"snowflake", "bigquery", "databricks", "redshift", "trino"}


@pytest.mark.parametrize("played", PLAYED, ids=lambda played: played.name)
def test_a_driver_that_is_missing_is_named_with_the_extra_that_installs_it(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = MODULES[played.name]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(WarehouseError) as raised:
        connect(profile_of(played))
    assert str(raised.value) == (
        f"target prod: the driver {module} is not installed\n  hint: pip install 'steelyard[{played.name}]'"
    )


def test_rows_of_all_kinds_come_back_as_they_went(both: tuple[Warehouse, Server]) -> None:
    warehouse, _ = both
    ensure_tables(warehouse, "steelyard")
    odd = 'it\'s \\odd\\n, "quoted" `so`\nand ? Ünder -- /* */'
    run = {
        "run_id": odd,
        "started": datetime(2026, 4, 1, 9, 30, 0, 120000, tzinfo=UTC),
        "as_of": date(1, 1, 1),
        "failures": "{}",
        "rows_read": 2**53 + 1,
    }
    with warehouse.transaction():
        row = tuple(run.get(name) for name in RUNS.names)
        warehouse.replace_rows(RUNS, "steelyard", owner=None, gone=None, rows=[row])
    listed = ", ".join(f'"{name}"' for name in RUNS.names)
    where = '"run_id" = ? and ("as_of", "rows_read") in ((?, ?)) and "started" > ?'
    asked = [odd, date(1, 1, 1), 2**53 + 1, datetime(2026, 4, 1, 9, 29, tzinfo=UTC)]
    found = warehouse.query(f'select {listed} from "steelyard"."runs" where {where}', asked)
    assert found.columns == RUNS.names
    assert found.values == [row]
    assert warehouse.table_columns("runs", "steelyard") == {c.name: KINDS[c.kind] for c in RUNS.columns}
    assert warehouse.table_columns("nothing", "steelyard") == warehouse.table_columns("runs", "nowhere") == {}


@pytest.mark.parametrize("value", [0.1, 1e-300, -1.5e300, 12345678901234567.0, 2**53 + 1, 0, -7])
def test_numbers_are_written_to_the_last_digit(value: float, both: tuple[Warehouse, Server]) -> None:
    ((found,),) = both[0].query("select ?", [value]).values
    assert (found, type(found)) == (value, type(value))


def test_nan_and_moments_without_a_zone_are_refused_before_anything_is_sent(
    both: tuple[Warehouse, Server],
) -> None:
    warehouse, server = both
    ensure_tables(warehouse, "steelyard")
    table = "results_versions" if isinstance(warehouse, VersionedWarehouse) else "results"
    before = len(server.sent)
    with pytest.raises(WarehouseError, match="a number is NaN or infinite"):
        warehouse.insert(table, ["experiment_id", "effect"], [("e", float("nan"))], "steelyard")
    with pytest.raises(WarehouseError, match=f"the table {table} has no column 'nope'"):
        warehouse.insert(table, ["nope"], [("e",)], "steelyard")
    assert not [sent for sent in server.sent[before:] if sent.startswith("insert")]


def publish(warehouse: Warehouse, effect: float, decision: str) -> None:
    row = {"metric": "m", "metric_version": 1, "variant": "b", "hypothesis": "superiority", "as_of": DAY}
    tables = {
        "results": [{**row, "metric": f"m{i}", "effect": effect} for i in range(3)],
        "decisions": [{"variant": "b", "decision": decision}],
    }
    publish_experiment(warehouse, "steelyard", experiment_id="e", as_of=DAY, tables=tables)


def seen(warehouse: Warehouse) -> set[tuple[Any, ...]]:
    sql = (
        'select r."effect", d."decision" from "steelyard"."results" as r'
        ' join "steelyard"."decisions" as d on d."experiment_id" = r."experiment_id"'
    )
    return set(warehouse.query(sql).values)


class Died(BaseException):
    """The writer ends, and says nothing to the engine."""


# Where versions are published, nothing is deleted before the pointers move, and nothing is committed.
BREAKS = [(name, "insert into") for name in BY_NAME] + [
    (name, statement) for name in ("snowflake", "redshift") for statement in ("delete from", "commit")
]


@pytest.mark.long
@pytest.mark.parametrize(("name", "statement"), BREAKS)
def test_readers_see_the_old_rows_when_a_publication_fails_in_the_middle(
    name: str, statement: str, tmp_path: Path
) -> None:
    with opened(name, tmp_path) as (warehouse, server):
        ensure_tables(warehouse, "steelyard")
        publish(warehouse, 1.0, "ship")
        sent = len(server.sent)
        publish(warehouse, 2.0, "stop")
        statements = [text for text in server.sent[sent:] if text.startswith(statement)]
        assert statements
        for number in {0, len(statements) - 1}:
            # The first so many go through.
            for _ in range(number):
                server.failures.append((statement, Passed()))
            server.failures.append((statement, Died()))
            with pytest.raises(Died):
                publish(warehouse, 3.0 + number, "keep_running")
            assert seen(warehouse) == {(2.0, "stop")}
        publish(warehouse, 9.0, "ship")
        assert seen(warehouse) == {(9.0, "ship")}


def test_temporary_tables_are_read_by_their_names_and_leave_nothing(both: tuple[Warehouse, Server]) -> None:
    warehouse, server = both
    before = server.tables("steelyard")
    warehouse.create_temporary("unit_values", "select 1 as n")
    warehouse.create_temporary(
        "doubled", "with doubled as (select n from unit_values) select n * 2 as m from doubled"
    )
    joined = "select unit_values.n, d.m from unit_values join doubled as d on true"
    assert warehouse.query(joined).values == [(1, 2)]
    assert set(warehouse.column_types(joined)) == {"n", "m"}
    warehouse.create_temporary("unit_values", "select 7 as n")
    assert warehouse.query("select n from unit_values").values == [(7,)]
    warehouse.drop_temporaries()
    assert server.tables("steelyard") == before
    assert server.tables("steelyard_scratch") == []
    with pytest.raises(WarehouseError, match=r"(?i)unit_values"):
        warehouse.query("select n from unit_values")


@pytest.mark.parametrize("name", ["bigquery", "databricks", "trino"])
def test_a_later_session_drops_what_killed_ones_have_left_a_day_before(name: str, tmp_path: Path) -> None:
    with opened(name, tmp_path) as (warehouse, server):
        warehouse.create_temporary("a", "select 1 as n")
        left = {"t5_0123abcd_moments": True, "other": False, f"t{2**60:x}_0123abcd_units": False}
        for table in left:
            server.database.execute(f"create table steelyard_scratch.{table} (n int)")
        with connect(profile_of(BY_NAME[name])) as other:
            other.create_temporary("b", "select 1 as n")
        assert not {table for table, is_old in left.items() if is_old} & set(
            server.tables("steelyard_scratch")
        )
        assert {table for table, is_old in left.items() if not is_old} < set(
            server.tables("steelyard_scratch")
        )


ERRORS = [
    (
        "snowflake",
        snowflake.ProgrammingError("SQL compilation error:\nObject 'NOPE' does not exist", 2003, "42S02"),
        "Object 'NOPE' does not exist",
        "check the name",
        False,
    ),
    (
        "snowflake",
        snowflake.ProgrammingError("Insufficient privileges to operate on schema 'S'", 3001, "42501"),
        "Insufficient privileges",
        "grant it: docs/warehouses.md",
        False,
    ),
    (
        "snowflake",
        snowflake.ProgrammingError("Numeric value 'anna' is not recognized", 100038, "22018"),
        "a value does not fit its type",
        "cast one of them",
        False,
    ),
    (
        "snowflake",
        snowflake.ProgrammingError("Statement reached its statement or warehouse timeout", 630, "57014"),
        "ran longer than",
        "raise statement_timeout_seconds",
        False,
    ),
    (
        "snowflake",
        snowflake.OperationalError("Service unavailable", 290503, "08001"),
        "Service unavailable",
        "run again later",
        True,
    ),
    (
        "snowflake",
        snowflake.ProgrammingError("lock waiters exceeded", 625, "57014"),
        "another run changed",
        "run again",
        True,
    ),
    ("bigquery", bigquery.ServiceUnavailable("try again"), "try again", "run again later", True),
    (
        "bigquery",
        bigquery.BadRequest("limit", ({"reason": "bytesBilledLimitExceeded"},)),
        "limit",
        "raise maximum_bytes_billed",
        False,
    ),
    (
        "bigquery",
        bigquery.BadRequest("Could not serialize access", ({"reason": "invalidQuery"},)),
        "another run changed",
        "run again",
        True,
    ),
    (
        "bigquery",
        bigquery.BadRequest("Bad int64 value: anna"),
        "a value does not fit its type",
        "cast one of them",
        False,
    ),
    (
        "bigquery",
        bigquery.GoogleAuthError("no default credentials"),
        "no default credentials",
        "check method and keyfile",
        False,
    ),
    (
        "databricks",
        databricks.ServerOperationError("[INSUFFICIENT_PERMISSIONS] no SELECT"),
        "no SELECT",
        "grant it",
        False,
    ),
    (
        "databricks",
        databricks.ServerOperationError("[DELTA_CONCURRENT_APPEND] x"),
        "another run changed",
        "run again",
        True,
    ),
    (
        "databricks",
        databricks.ServerOperationError("[CAST_INVALID_INPUT] The value 'anna'"),
        "a value does not fit its type",
        "cast",
        False,
    ),
    (
        "redshift",
        redshift.ProgrammingError({"C": "42501", "M": "permission denied for t"}),
        "permission denied for t",
        "grant it",
        False,
    ),
    (
        "redshift",
        redshift.ProgrammingError({"C": "40001", "M": "x"}),
        "another run changed",
        "run again",
        True,
    ),
    (
        "redshift",
        redshift.ProgrammingError({"C": "22P02", "M": "invalid input 'anna'"}),
        "a value does not fit its type",
        "cast",
        False,
    ),
    ("redshift", OSError("timed out"), "timed out", "check host, port", False),
    (
        "trino",
        trino.TrinoQueryError({"errorName": "PERMISSION_DENIED", "message": "Access Denied"}),
        "Access Denied",
        "grant it",
        False,
    ),
    (
        "trino",
        trino.TrinoQueryError({"errorName": "NO_NODES_AVAILABLE", "message": "x"}),
        "x",
        "run again later",
        True,
    ),
    (
        "trino",
        trino.TrinoQueryError({"errorName": "INVALID_CAST_ARGUMENT", "message": "Cannot cast 'anna'"}),
        "a value does not fit its type",
        "cast",
        False,
    ),
    ("trino", trino.Http503Error("error 503"), "error 503", "run again later", True),
    ("trino", trino.RequestException("refused tops3cret"), "refused \\*\\*\\*", "correct the SQL", False),
]


@pytest.mark.parametrize(
    ("name", "error", "told", "is_transient"),
    [(name, error, told, is_transient) for name, error, *told, is_transient in ERRORS],
    ids=[f"{name}-{type(error).__name__}-{i}" for i, (name, error, *_) in enumerate(ERRORS)],
)
def test_an_error_of_a_driver_says_what_is_wrong_and_what_to_do(
    name: str, error: Exception, told: list[str], is_transient: bool, tmp_path: Path
) -> None:
    message, hint = told
    secret = {"method": "ldap", "password": "tops3cret", "http_scheme": "https"}
    settings = secret if name == "trino" else {}
    with opened(name, tmp_path, **settings) as (warehouse, server):
        server.failures.append(("select 1", error))
        with pytest.raises(WarehouseError, match=message) as raised:
            warehouse.query("select 1")
        assert re.search(hint, raised.value.hint)
        assert raised.value.is_transient is is_transient
        assert not re.search("anna|tops3cret", str(raised.value))
        assert with_retries(lambda: warehouse.query("select 1").values) == [(1,)]


def test_what_passes_by_itself_is_tried_again(tmp_path: Path) -> None:
    with opened("bigquery", tmp_path) as (warehouse, server):
        server.failures.append(("select 1", bigquery.ServiceUnavailable("once")))
        assert with_retries(lambda: warehouse.query("select 1").values, sleep=lambda _: None) == [(1,)]


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    with (
        pytest.raises(WarehouseError, match="target prod: Incorrect username or password") as raised,
        opened("snowflake", tmp_path, password="wrong"),
    ):
        pytest.fail("it opened")
    assert raised.value.hint == "check account, user and how the user proves to be it in profiles.yml"


def test_snowflake_is_opened_with_a_key_a_tag_and_a_timeout(tmp_path: Path) -> None:
    settings = {
        "password": None,
        "private_key_path": "/k.p8",
        "private_key_passphrase": "p",
        "role": "R",
        "query_tag": "team",
        "statement_timeout_seconds": "600",
    }
    with opened("snowflake", tmp_path, **settings) as (_, server):
        (given,) = server.opened
    assert given == {
        "account": "a",
        "user": "U",
        "private_key_file": "/k.p8",
        "private_key_file_pwd": "p",
        "role": "R",
        "warehouse": "W",
        "database": "D",
        "schema": "public",
        "client_session_keep_alive": False,
        "application": "steelyard",
        "session_parameters": {
            "TIMEZONE": "UTC",
            "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
            "AUTOCOMMIT": "true",
            "QUERY_TAG": "team",
            "STATEMENT_TIMEOUT_IN_SECONDS": "600",
        },
    }


def test_the_body_of_a_pem_is_the_private_key(tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIE\nabc=\n-----END PRIVATE KEY-----\n"
    with opened("snowflake", tmp_path, password=None, private_key=pem) as (_, server):
        assert server.opened[0]["private_key"] == "MIIEabc="


def test_jobs_of_bigquery_have_labels_limits_and_a_dataset(tmp_path: Path) -> None:
    settings = {
        "maximum_bytes_billed": 1000,
        "job_execution_timeout_seconds": 60,
        "method": "service-account",
        "keyfile": "k.json",
    }
    with opened("bigquery", tmp_path, **settings) as (warehouse, server):
        warehouse.query("/* steelyard: run 1F-a, experiments b, statement unit_values */ select 1")
        assert server.opened == [{"project": "p", "credentials": "credentials of k.json", "location": "EU"}]
        assert server.jobs[-1] == {
            "labels": {"application": "steelyard", "run": "1f-a", "statement": "unit_values"},
            "default_dataset": "p.raw",
            "maximum_bytes_billed": 1000,
            "priority": "INTERACTIVE",
            "job_timeout_ms": 60000,
        }
        assert warehouse.reading("select 1") == Reading(rows=None, size=bigquery.DRY_RUN_BYTES)
        assert warehouse.estimate("select 1") == "a dry run: 12,345 bytes would be processed"
        planned = server.jobs[-1]
        assert (planned["dry_run"], planned["use_query_cache"]) == (True, False)
        assert "maximum_bytes_billed" not in planned


def test_the_key_of_bigquery_may_come_from_the_environment(tmp_path: Path) -> None:
    key = {"private_key": "-----BEGIN\\nMIIE", "client_email": "e@x"}
    with opened("bigquery", tmp_path, method="service-account-json", keyfile_json=key) as (warehouse, server):
        assert server.opened[0]["credentials"] == {"private_key": "-----BEGIN\nMIIE", "client_email": "e@x"}
        server.failures.append(("select 1", bigquery.BadRequest(f"bad {key['private_key']}")))
        with pytest.raises(WarehouseError, match=r"bad \*\*\*"):
            warehouse.query("select 1")
    with pytest.raises(ValueError, match="method service-account-json needs a keyfile_json"):
        profile_of(BY_NAME["bigquery"], method="service-account-json")


def test_databricks_is_opened_in_utc_with_tags_and_a_timeout(tmp_path: Path) -> None:
    with opened("databricks", tmp_path, statement_timeout_seconds=5) as (warehouse, server):
        (given,) = server.opened
        assert given["session_configuration"] == {
            "TIMEZONE": "UTC",
            "ANSI_MODE": "true",
            "STATEMENT_TIMEOUT": "5",
        }
        assert given["query_tags"] == {"application": "steelyard"}
        assert (given["access_token"], given["catalog"], given["schema"]) == ("tops3cret", "c", "default")
        assert warehouse.estimate("select 1") == "a plan"
        assert warehouse.reading("select 1") is None


def test_a_databricks_without_a_token_is_refused_unless_a_person_signs_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="auth_type token needs a token"):
        profile_of(BY_NAME["databricks"], token=None)
    with opened("databricks", tmp_path, token=None, auth_type="oauth") as (_, server):
        assert server.opened[0]["auth_type"] == "databricks-oauth"


def test_an_encrypted_private_key_has_to_be_a_file() -> None:
    with pytest.raises(ValueError, match="an encrypted private_key"):
        profile_of(BY_NAME["snowflake"], private_key="k", private_key_passphrase="p")


def test_redshift_is_set_to_utc_a_queue_and_a_timeout(tmp_path: Path) -> None:
    with opened("redshift", tmp_path, statement_timeout_seconds=5, search_path="raw, public") as (
        warehouse,
        server,
    ):
        assert [sent for sent in server.sent if sent.startswith("set ")] == [
            "set timezone to 'UTC'",
            "set query_group to 'steelyard'",
            'set search_path to "raw", "public"',
            "set statement_timeout to 5000",
        ]
        server.plans[""] = (
            "XN Hash Join\n  ->  XN Seq Scan on events e  (cost=0.00..9.9 rows=1000 width=24)\n"
        )
        assert warehouse.reading("select 1") == Reading(rows=1000, size=24_000)


def test_redshift_takes_the_name_of_a_role_of_iam(tmp_path: Path) -> None:
    settings = {"method": "iam", "password": None, "cluster_id": "c1", "region": "eu", "iam_profile": "me"}
    with opened("redshift", tmp_path, **settings) as (_, server):
        given = {key: value for key, value in server.opened[0].items() if value is not None}
    assert given == {
        "iam": True,
        "db_user": "u",
        "cluster_identifier": "c1",
        "region": "eu",
        "profile": "me",
        "host": "h",
        "port": 5439,
        "database": "d",
        "timeout": 10,
        "application_name": "steelyard",
    }


def test_trino_is_opened_with_a_token_tags_and_a_timeout(tmp_path: Path) -> None:
    settings = {
        "method": "jwt",
        "jwt_token": "tops3cret",
        "statement_timeout_seconds": 5,
        "http_scheme": "https",
    }
    with opened("trino", tmp_path, **settings) as (warehouse, server):
        (given,) = server.opened
        assert given.pop("auth").given == ("tops3cret",)
        assert given == {
            "host": "h",
            "port": 8080,
            "user": "u",
            "source": "steelyard",
            "catalog": "c",
            "schema": "default",
            "session_properties": {"query_max_run_time": "5s"},
            "http_scheme": "https",
            "client_tags": ["steelyard"],
            "timezone": "UTC",
        }
        plan = '{"inputTableColumnInfos": [{"estimate": {"outputRowCount": %s, "outputSizeInBytes": 80}}]}'
        server.plans["(type io, format json)"] = plan % "10.0"
        assert warehouse.reading("select 1") == Reading(rows=10, size=80)
        server.plans["(type io, format json)"] = plan % '"NaN"'
        assert warehouse.reading("select 1") is None


def test_snowflake_tells_bytes_and_no_rows(tmp_path: Path) -> None:
    with opened("snowflake", tmp_path) as (warehouse, server):
        server.plans["using json"] = '{"GlobalStats": {"partitionsTotal": 3, "bytesAssigned": 4096}}'
        assert warehouse.reading("select 1") == Reading(rows=None, size=4096)
        assert warehouse.estimate("select 1") == "a plan"


def test_a_file_of_a_type_that_a_warehouse_has_not_is_refused(
    both: tuple[Warehouse, Server], tmp_path: Path
) -> None:
    path = tmp_path / "spans.parquet"
    both[1].database.execute(f"copy (select interval 1 day as a) to '{path}'")
    with pytest.raises(
        WarehouseError, match=r"spans.parquet: \w+ has no type for interval\n  hint: write the column as text"
    ):
        both[0].load_file("spans", path)


def test_a_file_replaces_a_table_with_all_kinds_of_columns(
    both: tuple[Warehouse, Server], tmp_path: Path
) -> None:
    warehouse, server = both
    path = tmp_path / "kinds.parquet"
    server.database.execute(
        "copy (select true as b, 3::tinyint as t, 4::integer as i, 5::bigint as l, 1.25::decimal(9, 2) as d,"
        " 0.1::double as f, 'a''\\b' as s, date '2026-04-01' as day, timestamp '2026-04-01 09:00:00.5' as at,"
        " timestamptz '2026-04-01 09:00:00+02' as zoned union all select "
        + ", ".join(["null"] * 10)
        + f") to '{path}'"
    )
    for _ in range(2):
        assert warehouse.load_file("kinds", path) == 2
    (row, empty) = sorted(warehouse.query("select * from kinds").values, key=lambda row: row[0] is None)
    assert row == (
        True,
        3,
        4,
        5,
        1.25,
        0.1,
        "a'\\b",
        date(2026, 4, 1),
        datetime(2026, 4, 1, 9, 0, 0, 500000),
        datetime(2026, 4, 1, 7, tzinfo=UTC),
    )
    assert empty == (None,) * 10
    kinds = warehouse.column_types("select * from kinds")
    assert [kinds[name] for name in ("b", "l", "d", "f", "s", "day", "at", "zoned")] == [
        "boolean",
        "bigint",
        "decimal",
        "double",
        "varchar",
        "date",
        "timestamp",
        "timestamptz",
    ]


def test_a_query_on_a_temporary_table_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with opened("trino", tmp_path) as (warehouse, server):
        warehouse.create_temporary("unit_values", "select 1 as n")
        sent = len(server.sent)
        told = r"trino SQL that cannot be read: .*\n  hint: correct the SQL"
        with pytest.raises(WarehouseError, match=rf"target prod: {told}"):
            warehouse.query("select from (unit_values where")
        assert len(server.sent) == sent
        assert warehouse.query("select n from unit_values").values == [(1,)]
