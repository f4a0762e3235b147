"""A fake of databricks-sql-connector: what it was compared with is 4.9.0."""

import re
from types import ModuleType
from typing import Any

from tests.support.drivers.server import Answer, Cursor, Refused, Server

_TYPES = {
    "VARCHAR": "string",
    "INTEGER": "int",
    "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}
_CONDITIONS = {
    "table": "TABLE_OR_VIEW_NOT_FOUND",
    "schema": "SCHEMA_NOT_FOUND",
    "column": "UNRESOLVED_COLUMN.WITH_SUGGESTION",
    "other": "PARSE_SYNTAX_ERROR",
}
_SCHEMAS = re.compile(r"show schemas like '(\w+)'")
_TABLES = re.compile(r"show tables in `(\w+)`")


class Error(Exception):
    """As the driver's."""

    def __init__(self, message: str | None = None, context: Any = None) -> None:
        super().__init__(message)
        self.message, self.context = message, context or {}


class ServerOperationError(Error):
    """As the driver's."""


def type_name(kind: str) -> str:
    """Return Databricks' name of one of DuckDB's types."""
    return "decimal(38,0)" if kind == "HUGEINT" else _TYPES.get(kind, kind.lower())


def _fail(refusal: Refused) -> Exception:
    return ServerOperationError(f"[{_CONDITIONS[refusal.kind]}] {refusal} SQLSTATE: 42P01")


class DatabricksCursor(Cursor):
    """A cursor that knows the statements of Databricks which show and describe."""

    def execute(self, operation: str) -> Cursor:
        if operation.startswith("describe query "):
            try:
                found = self._session.described(operation.removeprefix("describe query "))
            except Refused as refusal:
                raise _fail(refusal) from refusal
            return self._answer(
                ("col_name", "data_type", "comment"), [(n, type_name(t), None) for n, t in found]
            )
        if match := _SCHEMAS.fullmatch(operation):
            found = self._session.run(
                f"select distinct schema_name from information_schema.schemata where schema_name = '{match[1]}'"
            ).rows
            return self._answer(("databaseName",), found)
        if match := _TABLES.fullmatch(operation):
            names = self._session.server.tables(match[1])
            return self._answer(
                ("database", "tableName", "isTemporary"), [(match[1], name, False) for name in names]
            )
        return super().execute(operation)

    def _answer(self, names: tuple[str, ...], rows: list[Any]) -> Cursor:
        answer = Answer(list(names), ["VARCHAR"] * len(names), rows)
        self.description = [(name, "string", None, None, None, None, None) for name in answer.names]
        self._rows = iter(answer.rows)
        return self


class Connection:
    """A connection."""

    def __init__(self, server: Server) -> None:
        self._session = server.session()

    def cursor(self) -> Cursor:
        """Return a cursor."""
        return DatabricksCursor(self._session, type_name, _fail)

    def close(self) -> None:
        """End the session."""
        self._session.close()


def modules(server: Server) -> dict[str, ModuleType]:
    """Return the driver's modules."""
    top, sql, exc = (ModuleType(name) for name in ("databricks", "databricks.sql", "databricks.sql.exc"))

    def connect(
        server_hostname: str,
        http_path: str,
        access_token: str | None = None,
        *,
        session_configuration: dict[str, str] | None = None,
        catalog: str | None = None,
        schema: str | None = None,
        query_tags: dict[str, str | None] | None = None,
        auth_type: str | None = None,
        user_agent_entry: str | None = None,
    ) -> Connection:
        server.opened.append({key: value for key, value in locals().items() if key != "server"})
        return Connection(server)

    sql.connect = connect  # type: ignore[attr-defined]
    exc.Error = Error  # type: ignore[attr-defined]
    return {module.__name__: module for module in (top, sql, exc)}
