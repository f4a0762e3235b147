"""Snowflake, through snowflake-connector-python."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import uuid4

from steelyard.spec.outputs import Snowflake
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
from steelyard.warehouse.duckdb_files import file_rows, to_parquet
from steelyard.warehouse.names import literal, quoted
from steelyard.warehouse.reading import Reading
from steelyard.warehouse.spelling import SNOWFLAKE
from steelyard.warehouse.tables import Column, Table

# https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api#type-codes
_TYPE_NAMES: Mapping[int, str] = MappingProxyType(
    {
        1: "double",
        2: "varchar",
        3: "date",
        4: "timestamp",
        5: "json",
        6: "timestamptz",
        7: "timestamptz",
        8: "timestamp",
        12: "time",
        13: "boolean",
    }
)
_FIXED = 0
_LONG_DIGITS = 38
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"TIMEZONE": "UTC", "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ", "AUTOCOMMIT": "true"}
)


class SnowflakeWarehouse(TransactionalWarehouse):
    """A Snowflake account.

    Names in small letters are what unquoted names are there: upper case. A transaction holds what is deleted and
    inserted; a statement that creates or changes a table ends it, as Snowflake says, so only new tables are made so.
    """

    dialect: ClassVar[str] = "snowflake"
    spelling = SNOWFLAKE
    table_comment = " comment = {}"
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "VARCHAR",
            "json": "VARCHAR",
            "number": "DOUBLE",
            "count": "BIGINT",
            "flag": "BOOLEAN",
            "day": "DATE",
            "moment": "TIMESTAMP_TZ",
        }
    )
    file_types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "boolean": "BOOLEAN",
            "smallint": "SMALLINT",
            "integer": "INTEGER",
            "bigint": "BIGINT",
            "decimal": "NUMBER",
            "double": "DOUBLE",
            "varchar": "VARCHAR",
            "date": "DATE",
            "timestamp": "TIMESTAMP_NTZ",
            "timestamptz": "TIMESTAMP_TZ",
        }
    )
    rules: ClassVar[Sequence[Rule]] = (
        Rule(pattern="^(?:29050[0234]|290429|250003) |service unavailable", hint=BUSY, is_transient=True),
        Rule(
            pattern=r"^0*390\d{3}|^0*394\d{3}|^\S+ 08001|incorrect username or password|JWT token is invalid",
            hint="check account, user and how the user proves to be it in profiles.yml",
        ),
        Rule(pattern="insufficient privileges|not authorized to perform", hint=GRANT),
        Rule(pattern="^0*606 ", hint="name a warehouse in profiles.yml, and grant usage on it"),
        Rule(
            pattern="^0*(?:2003|2043) ",
            hint=f"{NAME}; a role that may not see it is told the same",
            is_missing=True,
        ),
        Rule(pattern="^0*904 ", hint=f"{COLUMN}; names in double quotes keep their case"),
        Rule(pattern="^0*2140 ", hint="Snowflake has no such function"),
        Rule(pattern="^0*100051 |division by zero", message=ZERO[0], hint=ZERO[1]),
        Rule(pattern="^0*1000(?:35|38|40|46|69|78) ", message=UNREADABLE[0], hint=UNREADABLE[1]),
        Rule(pattern="^0*100132 |out of representable range", message=LARGE[0], hint=LARGE[1]),
        Rule(pattern="^0*(?:604|630) ", message=SLOW[0], hint=SLOW[1]),
        Rule(
            pattern="^0*(?:625|626|8004) |statement aborted because the number of waiters|deadlock",
            message=CONFLICT[0],
            hint=CONFLICT[1],
            is_transient=True,
        ),
        Rule(pattern="^0*(?:2051|1038|2016) |comparison of", hint=TYPES),
    )

    @classmethod
    def open(cls, profile: Profile, *, wait_seconds: float = 0.0) -> "SnowflakeWarehouse":
        """Connect as a profile says.

        Args:
            profile: Its output is a Snowflake.
            wait_seconds: Not used: any number of processes may connect.

        Raises:
            WarehouseError: The driver is not installed, or Snowflake does not let us in.
        """
        output = profile.output
        assert isinstance(output, Snowflake)
        where = f"target {profile.target}"
        module = driver("snowflake.connector", extra="snowflake", where=where)
        secrets = [
            secret.get_secret_value()
            for secret in (output.password, output.token, output.private_key, output.private_key_passphrase)
            if secret is not None
        ]
        # The role owns the engine's schema; it may make no table in that of the tables it reads.
        scratch = profile.target_schema
        warehouse = cls(None, errors=[module.errors.Error], where=where, secrets=secrets, scratch=scratch)
        warehouse._connection = warehouse._run(lambda: module.connect(**_settings(output)))
        return warehouse

    def has_schema(self, schema: str) -> bool:
        name = self.spelling.identifier(schema)[1:-1]
        return bool(self.query("select 1 from information_schema.schemata where schema_name = ?", [name]))

    def table_names(self, schema: str) -> list[str]:
        name = self.spelling.identifier(schema)[1:-1]
        found = self.query("select table_name from information_schema.tables where table_schema = ?", [name])
        return [self.spelling.heard(str(name)) for (name,) in found]

    def _described(self, text: str) -> dict[str, str]:
        with closing(self._cursor()) as cursor:
            return {column.name: _canonical(column) for column in cursor.describe(text)}

    def table_statements(self, table: Table, schema: str) -> Iterator[str]:
        lines = [self._declared(column) for column in table.columns]
        lines.append(f"primary key ({', '.join(map(quoted, table.keys))})")
        comment = self.table_comment.format(self.spelling.literal(table.comment))
        yield (
            f"create table if not exists {quoted(table.name, schema)} (\n  "
            + ",\n  ".join(lines)
            + f"\n){comment}"
        )

    def column_statements(self, table: Table, missing: Sequence[Column], schema: str) -> Iterator[str]:
        for column in missing:
            yield f"alter table {quoted(table.name, schema)} add column if not exists {self._declared(column)}"

    def _values(self) -> str:
        # What stands after VALUES in an insertion may be no expression, and a cast is one.
        return "select * from values"

    def load_file(self, table: str, path: Path, schema: str | None = None) -> int:
        target, incoming = quoted(table, schema), quoted(f"{table}__incoming", schema)
        # A folder of the user's own stage, which nobody else sees.
        stage = f"@~/steelyard/{uuid4().hex}"
        with TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.parquet"
            to_parquet(path, rows)
            with file_rows(path) as (kinds, _):
                described = ", ".join(
                    f"{quoted(name)} {self._type_of(kind, path)}" for name, kind in kinds.items()
                )
            self.execute(f"create or replace table {incoming} ({described})")
            try:
                self.execute(f"put {literal(f'file://{rows}')} {stage} auto_compress = false")
                self.execute(
                    f"copy into {incoming} from {stage} file_format = (type = parquet use_logical_type = true)"
                    " match_by_column_name = case_insensitive purge = true"
                )
                self.execute(f"create or replace table {target} as select * from {incoming}")
            finally:
                self.execute(f"drop table if exists {incoming}")
        return int(self.query(f"select count(*) from {target}").values[0][0])

    def estimate(self, sql: str) -> str:
        return "\n".join(str(row[0]) for row in self._explained("explain using text", sql))

    def reading(self, sql: str) -> Reading:
        plan = json.loads(self._explained("explain using json", sql).values[0][0])
        return Reading(rows=None, size=int(plan["GlobalStats"]["bytesAssigned"]))

    def _told(self, error: Exception) -> tuple[str, str]:
        sentence = " ".join(str(getattr(error, "raw_msg", None) or error).split())
        sentence = sentence.removeprefix("SQL compilation error: ")
        return f"{getattr(error, 'errno', None) or ''} {getattr(error, 'sqlstate', None) or ''}", sentence


def _settings(output: Snowflake) -> dict[str, Any]:
    """Return the arguments of the driver's ``connect``."""
    session = {**_SETTINGS, "QUERY_TAG": output.query_tag or "steelyard"}
    if output.statement_timeout_seconds is not None:
        session["STATEMENT_TIMEOUT_IN_SECONDS"] = str(output.statement_timeout_seconds)
    given: dict[str, Any] = {
        "account": output.account,
        "user": output.user,
        "password": output.password and output.password.get_secret_value(),
        "authenticator": output.authenticator,
        "token": output.token and output.token.get_secret_value(),
        "private_key": output.private_key and _key(output.private_key.get_secret_value()),
        "private_key_file": output.private_key_path,
        "private_key_file_pwd": output.private_key_passphrase
        and output.private_key_passphrase.get_secret_value(),
        "role": output.role,
        "warehouse": output.warehouse,
        "database": output.database,
        "schema": output.search_path,
        "client_session_keep_alive": output.client_session_keep_alive,
        "application": "steelyard",
        "session_parameters": session,
    }
    return {name: value for name, value in given.items() if value is not None}


def _canonical(column: Any) -> str:
    if column.type_code == _FIXED:
        if column.scale:
            return "decimal"
        return "hugeint" if (column.precision or 0) > _LONG_DIGITS else "bigint"
    return _TYPE_NAMES.get(column.type_code, "other")


def _key(text: str) -> str:
    """Return a private key as the driver takes it: DER in base 64, which is the body of a PEM."""
    return "".join(line.strip() for line in text.splitlines() if not line.startswith("-----"))
