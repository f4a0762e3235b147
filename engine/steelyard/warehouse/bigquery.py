"""BigQuery, through google-cloud-bigquery: every statement is a job, with labels and a limit of bytes of its own."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, ClassVar

from steelyard.spec.outputs import BigQuery
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Rows
from steelyard.warehouse.driven import plain_rows
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
from steelyard.warehouse.duckdb_files import to_csv
from steelyard.warehouse.names import literal, quoted
from steelyard.warehouse.reading import Reading
from steelyard.warehouse.spelling import BIGQUERY

_CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "STRING": "varchar",
        "INTEGER": "bigint",
        "INT64": "bigint",
        "FLOAT": "double",
        "FLOAT64": "double",
        "BOOLEAN": "boolean",
        "BOOL": "boolean",
        "DATETIME": "timestamp",
        "TIMESTAMP": "timestamptz",
        "NUMERIC": "decimal",
        "BIGNUMERIC": "decimal",
    }
)
_RUN = re.compile(r"/\* steelyard: run ([\w-]+),.*?statement ([\w-]+)")
# Of a key file; its other lines name the project and the account.
_SECRET = re.compile("key|secret|token")
_NULL = "\\N"
# Scratch tables go by themselves where nobody has dropped them.
_SCRATCH_HOURS = 24


class BigQueryWarehouse(DrivenVersionedWarehouse):
    """A Google Cloud project. `DrivenVersionedWarehouse` says what publishing guarantees."""

    dialect: ClassVar[str] = "bigquery"
    spelling = BIGQUERY
    column_comment = view_column = " options(description = {})"
    table_comment = view_comment = " options(description = {})"
    scratch_options = (
        f" options(expiration_timestamp = timestamp_add(current_timestamp(), interval {_SCRATCH_HOURS} hour))"
    )
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "STRING",
            "json": "STRING",
            "number": "FLOAT64",
            "count": "INT64",
            "flag": "BOOL",
            "day": "DATE",
            "moment": "TIMESTAMP",
        }
    )
    file_types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "boolean": "BOOL",
            "smallint": "INT64",
            "integer": "INT64",
            "bigint": "INT64",
            "decimal": "NUMERIC",
            "double": "FLOAT64",
            "varchar": "STRING",
            "date": "DATE",
            "timestamp": "DATETIME",
            "timestamptz": "TIMESTAMP",
        }
    )
    rules: ClassVar[Sequence[Rule]] = (
        Rule(pattern="credentials|^401|invalid_grant", hint="check method and keyfile in profiles.yml"),
        Rule(
            pattern="rateLimitExceeded|jobRateLimitExceeded|^429|^50[0234]|backendError|jobBackendError",
            hint=BUSY,
            is_transient=True,
        ),
        Rule(
            pattern="could not serialize|concurrent update",
            message=CONFLICT[0],
            hint=CONFLICT[1],
            is_transient=True,
        ),
        Rule(
            pattern="bytesBilledLimitExceeded|exceeded limit for bytes billed",
            hint="raise maximum_bytes_billed in profiles.yml, or select fewer experiments; nothing was billed",
        ),
        Rule(pattern="accessDenied|^403", hint=GRANT),
        Rule(pattern="^404", hint=f"{NAME}, and its location", is_missing=True),
        Rule(pattern="unrecognized name|name .* not found inside", hint=COLUMN),
        Rule(pattern="function not found", hint="BigQuery has no such function"),
        Rule(pattern="no matching signature", hint=TYPES),
        Rule(pattern="division by zero", message=ZERO[0], hint=ZERO[1]),
        Rule(pattern="overflow|out of range", message=LARGE[0], hint=LARGE[1]),
        Rule(
            pattern="could not cast|bad .* value|invalid (?:date|timestamp|datetime)",
            message=UNREADABLE[0],
            hint=UNREADABLE[1],
        ),
        Rule(pattern="^408|stopped|timeout|timed out", message=SLOW[0], hint=SLOW[1]),
    )

    @classmethod
    def open(cls, profile: Profile, *, wait_seconds: float = 0.0) -> "BigQueryWarehouse":
        """Make a client as a profile says; BigQuery is first asked by the first statement.

        Args:
            profile: Its output is a BigQuery.
            wait_seconds: Not used: any number of processes may connect.

        Raises:
            WarehouseError: The driver is not installed, or the credentials cannot be read.
        """
        output = profile.output
        assert isinstance(output, BigQuery)
        where = f"target {profile.target}"
        bigquery = driver("google.cloud.bigquery", extra="bigquery", where=where)
        errors = [
            driver("google.api_core.exceptions", extra="bigquery", where=where).GoogleAPIError,
            driver("google.auth.exceptions", extra="bigquery", where=where).GoogleAuthError,
            OSError,
            ValueError,
        ]
        warehouse = cls(
            None,
            errors=errors,
            where=where,
            secrets=[text for name, text in _key_of(output).items() if _SECRET.search(name)],
            scratch=f"{profile.target_schema}_scratch",
        )
        warehouse._bigquery, warehouse._output = bigquery, output
        warehouse._dataset = f"{output.project}.{output.search_path or profile.target_schema}"
        warehouse._connection = warehouse._run(lambda: _client(bigquery, output, where=where))
        return warehouse

    _bigquery: Any
    _output: BigQuery
    _dataset: str

    def _config(self, text: str, **options: Any) -> Any:
        """Return the settings of a job: what it may cost, and labels for the accounts of the project."""
        output = self._output
        labels = {"application": "steelyard"}
        if match := _RUN.search(text):
            labels |= {"run": match[1].lower()[:63], "statement": match[2].lower()[:63]}
        seconds = output.job_execution_timeout_seconds or output.statement_timeout_seconds
        given = {
            "labels": labels,
            "default_dataset": self._dataset,
            "maximum_bytes_billed": output.maximum_bytes_billed,
            "priority": output.priority.upper(),
            "job_timeout_ms": seconds and seconds * 1000,
            **options,
        }
        return self._bigquery.QueryJobConfig(
            **{name: value for name, value in given.items() if value is not None}
        )

    def _fetch(self, text: str) -> Rows:
        found = self._connection.query(text, job_config=self._config(text)).result()
        columns = tuple(field.name for field in found.schema)
        return Rows(columns=columns, values=plain_rows([row.values() for row in found]))

    def _planned(self, text: str) -> Any:
        """Return the job that a statement would be; it reads nothing and costs nothing."""
        config = self._config(text, dry_run=True, use_query_cache=False, maximum_bytes_billed=None)
        return self._connection.query(text, job_config=config)

    def _described(self, text: str) -> dict[str, str]:
        fields = self._planned(text).schema or ()
        return {field.name: _CANONICAL.get(field.field_type, field.field_type.lower()) for field in fields}

    def estimate(self, sql: str) -> str:
        reading = self.reading(sql)
        return f"a dry run: {reading.size:,} bytes would be processed"

    def reading(self, sql: str) -> Reading:
        text = self._text(sql)
        return Reading(rows=None, size=int(self._run(lambda: self._planned(text)).total_bytes_processed or 0))

    def has_schema(self, schema: str) -> bool:
        exceptions = driver("google.api_core.exceptions", extra="bigquery", where=self._where)

        def found() -> bool:
            try:
                self._connection.get_dataset(f"{self._output.project}.{schema}")
            except exceptions.NotFound:
                return False
            return True

        return self._run(found)

    def schema_statement(self, schema: str) -> str:
        place = f" options(location = {literal(self._output.location)})" if self._output.location else ""
        return f"create schema if not exists {quoted(schema)}{place}"

    def table_names(self, schema: str) -> list[str]:
        found = self.query(f"select table_name from {quoted(schema)}.INFORMATION_SCHEMA.TABLES")
        return [str(name) for (name,) in found]

    def _fill_from_file(self, table: str, path: Path, schema: str | None) -> int:
        place = f"{self._output.project}.{schema}" if schema else self._dataset
        with TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.csv"
            kinds = to_csv(path, rows, null=_NULL)
            fields = [
                self._bigquery.SchemaField(name, self._type_of(kind, path).partition("(")[0])
                for name, kind in kinds.items()
            ]
            config = self._bigquery.LoadJobConfig(
                schema=fields,
                source_format="CSV",
                skip_leading_rows=1,
                null_marker=_NULL,
                allow_quoted_newlines=True,
                write_disposition="WRITE_TRUNCATE",
                labels={"application": "steelyard"},
            )
            with rows.open("rb") as file:
                job = self._run(
                    lambda: self._connection.load_table_from_file(
                        file, f"{place}.{table}", location=self._output.location, job_config=config
                    ).result()
                )
        return int(job.output_rows)

    def _told(self, error: Exception) -> tuple[str, str]:
        code = int(getattr(error, "code", None) or 0) or ""
        reasons = [
            str(one.get("reason", "")) for one in getattr(error, "errors", ()) or () if isinstance(one, dict)
        ]
        sentence = str(getattr(error, "message", None) or error)
        if isinstance(
            error, driver("google.auth.exceptions", extra="bigquery", where=self._where).GoogleAuthError
        ):
            code = 401
        return " ".join([str(code), *reasons]), sentence


def _client(bigquery: Any, output: BigQuery, *, where: str) -> Any:
    given: dict[str, Any] = {"project": output.project, "location": output.location}
    if output.method != "oauth":
        accounts = driver("google.oauth2.service_account", extra="bigquery", where=where).Credentials
        if output.method == "service-account":
            given["credentials"] = accounts.from_service_account_file(str(output.keyfile))
        else:
            # A key in a variable of the environment often has its ends of lines written out.
            told = {name: text.replace("\\n", "\n") for name, text in _key_of(output).items()}
            given["credentials"] = accounts.from_service_account_info(told)
    return bigquery.Client(**given)


def _key_of(output: BigQuery) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in output.keyfile_json.items()}
