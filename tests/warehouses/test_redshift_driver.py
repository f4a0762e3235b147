"""The connection to Redshift, through its own driver, to a PostgreSQL: the protocol is one, and much of the SQL."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.version import Version
from tests.support.drivers.startup import Doorman

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import Redshift
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.redshift import RedshiftWarehouse
from steelyard.warehouse.registry import connect
from steelyard.warehouse.tables import RUNS

DAY = date(2026, 4, 1)
# The columns of every table under the name that Redshift has for them.
COLUMNS = (
    "create view public.svv_columns as select table_schema, table_name, column_name, ordinal_position, data_type"
    " from information_schema.columns"
)


@pytest.fixture
def warehouse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    driver = pytest.importorskip("redshift_connector", reason="redshift_connector is not installed")
    postgres = pytest.importorskip("tests.support.postgres_server")
    try:
        server = postgres.PostgresServer()
    except postgres.MissingServerError as error:
        pytest.skip(str(error))
    with server:
        # The driver has Redshift's ways to prove who one is, of which PostgreSQL knows none.
        rules = server._folder / "data" / "pg_hba.conf"
        rules.write_text("host all all 127.0.0.1/32 trust\n", encoding="utf-8")
        name = server.new_database()
        with server.connect(name) as connection:
            connection.execute("select pg_reload_conf()")
            connection.execute(COLUMNS)
        doorman = Doorman(int(server.output(name)["port"]))
        open_ = driver.connect
        monkeypatch.setattr(driver, "connect", lambda **settings: open_(ssl=False, **settings))
        # The version of a PostgreSQL of some distribution is none that the driver can read.
        monkeypatch.setattr(
            "redshift_connector.core.version",
            SimpleNamespace(parse=lambda _: Version("8.0.2"), Version=Version),
        )
        execute = RedshiftWarehouse.execute
        monkeypatch.setattr(
            RedshiftWarehouse,
            "execute",
            lambda self, sql, *more: execute(
                self, sql.replace("query_group", "steelyard.query_group"), *more
            ),
        )
        settings = {"user": "steelyard", "password": "x", "dbname": name, "statement_timeout_seconds": 2}
        output = Redshift.model_validate(
            {"type": "redshift", "host": "127.0.0.1", "port": doorman.port, "schema": "steelyard", **settings}
        )
        profile = {"name": "p", "target": "prod", "output": output, "target_schema": "steelyard"}
        try:
            with connect(Profile.model_validate(profile)) as opened:
                yield opened
        finally:
            doorman.close()


@pytest.mark.long
def test_the_connection_does_with_its_driver_what_it_does_with_the_fake(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    ensure_tables(warehouse, "steelyard")
    assert ensure_tables(warehouse, "steelyard") == ()
    moment = datetime(2026, 4, 1, 9, 30, 0, 120000, tzinfo=UTC)
    told = {"run_id": 'it\'s odd, "q" ? % -- x', "started": moment, "as_of": DAY, "rows_read": 2**53 + 1}
    row = tuple(told.get(name) for name in RUNS.names)
    with warehouse.transaction():
        warehouse.replace_rows(RUNS, "steelyard", owner=None, gone=None, rows=[row])
    where = '("run_id", "as_of") in ((?, ?))'
    assert warehouse.query(
        f'select * from "steelyard"."runs" where {where}', [told["run_id"], DAY]
    ).values == [row]
    result = {"metric": "m", "metric_version": 1, "variant": "b", "hypothesis": "superiority", "as_of": DAY}
    for effect in (0.1, 0.2):
        tables = {"results": [{**result, "effect": effect}]}
        publish_experiment(warehouse, "steelyard", experiment_id="e", as_of=DAY, tables=tables)
        assert warehouse.query("select effect from steelyard.results").values == [(effect,)]
    warehouse.create_temporary(
        "probe", "select 7 % 4 as c, 2.5::numeric as b, sum(n) as s from (select 3::bigint as n) as q"
    )
    assert warehouse.column_types("select * from probe") == {"c": "integer", "b": "decimal", "s": "decimal"}
    assert warehouse.query("select * from probe").values == [(3, 2.5, 3)]
    (tmp_path / "events.csv").write_text("user_id,at,n\nu1,2026-04-01 09:00:00,0.1\nu2,,\n")
    assert warehouse.load_file("events", tmp_path / "events.csv") == 2
    found = warehouse.query("select * from events order by user_id").values
    assert found == [("u1", datetime(2026, 4, 1, 9), 0.1), ("u2", None, None)]
    for sql, message in (
        ("select * from nope", 'relation "nope" does not exist\n  hint: check the name'),
        ("select nope from probe", 'column "nope" does not exist\n  hint: check the names of the columns'),
        ("select 1 / 0", "a division by zero"),
        ("select pg_sleep(9)", "ran longer than statement_timeout_seconds"),
    ):
        with pytest.raises(WarehouseError, match=message):
            warehouse.query(sql)
