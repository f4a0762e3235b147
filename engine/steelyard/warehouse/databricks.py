"""A Databricks SQL warehouse, through databricks-sql-connector."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from steelyard.spec.outputs import Databricks
from steelyard.spec.profile import Profile
from steelyard.warehouse.driven_versions import DrivenVersionedWarehouse
from steelyard.warehouse.driver_errors import (
    BUSY,
    COLUMN,
    CONFLICT,
    GRANT,
    LARGE,
    NAME,
    SLOW,
    TYPES,
    UNREADABLE,
    ZERO,
    Rule,
    driver,
)
from steelyard.warehouse.names import literal, quoted
from steelyard.warehouse.spelling import DATABRICKS

_CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "string": "varchar",
        "char": "varchar",
        "int": "integer",
        "timestamp": "timestamptz",
        "timestamp_ntz": "timestamp",
        "void": "null",
    }
)
_CONDITION = re.compile(r"\[([A-Z0-9_.]+)\]")


class DatabricksWarehouse(DrivenVersionedWarehouse):
    """A Databricks SQL warehouse. `DrivenVersionedWarehouse` says what publishing guarantees."""

    dialect: ClassVar[str] = "databricks"
    spelling = DATABRICKS
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "STRING",
            "json": "STRING",
            "number": "DOUBLE",
            "count": "BIGINT",
            "flag": "BOOLEAN",
            "day": "DATE",
            "moment": "TIMESTAMP",
        }
    )
    file_types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "boolean": "BOOLEAN",
            "smallint": "SMALLINT",
            "integer": "INT",
            "bigint": "BIGINT",
            "decimal": "DECIMAL",
            "double": "DOUBLE",
            "varchar": "STRING",
            "date": "DATE",
            "timestamp": "TIMESTAMP_NTZ",
            "timestamptz": "TIMESTAMP",
        }
    )
    # https://docs.databricks.com/en/error-messages/error-classes.html
    rules: ClassVar[Sequence[Rule]] = (
        Rule(pattern="^(?:TABLE_OR_VIEW|SCHEMA)_NOT_FOUND", hint=NAME, is_missing=True),
        Rule(
            pattern="^(?:INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED)|does not have .* privilege", hint=GRANT
        ),
        Rule(pattern="^UNRESOLVED_COLUMN", hint=COLUMN),
        Rule(pattern="^UNRESOLVED_ROUTINE", hint="Databricks has no such function"),
        Rule(pattern="^DATATYPE_MISMATCH", hint=TYPES),
        Rule(pattern="^DIVIDE_BY_ZERO", message=ZERO[0], hint=ZERO[1]),
        Rule(pattern="^(?:ARITHMETIC_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE)", message=LARGE[0], hint=LARGE[1]),
        Rule(pattern="^(?:CAST_INVALID_INPUT|CANNOT_PARSE)", message=UNREADABLE[0], hint=UNREADABLE[1]),
        Rule(
            pattern="^DELTA_CONCURRENT|Concurrent\\w+Exception",
            message=CONFLICT[0],
            hint=CONFLICT[1],
            is_transient=True,
        ),
        Rule(pattern="timed? ?out|cancel", message=SLOW[0], hint=SLOW[1]),
        Rule(
            pattern="TEMPORARILY_UNAVAILABLE|HTTP (?:429|503)|MaxRetryDuration", hint=BUSY, is_transient=True
        ),
        Rule(
            pattern="invalid access token|HTTP 40[13]|authenticat",
            hint="check host, http_path and token in profiles.yml",
        ),
    )

    @classmethod
    def open(cls, profile: Profile, *, wait_seconds: float = 0.0) -> "DatabricksWarehouse":
        """Connect as a profile says.

        Args:
            profile: Its output is a Databricks.
            wait_seconds: Not used: any number of processes may connect.

        Raises:
            WarehouseError: The driver is not installed, or Databricks does not let us in.
        """
        output = profile.output
        assert isinstance(output, Databricks)
        where = f"target {profile.target}"
        module = driver("databricks.sql", extra="databricks", where=where)
        errors = driver("databricks.sql.exc", extra="databricks", where=where)
        secrets = [] if output.token is None else [output.token.get_secret_value()]
        scratch = f"{profile.target_schema}_scratch"
        warehouse = cls(None, errors=[errors.Error, OSError], where=where, secrets=secrets, scratch=scratch)
        warehouse._connection = warehouse._run(lambda: module.connect(**_settings(output)))
        return warehouse

    def _described(self, text: str) -> dict[str, str]:
        found = {name: kind.split("(")[0] for name, kind, *_ in self._fetch(f"describe query {text}")}
        return {name: _CANONICAL.get(kind, kind) for name, kind in found.items()}

    def has_schema(self, schema: str) -> bool:
        return bool(self.query(f"show schemas like {literal(schema)}"))

    def table_names(self, schema: str) -> list[str]:
        return [str(row["tableName"]) for row in self.query(f"show tables in {quoted(schema)}").dicts()]

    def estimate(self, sql: str) -> str:
        return "\n".join(str(row[0]) for row in self._explained("explain formatted", sql))

    def _told(self, error: Exception) -> tuple[str, str]:
        sentence = str(getattr(error, "message", None) or error)
        condition = _CONDITION.search(sentence)
        return (condition[1] if condition else type(error).__name__), sentence


def _settings(output: Databricks) -> dict[str, Any]:
    """Return the arguments of the driver's ``connect``."""
    session = {"TIMEZONE": "UTC", "ANSI_MODE": "true"}
    if output.statement_timeout_seconds is not None:
        session["STATEMENT_TIMEOUT"] = str(output.statement_timeout_seconds)
    given: dict[str, Any] = {
        "server_hostname": output.host,
        "http_path": output.http_path,
        "access_token": output.token and output.token.get_secret_value(),
        "auth_type": "databricks-oauth" if output.auth_type == "oauth" else None,
        "catalog": output.catalog,
        "schema": output.search_path,
        "session_configuration": session,
        "query_tags": {"application": "steelyard"},
        "user_agent_entry": "steelyard",
    }
    return {name: value for name, value in given.items() if value is not None}
