"""A fake of snowflake-connector-python: what it was compared with is 5.2.0."""

import re
from collections import namedtuple
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from urllib.parse import urlparse

from tests.support.drivers.server import Answer, Cursor, Refused, Server, Session

# Of its ConnectionConfig; whatever else is named is an error here.
CONNECT = frozenset(
    [
        *("account", "user", "password", "authenticator", "token", "role", "warehouse", "database", "schema"),
        *("private_key", "private_key_file", "private_key_file_pwd", "client_session_keep_alive"),
        *("application", "session_parameters"),
    ]
)
ResultMetadata = namedtuple(
    "ResultMetadata", "name type_code display_size internal_size precision scale is_nullable"
)
_CODES = {
    "DOUBLE": 1,
    "FLOAT": 1,
    "VARCHAR": 2,
    "DATE": 3,
    "TIMESTAMP WITH TIME ZONE": 7,
    "TIMESTAMP": 8,
    "BOOLEAN": 13,
}
_NUMBERS = {
    "table": (2003, "42S02"),
    "schema": (2003, "02000"),
    "column": (904, "42000"),
    "other": (1003, "42000"),
}
_PUT = re.compile(r"put '(file://[^']+)' (@~/\S+) auto_compress = false")
_COPY = re.compile(
    r"copy into (\S+) from (@~/\S+) file_format = \(type = parquet use_logical_type = true\)"
    " match_by_column_name = case_insensitive purge = true"
)


class Error(Exception):
    """As the driver's: a number, an SQLSTATE, and the text apart."""

    def __init__(self, msg: str = "", errno: int = -1, sqlstate: str | None = None) -> None:
        self.errno, self.sqlstate, self.raw_msg = errno, sqlstate, msg
        super().__init__(f"{errno:06d} ({sqlstate}): {msg}")


class ProgrammingError(Error):
    """As the driver's."""


class OperationalError(Error):
    """As the driver's."""


def code(kind: str) -> int:
    """Return the driver's number of a type."""
    return 0 if kind.startswith("DECIMAL") else _CODES.get(kind, 0)


def _fail(refusal: Refused) -> Exception:
    number, state = _NUMBERS[refusal.kind]
    return ProgrammingError(f"SQL compilation error:\n{refusal}", number, state)


class SnowflakeCursor(Cursor):
    """A cursor that also describes a query, and that puts files on a stage."""

    stages: ClassVar[dict[str, bytes]] = {}

    def execute(self, operation: str) -> Cursor:
        if match := _PUT.fullmatch(operation):
            self.stages[match[2]] = Path(urlparse(match[1]).path).read_bytes()
            self._answer(Answer())
            return self
        if match := _COPY.fullmatch(operation):
            self._copy(match[1], self.stages.pop(match[2]))
            return self
        return super().execute(operation)

    def _copy(self, table: str, content: bytes) -> None:
        assert content[:4] == b"PAR1"
        path = Path(self._session.server.folder) / "staged.parquet"
        path.write_bytes(content)
        self._session.duckdb.execute(f"insert into {table} by name select * from read_parquet('{path}')")
        self._answer(Answer())

    def _answer(self, answer: Answer) -> None:
        self.description, self._rows = None, iter(answer.rows)

    def describe(self, operation: str) -> list[Any]:
        """Return the columns of a query."""
        try:
            found = self._session.described(operation)
        except Refused as refusal:
            raise _fail(refusal) from refusal
        scales = [re.match(r"DECIMAL\((\d+),(\d+)\)", kind) for _, kind in found]
        return [
            ResultMetadata(name, code(kind), None, None, 38, int(scale[2]) if scale else 0, True)
            for (name, kind), scale in zip(found, scales, strict=True)
        ]


class Connection:
    """A connection.

    Attributes:
        settings: What it was opened with.
    """

    def __init__(self, server: Server, settings: Mapping[str, Any]) -> None:
        assert set(settings) <= CONNECT, set(settings) - CONNECT
        if settings.get("password") == "wrong":
            raise OperationalError("Incorrect username or password was specified: wrong", 250001, "08001")
        server.opened.append(dict(settings))
        self._session: Session = server.session()

    def cursor(self) -> SnowflakeCursor:
        """Return a cursor."""
        return SnowflakeCursor(self._session, code, _fail)

    def close(self) -> None:
        """End the session."""
        self._session.close()


def modules(server: Server) -> dict[str, ModuleType]:
    """Return the driver's modules."""
    top, connector, errors = (ModuleType(name) for name in ("snowflake", "snowflake.connector", "errors"))
    connector.connect = lambda **settings: Connection(server, settings)  # type: ignore[attr-defined]
    errors.Error = Error  # type: ignore[attr-defined]
    connector.errors = errors  # type: ignore[attr-defined]
    return {"snowflake": top, "snowflake.connector": connector}
