"""A ClickHouse server, through clickhouse-connect: a session over HTTP with the surface of chdb's."""

from pathlib import Path
from typing import Any

from steelyard.spec.outputs import ClickHouse
from steelyard.warehouse.driver_errors import driver

# Idle seconds after which the server forgets a session and its temporary tables; its own maximum by default.
_SESSION_SECONDS = 3600
# Beyond the statement's own timeout, so that the server is the one that ends it.
_GRACE_SECONDS = 30
_PATIENCE_SECONDS = 86_400


class HttpAnswer:
    """What the server said."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def bytes(self) -> bytes:
        """Return it as it came."""
        return self._content


class HttpSession:
    """A session of its own on a server, which keeps settings and temporary tables."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def query(self, text: str, format_: str) -> HttpAnswer:
        """Run a statement; with the format Null whatever it answers is not read."""
        # A statement that answers nothing takes no FORMAT.
        answer = self._client.raw_query(text, fmt=None if format_ == "Null" else format_)
        return HttpAnswer(bytes(answer))

    def load(self, table: str, rows: Path) -> None:
        """Append the rows of a Parquet file to a table, whose name is quoted."""
        with rows.open("rb") as file:
            self._client.raw_insert(table, insert_block=file, fmt="Parquet")

    def close(self) -> None:
        """End it."""
        self._client.close()


def server_errors(*, where: str) -> tuple[type[Exception], ...]:
    """Return what the driver raises."""
    exceptions = driver("clickhouse_connect.driver.exceptions", extra="clickhouse", where=where)
    return (exceptions.Error, OSError)


def open_session(output: ClickHouse, *, where: str) -> HttpSession:
    """Connect to the server that a profile names.

    Raises:
        WarehouseError: The driver is not installed.
    """
    module = driver("clickhouse_connect", extra="clickhouse", where=where)
    seconds = output.statement_timeout_seconds
    client = module.get_client(
        host=output.host,
        port=output.port,
        username=output.user,
        password="" if output.password is None else output.password.get_secret_value(),
        database=output.database,
        secure=output.secure,
        verify=output.verify,
        client_name="steelyard",
        autogenerate_session_id=True,
        send_receive_timeout=_PATIENCE_SECONDS if seconds is None else seconds + _GRACE_SECONDS,
        settings={"session_timeout": _SESSION_SECONDS, "log_comment": "steelyard"},
    )
    return HttpSession(client)
