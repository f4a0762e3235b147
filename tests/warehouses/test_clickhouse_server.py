"""A ClickHouse server, played by the embedded one behind a fake of its driver: the SQL is ClickHouse's own."""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.drivers import clickhouse
from tests.support.engines import Engines

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import ClickHouse
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish import publish_experiment
from steelyard.warehouse.registry import connect

# A server is started.
pytestmark = pytest.mark.long

DAY = date(2026, 4, 1)
Open = Callable[..., Warehouse]


@pytest.fixture
def clients() -> list[clickhouse.Client]:
    return []


@pytest.fixture
def open_server(engines: Engines, clients: list[clickhouse.Client], monkeypatch: pytest.MonkeyPatch) -> Open:
    path = engines.new("clickhouse")["path"]
    for name, module in clickhouse.modules(path, clients).items():
        monkeypatch.setitem(sys.modules, name, module)

    def opened(**settings: Any) -> Warehouse:
        output = ClickHouse.model_validate(
            {"type": "clickhouse", "host": "h", "password": "tops3cret", **settings}
        )
        return connect(
            Profile.model_validate(
                {"name": "p", "target": "prod", "output": output, "target_schema": "steelyard"}
            )
        )

    return opened


def test_a_server_gives_back_what_it_was_given(open_server: Open, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text('user_id,at,note\nu1,2026-04-01 09:00:00,"it\'s ""so"""\nu2,,\n')
    with open_server() as warehouse:
        assert warehouse.is_exclusive is False
        ensure_tables(warehouse, "steelyard")
        for effect in (1.0, 2.0):
            row = {
                "metric": "m",
                "metric_version": 1,
                "variant": "b",
                "hypothesis": "superiority",
                "as_of": DAY,
            }
            tables = {
                "results": [{**row, "effect": effect}],
                "decisions": [{"variant": "b", "decision": "ship"}],
            }
            publish_experiment(warehouse, "steelyard", experiment_id="e", as_of=DAY, tables=tables)
            assert warehouse.query("select effect from steelyard.results").values == [(effect,)]
        for _ in range(2):
            assert warehouse.load_file("events", tmp_path / "events.csv") == 2
        found = warehouse.query("select user_id, at, note from events order by user_id").values
        assert found == [("u1", datetime(2026, 4, 1, 9), 'it\'s "so"'), ("u2", None, None)]
        warehouse.create_temporary("doubled", "select 2 as n")
        moment = datetime(2026, 4, 1, 9, tzinfo=UTC)
        assert warehouse.query("select n, ? as at from doubled", [moment]).values == [(2, moment)]
        warehouse.drop_temporaries()


def test_a_server_is_asked_in_a_session_of_its_own_that_outlasts_its_statements(
    open_server: Open, clients: list[clickhouse.Client]
) -> None:
    with open_server(user="steelyard", secure=True, port=8443, statement_timeout_seconds=600):
        (client,) = clients
    assert client.given == {
        "host": "h",
        "port": 8443,
        "username": "steelyard",
        "password": "tops3cret",
        "database": "default",
        "secure": True,
        "verify": True,
        "client_name": "steelyard",
        "autogenerate_session_id": True,
        "send_receive_timeout": 630,
        "settings": {"session_timeout": 3600, "log_comment": "steelyard"},
    }


def test_an_error_of_a_server_says_what_is_wrong_and_what_to_do(open_server: Open) -> None:
    with open_server() as warehouse:
        with pytest.raises(WarehouseError, match="Unknown table expression identifier 'nope'") as raised:
            warehouse.query("select * from nope")
        assert raised.value.hint.startswith("check the name")
        assert "version" not in str(raised.value)


def test_a_wrong_password_is_told_without_it(open_server: Open) -> None:
    with pytest.raises(WarehouseError) as raised:
        open_server(password="wrong")
    assert str(raised.value) == (
        "target prod: ClickHouse does not let this user in\n  hint: check user and password in profiles.yml"
    )


def test_a_server_without_its_driver_and_the_native_interface_are_refused(
    open_server: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WarehouseError, match="through native yet\n  hint: set driver: http and the port"):
        open_server(driver="native")
    monkeypatch.setitem(sys.modules, "clickhouse_connect", None)
    with pytest.raises(
        WarehouseError, match=r"the driver clickhouse_connect is not installed\n.*\[clickhouse\]"
    ):
        open_server()
