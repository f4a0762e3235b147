"""A fake of redshift_connector: what it was compared with is 2.2.0."""

import re
from types import ModuleType
from typing import Any

from tests.support.drivers.server import Cursor, Refused, Server

_OIDS = {
    "BOOLEAN": 16,
    "BIGINT": 20,
    "INTEGER": 23,
    "DOUBLE": 701,
    "VARCHAR": 1043,
    "DATE": 1082,
    "TIMESTAMP": 1114,
    "TIMESTAMP WITH TIME ZONE": 1184,
    "HUGEINT": 1700,
}
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_STATES = {"table": "42P01", "schema": "3F000", "column": "42703", "other": "42601"}
# As Redshift shows the columns of every table: DuckDB's own names of types in PostgreSQL's words.
_COLUMNS = """create view main.svv_columns as
select table_schema, table_name, column_name, ordinal_position, case data_type
  when 'VARCHAR' then 'character varying' when 'DOUBLE' then 'double precision'
  when 'TIMESTAMP' then 'timestamp without time zone' when 'TIMESTAMP WITH TIME ZONE' then 'timestamp with time zone'
  else lower(data_type) end as data_type
from information_schema.columns"""


class Error(Exception):
    """As the driver's."""


class ProgrammingError(Error):
    """As the driver's: the fields of the protocol's message by their letters."""


def _fail(refusal: Refused) -> Exception:
    return ProgrammingError({"S": "ERROR", "C": _STATES[refusal.kind], "M": str(refusal)})


class RedshiftCursor(Cursor):
    """A cursor; settings of the session are kept and change nothing.

    Attributes:
        paramstyle: As the driver reads placeholders, whether there are parameters or not.
    """

    paramstyle = "format"

    def execute(self, operation: str) -> Cursor:
        plain = _QUOTED.sub("", operation)
        if ("%" if self.paramstyle == "format" else "?") in plain:
            raise Error("Only %s and %% are supported in the query.")
        if operation.startswith("set "):
            self._session.server.sent.append(operation)
            self.description = None
            return self
        return super().execute(operation)


class Connection:
    """A connection; without ``autocommit`` the driver begins transactions itself, which is refused here."""

    def __init__(self, server: Server) -> None:
        self._session = server.session()
        self.autocommit = False

    def cursor(self) -> Cursor:
        """Return a cursor."""
        assert self.autocommit
        return RedshiftCursor(self._session, lambda kind: _OIDS.get(kind, 1700), _fail)

    def close(self) -> None:
        """End the session."""
        self._session.close()


def modules(server: Server) -> dict[str, ModuleType]:
    """Return the driver's modules."""
    server.database.execute(_COLUMNS)
    module = ModuleType("redshift_connector")

    def connect(
        user: str | None = None,
        database: str | None = None,
        password: str | None = None,
        port: int | None = None,
        host: str | None = None,
        sslmode: str | None = None,
        timeout: int | None = None,
        application_name: str | None = None,
        cluster_identifier: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        db_user: str | None = None,
        iam: bool | None = None,
    ) -> Connection:
        server.opened.append({key: value for key, value in locals().items() if key != "server"})
        return Connection(server)

    names: dict[str, Any] = {"connect": connect, "Error": Error, "ProgrammingError": ProgrammingError}
    for name, value in names.items():
        setattr(module, name, value)
    return {"redshift_connector": module}
