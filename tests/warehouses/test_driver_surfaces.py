"""The fakes have the surface of the drivers themselves; each is compared where the driver is installed."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from tests.support.drivers import bigquery, clickhouse, databricks, redshift, snowflake, trino
from tests.support.drivers.server import Server


def real(module: str) -> Any:
    """Return a module of a driver, or skip."""
    return pytest.importorskip(module, reason=f"{module} is not installed", exc_type=ImportError)


def parameters(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)


def taken(tmp_path: Any, modules: Any, name: str, dialect: str) -> set[str]:
    """Return the arguments that a fake's ``connect`` takes."""
    made = modules(Server(dialect, folder=tmp_path, schema="s"))
    return parameters(made[name].connect)


def test_snowflake_has_the_arguments_the_errors_and_the_types_of_the_driver() -> None:
    connector = real("snowflake.connector")
    config = import_module("snowflake.connector.connection_config").ConnectionConfig
    known = {name for one in config.__mro__ for name in inspect.get_annotations(one)} | set(config._ALIAS_MAP)
    assert known >= snowflake.CONNECT
    error = connector.errors.ProgrammingError("no such table", errno=2003, sqlstate="42S02")
    assert isinstance(error, connector.errors.Error)
    assert (error.errno, error.sqlstate, error.raw_msg) == (2003, "42S02", "no such table")
    cursor = connector.cursor
    assert cursor.ResultMetadata._fields == snowflake.ResultMetadata._fields
    assert {"execute", "describe", "fetchall", "close", "description"} <= set(dir(cursor.SnowflakeCursor))
    names = import_module("snowflake.connector.constants").FIELD_ID_TO_NAME
    told = {code: names[code] for code in (0, 1, 2, 3, 6, 7, 8, 13)}
    assert list(told.values()) == [
        *("FIXED", "REAL", "TEXT", "DATE"),
        *("TIMESTAMP_LTZ", "TIMESTAMP_TZ", "TIMESTAMP_NTZ", "BOOLEAN"),
    ]


def test_bigquery_has_the_settings_the_answers_and_the_errors_of_the_driver() -> None:
    driver = real("google.cloud.bigquery")
    config = driver.QueryJobConfig(
        labels={"application": "steelyard", "run": "1f-a"},
        default_dataset="p.raw",
        maximum_bytes_billed=1000,
        priority="INTERACTIVE",
        job_timeout_ms=60000,
        dry_run=True,
        use_query_cache=False,
    )
    assert config.to_api_repr()["query"]["defaultDataset"] == {"projectId": "p", "datasetId": "raw"}
    assert config.to_api_repr()["labels"] == {"application": "steelyard", "run": "1f-a"}
    assert set(dir(driver.QueryJobConfig)) >= bigquery.CONFIG
    assert set(dir(driver.LoadJobConfig)) >= bigquery.LOAD
    field = driver.SchemaField("n", "INT64")
    assert (field.name, field.field_type) == ("n", "INT64")
    assert parameters(driver.Client) >= {"project", "credentials", "location"}
    assert {"query", "job_config"} <= parameters(driver.Client.query)
    assert {"file_obj", "destination", "location", "job_config"} <= parameters(
        driver.Client.load_table_from_file
    )
    assert {"schema", "total_bytes_processed", "result"} <= set(dir(driver.QueryJob))
    assert {"output_rows", "result"} <= set(dir(driver.LoadJob))
    assert list(driver.table._EmptyRowIterator().schema) == []
    assert driver.table.Row((1, "a"), {"n": 0, "s": 1}).values() == (1, "a")
    exceptions = import_module("google.api_core.exceptions")
    error = exceptions.NotFound("Not found: Table t", errors=[{"reason": "notFound"}])
    assert (int(error.code), error.message, error.errors) == (
        404,
        "Not found: Table t",
        [{"reason": "notFound"}],
    )
    assert isinstance(error, exceptions.GoogleAPIError)
    assert issubclass(import_module("google.auth.exceptions").DefaultCredentialsError, Exception)
    accounts = import_module("google.oauth2.service_account")
    assert callable(accounts.Credentials.from_service_account_file)
    assert "info" in parameters(accounts.Credentials.from_service_account_info)


def test_databricks_has_the_arguments_and_the_errors_of_the_driver(tmp_path: Any) -> None:
    real("databricks.sql")
    client = import_module("databricks.sql.client")
    passed_on = {"auth_type", "user_agent_entry"}
    ours = taken(tmp_path, databricks.modules, "databricks.sql", "databricks")
    assert parameters(client.Connection.__init__) >= ours - passed_on
    assert all(name in inspect.getsource(client.Connection) for name in passed_on)
    error = import_module("databricks.sql.exc").ServerOperationError("[A] b")
    assert error.message == "[A] b"
    assert {"execute", "fetchall", "close", "description"} <= set(dir(client.Cursor))


def test_redshift_has_the_arguments_and_the_errors_of_the_driver(tmp_path: Any) -> None:
    driver = real("redshift_connector")
    assert parameters(driver.connect) >= taken(tmp_path, redshift.modules, "redshift_connector", "redshift")
    assert issubclass(driver.ProgrammingError, driver.Error)
    assert driver.paramstyle == redshift.RedshiftCursor.paramstyle == "format"
    convert = import_module("redshift_connector.core").convert_paramstyle
    with pytest.raises(driver.InterfaceError, match="Only %s and %% are supported"):
        convert("format", "select a % 10")
    assert convert("qmark", "select a % 10 -- so?\n, '?'")[0] == "select a % 10 -- so?\n, '?'"


def test_trino_has_the_arguments_and_the_errors_of_the_client(tmp_path: Any) -> None:
    real("trino")
    dbapi, exceptions = import_module("trino.dbapi"), import_module("trino.exceptions")
    assert parameters(dbapi.Connection) >= taken(tmp_path, trino.modules, "trino.dbapi", "trino")
    error = exceptions.TrinoQueryError({"errorName": "TABLE_NOT_FOUND", "message": "no such table"})
    assert (error.error_name, error.message) == ("TABLE_NOT_FOUND", "no such table")
    assert issubclass(exceptions.TrinoQueryError, exceptions.Error)
    assert issubclass(exceptions.Http503Error, exceptions.HttpError)
    assert not issubclass(exceptions.HttpError, exceptions.Error)
    auth = import_module("trino.auth")
    assert parameters(auth.BasicAuthentication) == {"username", "password"}
    assert parameters(auth.JWTAuthentication) == {"token"}
    column = {
        "name": "m",
        "type": "timestamp(6) with time zone",
        "typeSignature": {"rawType": "x", "arguments": []},
    }
    assert dbapi.ColumnDescription.from_column(column)[:2] == ("m", "timestamp(6) with time zone")


def test_clickhouse_has_the_arguments_and_the_errors_of_the_driver() -> None:
    driver = real("clickhouse_connect")
    client = import_module("clickhouse_connect.driver.httpclient").HttpClient
    ours = parameters(clickhouse.modules("", [])["clickhouse_connect"].get_client)
    assert parameters(driver.get_client) | parameters(client.__init__) >= ours
    assert "session_timeout" in client.valid_transport_settings
    assert {"query", "fmt"} <= parameters(client.raw_query)
    assert {"table", "insert_block", "fmt"} <= parameters(client.raw_insert)
    exceptions = import_module("clickhouse_connect.driver.exceptions")
    assert issubclass(exceptions.DatabaseError, exceptions.Error)
