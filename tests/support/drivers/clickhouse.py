"""A fake of clickhouse-connect over an embedded ClickHouse: what it was compared with is 1.12.0."""

import re
from importlib import import_module
from types import ModuleType
from typing import IO, Any

_SETTINGS = frozenset({"session_timeout", "log_comment"})


class Error(Exception):
    """As the driver's."""


class DatabaseError(Error):
    """As the driver's: what the server says with its version, and the address; its name apart in newer releases."""

    def __init__(self, text: str, name: str | None = None) -> None:
        told = f"Received ClickHouse exception, code: 0, server response: {text.strip()}"
        super().__init__(f"{told} (version 26.2.4.23 (official build)) (for url http://h:8123)")
        self.name = name


class Client:
    """A client, whose statements an embedded ClickHouse runs.

    Attributes:
        given: What it was made with.
    """

    def __init__(self, path: str, **given: Any) -> None:
        assert set(given["settings"]) <= _SETTINGS
        if given["password"] == "wrong":
            raise DatabaseError(
                "Code: 516. DB::Exception: steelyard: wrong, and so on", "AUTHENTICATION_FAILED"
            )
        self.given = given
        self._session = import_module("chdb.session").Session(path)

    def raw_query(self, query: str, fmt: str | None = None) -> bytes:
        """Run a statement; as the real one does, say the format after it."""
        text = f"{query}\n FORMAT {fmt}" if fmt else query
        try:
            found: bytes = self._session.query(text, fmt or "TabSeparated").bytes()
        except RuntimeError as error:
            raise DatabaseError(str(error)) from error
        return found

    def raw_insert(self, table: str, insert_block: IO[bytes], fmt: str) -> None:
        """Append what a file holds."""
        assert re.fullmatch(r'("\w+"\.)?"\w+"', table)
        self._session.query(f"insert into {table} select * from file('{insert_block.name}', '{fmt}')")

    def close(self) -> None:
        """End it."""
        self._session.close()


def modules(path: str, clients: list[Client]) -> dict[str, ModuleType]:
    """Return the driver's modules.

    Args:
        path: Folder of the embedded database.
        clients: What is made is appended.
    """
    top, inner = ModuleType("clickhouse_connect"), ModuleType("clickhouse_connect.driver")
    exceptions = ModuleType("clickhouse_connect.driver.exceptions")

    def get_client(
        *,
        host: str | None = None,
        username: str | None = None,
        password: str = "",
        database: str | None = None,
        port: int | None = None,
        secure: bool | str = False,
        settings: dict[str, Any] | None = None,
        verify: bool | str = True,
        client_name: str | None = None,
        autogenerate_session_id: bool | None = None,
        send_receive_timeout: int = 300,
    ) -> Client:
        given = {name: value for name, value in locals().items() if name not in ("path", "clients")}
        clients.append(Client(path, **given))
        return clients[-1]

    top.get_client = get_client  # type: ignore[attr-defined]
    exceptions.Error = Error  # type: ignore[attr-defined]
    return {module.__name__: module for module in (top, inner, exceptions)}
