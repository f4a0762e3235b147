"""Amazon Redshift, through redshift_connector."""

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from steelyard.spec.outputs import Redshift
from steelyard.spec.profile import Profile
from steelyard.warehouse.driven_transactions import TransactionalWarehouse
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
from steelyard.warehouse.postgres_values import TYPE_NAMES
from steelyard.warehouse.reading import Reading, total
from steelyard.warehouse.spelling import REDSHIFT

# As svv_columns names them.
_CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "character varying": "varchar",
        "character": "varchar",
        "text": "varchar",
        "real": "float",
        "double precision": "double",
        "numeric": "decimal",
        "timestamp without time zone": "timestamp",
        "timestamp with time zone": "timestamptz",
    }
)
_SCAN = re.compile(r"XN Seq Scan on .*?rows=(\d+) width=(\d+)")


class RedshiftWarehouse(TransactionalWarehouse):
    """A Redshift cluster or workgroup."""

    dialect: ClassVar[str] = "redshift"
    # The sums of a state are one text, and soon longer than the longest that Redshift holds.
    keeps_state: ClassVar[bool] = False
    spelling = REDSHIFT
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "varchar(65535)",
            "json": "varchar(65535)",
            "number": "double precision",
            "count": "bigint",
            "flag": "boolean",
            "day": "date",
            "moment": "timestamptz",
        }
    )
    file_types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "boolean": "boolean",
            "smallint": "smallint",
            "integer": "integer",
            "bigint": "bigint",
            "decimal": "numeric",
            "double": "double precision",
            "varchar": "varchar(65535)",
            "date": "date",
            "timestamp": "timestamp",
            "timestamptz": "timestamptz",
        }
    )
    rules: ClassVar[Sequence[Rule]] = (
        Rule(
            pattern="^28|^08|connect|communication",
            hint="check host, port, user and password in profiles.yml",
        ),
        Rule(pattern="^42501|permission denied", hint=GRANT),
        Rule(pattern="^(?:42P01|3F000)", hint=f"{NAME}, and search_path", is_missing=True),
        Rule(pattern="^42703", hint=COLUMN),
        Rule(pattern="^42883", hint="Redshift has no such function for these types: cast the arguments"),
        Rule(pattern="^42804", hint=TYPES),
        Rule(pattern="^22012", message=ZERO[0], hint=ZERO[1]),
        Rule(pattern="^22003", message=LARGE[0], hint=LARGE[1]),
        Rule(pattern="^22", message=UNREADABLE[0], hint=UNREADABLE[1]),
        Rule(
            pattern="^40|serializable isolation violation|conflict with concurrent transaction",
            message=CONFLICT[0],
            hint=CONFLICT[1],
            is_transient=True,
        ),
        Rule(pattern="^57014", message=SLOW[0], hint=SLOW[1]),
        Rule(pattern="^(?:53|57P)", hint=BUSY, is_transient=True),
    )

    @classmethod
    def open(cls, profile: Profile, *, wait_seconds: float = 0.0) -> "RedshiftWarehouse":
        """Connect as a profile says.

        Args:
            profile: Its output is a Redshift.
            wait_seconds: Not used: any number of processes may connect.

        Raises:
            WarehouseError: The driver is not installed, or Redshift does not let us in.
        """
        output = profile.output
        assert isinstance(output, Redshift)
        where = f"target {profile.target}"
        module = driver("redshift_connector", extra="redshift", where=where)
        secrets = [] if output.password is None else [output.password.get_secret_value()]
        warehouse = cls(None, errors=[module.Error, OSError], where=where, secrets=secrets, scratch=None)
        warehouse._connection = warehouse._run(lambda: module.connect(**_settings(output)))
        try:
            warehouse._prepare(output)
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    def _prepare(self, output: Redshift) -> None:
        # Transactions are begun and ended by statements, so that one place says where they are.
        self._connection.autocommit = True
        # The driver keeps the time to connect as the time to answer.
        if (socket := getattr(self._connection, "_usock", None)) is not None:
            socket.settimeout(None)
        self.execute("set timezone to 'UTC'")
        # Queues of workload management and the system tables tell queries apart by it.
        self.execute("set query_group to 'steelyard'")
        if output.search_path is not None:
            names = ", ".join(quoted(name.strip()) for name in output.search_path.split(","))
            self.execute(f"set search_path to {names}")
        if output.statement_timeout_seconds is not None:
            self.execute(f"set statement_timeout to {output.statement_timeout_seconds * 1000}")

    def has_schema(self, schema: str) -> bool:
        return bool(self.query("select 1 from pg_namespace where nspname = ?", [schema]))

    def _cursor(self) -> Any:
        cursor = super()._cursor()
        # As it comes, the driver reads a percent sign as the beginning of a placeholder, parameters or none.
        cursor.paramstyle = "qmark"
        return cursor

    def _described(self, text: str) -> dict[str, str]:
        with closing(self._cursor()) as cursor:
            cursor.execute(f"select * from (\n{text}\n) as described limit 0")
            return {str(column[0]): TYPE_NAMES.get(column[1], "other") for column in cursor.description}

    def table_columns(self, table: str, schema: str | None = None) -> dict[str, str]:
        # Asking a table that is not there would end the transaction.
        in_schema = "current_schema()" if schema is None else literal(schema)
        found = self.query(
            "select column_name, data_type from svv_columns where lower(table_name) = lower(?)"
            f" and lower(table_schema) = lower({in_schema}) order by ordinal_position",
            [table],
        )
        return {name: _CANONICAL.get(kind, kind) for name, kind in found}

    def load_file(self, table: str, path: Path, schema: str | None = None) -> int:
        with self._all_or_nothing():
            self.execute(f"drop table if exists {quoted(table, schema)} cascade")
            return self._fill_from_file(table, path, schema)

    def reading(self, sql: str) -> Reading:
        found = [match.groups() for match in _SCAN.finditer(self.estimate(sql))]
        return total([Reading(rows=int(rows), size=int(rows) * int(width)) for rows, width in found])

    def _told(self, error: Exception) -> tuple[str, str]:
        told = error.args[0] if error.args else ""
        # The fields of the protocol's message: https://www.postgresql.org/docs/8.0/protocol-error-fields.html
        if isinstance(told, dict):
            return str(told.get("C", "")), str(told.get("M", ""))
        return "08000" if isinstance(error, OSError) else "", str(error)


def _settings(output: Redshift) -> dict[str, Any]:
    """Return the arguments of the driver's ``connect``."""
    given: dict[str, Any] = {
        "host": output.host,
        "port": output.port,
        "database": output.dbname,
        "timeout": output.connect_timeout,
        "sslmode": output.sslmode,
        "application_name": "steelyard",
    }
    if output.method == "iam":
        given |= {
            "iam": True,
            "db_user": output.user,
            "cluster_identifier": output.cluster_id,
            "region": output.region,
            "profile": output.iam_profile,
        }
    else:
        given |= {"user": output.user, "password": output.password and output.password.get_secret_value()}
    return {name: value for name, value in given.items() if value is not None}
