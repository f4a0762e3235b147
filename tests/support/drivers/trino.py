"""A fake of Trino's client: what it was compared with is 0.340.0."""

from types import ModuleType
from typing import Any

from tests.support.drivers.server import Cursor, Refused, Server

_TYPES = {
    "VARCHAR": "varchar",
    "HUGEINT": "decimal(38,0)",
    "TIMESTAMP": "timestamp(6)",
    "TIMESTAMP WITH TIME ZONE": "timestamp(6) with time zone",
}
_NAMES = {
    "table": "TABLE_NOT_FOUND",
    "schema": "SCHEMA_NOT_FOUND",
    "column": "COLUMN_NOT_FOUND",
    "other": "SYNTAX_ERROR",
}


class Error(Exception):
    """As the client's."""


class TrinoQueryError(Error):
    """As the client's: what the server says in JSON."""

    def __init__(self, error: dict[str, Any]) -> None:
        self._error = error

    @property
    def error_name(self) -> str:
        """The server's name of the error."""
        return str(self._error["errorName"])

    @property
    def message(self) -> str:
        """What the server says."""
        return str(self._error["message"])

    def __str__(self) -> str:
        return f'TrinoQueryError(name={self.error_name}, message="{self.message}")'


class HttpError(Exception):
    """As the client's."""


class Http503Error(HttpError):
    """As the client's."""


class RequestException(OSError):
    """As that of requests, which the client uses."""


def _fail(refusal: Refused) -> Exception:
    return TrinoQueryError({"errorName": _NAMES[refusal.kind], "message": str(refusal)})


class Connection:
    """A connection."""

    def __init__(self, server: Server) -> None:
        self._session = server.session()

    def cursor(self) -> Cursor:
        """Return a cursor."""
        return Cursor(self._session, lambda kind: _TYPES.get(kind, kind.lower()), _fail)

    def close(self) -> None:
        """End the session."""
        self._session.close()


class Authentication:
    """Whatever proves who a user is."""

    def __init__(self, *given: str) -> None:
        self.given = given


def modules(server: Server) -> dict[str, ModuleType]:
    """Return the client's modules."""
    dbapi, exceptions, auth = (ModuleType(f"trino.{name}") for name in ("dbapi", "exceptions", "auth"))
    network = ModuleType("requests.exceptions")

    def connect(
        host: str,
        port: int | None = None,
        user: str | None = None,
        source: str = "trino-python-client",
        catalog: str | None = None,
        schema: str | None = None,
        session_properties: dict[str, str] | None = None,
        http_scheme: str | None = None,
        auth: Any = None,
        client_tags: list[str] | None = None,
        timezone: str | None = None,
    ) -> Connection:
        server.opened.append({key: value for key, value in locals().items() if key != "server"})
        return Connection(server)

    names: dict[ModuleType, dict[str, Any]] = {
        dbapi: {"connect": connect},
        exceptions: {"Error": Error, "HttpError": HttpError, "TrinoQueryError": TrinoQueryError},
        auth: {"BasicAuthentication": Authentication, "JWTAuthentication": Authentication},
        network: {"RequestException": RequestException},
    }
    for module, given in names.items():
        for name, value in given.items():
            setattr(module, name, value)
    return {
        "trino": ModuleType("trino"),
        "requests": ModuleType("requests"),
        **{module.__name__: module for module in names},
    }
