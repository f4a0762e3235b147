"""A Trino cluster, through the client trino."""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import Any, ClassVar

from steelyard.spec.outputs import Trino
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
from steelyard.warehouse.reading import Reading, total
from steelyard.warehouse.spelling import TRINO

_CANONICAL: Mapping[str, str] = MappingProxyType({"char": "varchar", "real": "float", "unknown": "null"})


class TrinoWarehouse(DrivenVersionedWarehouse):
    """A Trino cluster, and in it a catalogue of tables that can be changed: Iceberg or Delta Lake.

    `DrivenVersionedWarehouse` says what publishing guarantees.
    """

    dialect: ClassVar[str] = "trino"
    spelling = TRINO
    required = view_column = ""
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "varchar",
            "json": "varchar",
            "number": "double",
            "count": "bigint",
            "flag": "boolean",
            "day": "date",
            "moment": "timestamp(6) with time zone",
        }
    )
    file_types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            # Iceberg has no smaller whole numbers.
            "boolean": "boolean",
            "smallint": "integer",
            "integer": "integer",
            "bigint": "bigint",
            "decimal": "decimal",
            "double": "double",
            "varchar": "varchar",
            "date": "date",
            "timestamp": "timestamp(6)",
            "timestamptz": "timestamp(6) with time zone",
        }
    )
    # https://github.com/trinodb/trino/blob/master/core/trino-spi/src/main/java/io/trino/spi/StandardErrorCode.java
    rules: ClassVar[Sequence[Rule]] = (
        Rule(pattern="^(?:TABLE|SCHEMA)_NOT_FOUND", hint=NAME, is_missing=True),
        Rule(pattern="^CATALOG_NOT_FOUND", hint="correct catalog in profiles.yml"),
        Rule(pattern="^PERMISSION_DENIED", hint=GRANT),
        Rule(pattern="^COLUMN_NOT_FOUND", hint=COLUMN),
        Rule(
            pattern="^FUNCTION_NOT_FOUND",
            hint="Trino has no such function for these types: cast the arguments",
        ),
        Rule(pattern="^TYPE_MISMATCH", hint=TYPES),
        Rule(pattern="^DIVISION_BY_ZERO", message=ZERO[0], hint=ZERO[1]),
        Rule(pattern="^NUMERIC_VALUE_OUT_OF_RANGE", message=LARGE[0], hint=LARGE[1]),
        Rule(
            pattern="^INVALID_(?:CAST_ARGUMENT|FUNCTION_ARGUMENT)", message=UNREADABLE[0], hint=UNREADABLE[1]
        ),
        Rule(pattern="^(?:EXCEEDED_TIME_LIMIT|USER_CANCELED)", message=SLOW[0], hint=SLOW[1]),
        Rule(
            pattern="^(?:TRANSACTION_CONFLICT|ICEBERG_COMMIT_ERROR)",
            message=CONFLICT[0],
            hint=CONFLICT[1],
            is_transient=True,
        ),
        Rule(
            pattern="^(?:SERVER_STARTING_UP|SERVER_SHUTTING_DOWN|NO_NODES_AVAILABLE|QUERY_QUEUE_FULL|PAGE_TRANSPORT_\\w+"
            "|TOO_MANY_REQUESTS_FAILED|REMOTE_\\w+|CLUSTER_OUT_OF_MEMORY|Http50[234]Error)",
            hint=BUSY,
            is_transient=True,
        ),
        Rule(
            pattern="TrinoAuthError|error 401|Authentication",
            hint="check method, user and password or jwt_token in profiles.yml",
        ),
        Rule(
            pattern="TrinoConnectionError|ConnectionError|Timeout",
            hint="check host, port and http_scheme in profiles.yml",
        ),
        Rule(
            pattern="^NOT_SUPPORTED",
            hint="name a catalog of Iceberg or Delta Lake, whose tables can be changed",
        ),
    )

    @classmethod
    def open(cls, profile: Profile, *, wait_seconds: float = 0.0) -> "TrinoWarehouse":
        """Connect as a profile says; Trino is first asked by the first statement.

        Args:
            profile: Its output is a Trino.
            wait_seconds: Not used: any number of processes may connect.

        Raises:
            WarehouseError: The client is not installed.
        """
        output = profile.output
        assert isinstance(output, Trino)
        where = f"target {profile.target}"
        module = driver("trino.dbapi", extra="trino", where=where)
        exceptions = driver("trino.exceptions", extra="trino", where=where)
        network = driver("requests.exceptions", extra="trino", where=where)
        errors = [exceptions.Error, exceptions.HttpError, network.RequestException, ValueError]
        secrets = [
            secret.get_secret_value() for secret in (output.password, output.jwt_token) if secret is not None
        ]
        scratch = f"{profile.target_schema}_scratch"
        warehouse = cls(None, errors=errors, where=where, secrets=secrets, scratch=scratch)
        settings = _settings(output, where=where)
        warehouse._connection = warehouse._run(lambda: module.connect(**settings))
        return warehouse

    def _described(self, text: str) -> dict[str, str]:
        with closing(self._cursor()) as cursor:
            cursor.execute(f"select * from (\n{text}\n) as described limit 0")
            cursor.fetchall()
            return {str(column[0]): _canonical(str(column[1])) for column in cursor.description or ()}

    def estimate(self, sql: str) -> str:
        return "\n".join(str(row[0]) for row in self._explained("explain (type distributed)", sql))

    def reading(self, sql: str) -> Reading | None:
        told = json.loads(self._explained("explain (type io, format json)", sql).values[0][0])
        tables = [scan["estimate"] for scan in told["inputTableColumnInfos"]]
        found = [(float(scan["outputRowCount"]), float(scan["outputSizeInBytes"])) for scan in tables]
        if any(not math.isfinite(number) for pair in found for number in pair):
            # A table without statistics.
            return None
        return total([Reading(rows=int(rows), size=int(size)) for rows, size in found])

    def _told(self, error: Exception) -> tuple[str, str]:
        code = str(getattr(error, "error_name", None) or type(error).__name__)
        return code, str(getattr(error, "message", None) or error)


def _settings(output: Trino, *, where: str) -> dict[str, Any]:
    """Return the arguments of the client's ``connect``."""
    session = {}
    if output.statement_timeout_seconds is not None:
        session["query_max_run_time"] = f"{output.statement_timeout_seconds}s"
    given: dict[str, Any] = {
        "host": output.host,
        "port": output.port,
        "user": output.user,
        "catalog": output.catalog,
        "schema": output.search_path,
        "http_scheme": output.http_scheme,
        "source": "steelyard",
        "client_tags": ["steelyard"],
        "session_properties": session,
        "timezone": "UTC",
    }
    if output.method != "none":
        auth = driver("trino.auth", extra="trino", where=where)
        if output.method == "ldap":
            password = "" if output.password is None else output.password.get_secret_value()
            given["auth"] = auth.BasicAuthentication(output.user, password)
        else:
            token = "" if output.jwt_token is None else output.jwt_token.get_secret_value()
            given["auth"] = auth.JWTAuthentication(token)
    return given


def _canonical(kind: str) -> str:
    name = kind.split("(", maxsplit=1)[0].strip()
    if name == "timestamp":
        return "timestamptz" if kind.endswith("with time zone") else "timestamp"
    if name == "timestamp with time zone":
        return "timestamptz"
    return _CANONICAL.get(name, name)
