"""A fake of google-cloud-bigquery: what it was compared with is 3.47.0."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import IO, Any

from tests.support.drivers.server import Answer, Refused, Server, Session

_TYPES = {
    "VARCHAR": "STRING",
    "DOUBLE": "FLOAT",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "HUGEINT": "NUMERIC",
    "DECIMAL": "NUMERIC",
}
_FROM = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMPTZ",
}
CONFIG = frozenset(
    [
        "labels",
        "default_dataset",
        "maximum_bytes_billed",
        "priority",
        "job_timeout_ms",
        "dry_run",
        "use_query_cache",
    ]
)
LOAD = frozenset(
    [
        "schema",
        "source_format",
        "skip_leading_rows",
        "null_marker",
        "allow_quoted_newlines",
        "write_disposition",
        "labels",
    ]
)
_LISTED = re.compile(r"select table_name from `(\w+)`\.INFORMATION_SCHEMA\.TABLES")
DRY_RUN_BYTES = 12_345


class GoogleAPIError(Exception):
    """As that of google-api-core."""


class GoogleAPICallError(GoogleAPIError):
    """As that of google-api-core."""

    code: int

    def __init__(self, message: str, errors: tuple[dict[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.message, self.errors = message, list(errors)


class NotFound(GoogleAPICallError):
    """As that of google-api-core."""

    code = 404


class BadRequest(GoogleAPICallError):
    """As that of google-api-core."""

    code = 400


class ServiceUnavailable(GoogleAPICallError):
    """As that of google-api-core."""

    code = 503


class GoogleAuthError(Exception):
    """As that of google-auth."""


@dataclass
class SchemaField:
    """A column."""

    name: str
    field_type: str


class Row:
    """A row of an answer."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self._values = values

    def values(self) -> tuple[Any, ...]:
        """Return its values."""
        return self._values


class RowIterator:
    """An answer."""

    def __init__(self, answer: Answer) -> None:
        self.schema = _fields(zip(answer.names, answer.types, strict=True))
        self._rows = answer.rows

    def __iter__(self) -> Iterator[Row]:
        return iter(map(Row, self._rows))


def _fields(columns: Any) -> list[SchemaField]:
    return [SchemaField(name, _TYPES.get(kind.split("(")[0], "INTEGER")) for name, kind in columns]


@dataclass
class Job:
    """A job that has ended."""

    answer: Answer
    schema: list[SchemaField]
    total_bytes_processed: int = 0

    def result(self) -> RowIterator:
        """Return its rows."""
        return RowIterator(self.answer)


@dataclass
class LoadJob:
    """A load that has ended."""

    output_rows: int

    def result(self) -> "LoadJob":
        """Return itself."""
        return self


class Config:
    """Settings of a job; names that the real one has not are refused."""

    names = CONFIG

    def __init__(self, **given: Any) -> None:
        assert set(given) <= self.names, set(given) - self.names
        self.given = given


class LoadConfig(Config):
    """Settings of a load."""

    names = LOAD


class Client:
    """A client."""

    def __init__(
        self,
        project: str | None = None,
        credentials: Any = None,
        location: str | None = None,
        *,
        server: Server,
    ) -> None:
        server.opened.append({"project": project, "credentials": credentials, "location": location})
        self._session: Session = server.session()

    def query(self, query: str, job_config: Config) -> Job:
        """Run a query, or in a dry run say what it would be."""
        given = job_config.given
        self._session.server.jobs.append(given)
        try:
            if given.get("dry_run"):
                return Job(Answer(), _fields(self._session.described(query)), DRY_RUN_BYTES)
            if match := _LISTED.fullmatch(query):
                return Job(
                    Answer(
                        ["table_name"], ["VARCHAR"], [(n,) for n in self._session.server.tables(match[1])]
                    ),
                    [],
                )
            return Job(self._session.run(query), [])
        except Refused as refusal:
            kind = NotFound if refusal.kind in ("table", "schema") else BadRequest
            raise kind(str(refusal), ({"reason": "invalidQuery"},)) from refusal

    def get_dataset(self, dataset_ref: str) -> str:
        """Return a dataset."""
        name = dataset_ref.rsplit(".", 1)[1]
        found = self._session.duckdb.execute(
            "select 1 from information_schema.schemata where schema_name = ?", [name]
        ).fetchall()
        if not found:
            raise NotFound(f"Not found: Dataset {dataset_ref}")
        return dataset_ref

    def load_table_from_file(
        self, file_obj: IO[bytes], destination: str, *, location: str | None = None, job_config: LoadConfig
    ) -> LoadJob:
        """Load a file of CSV into a table, in place of what was there."""
        given = job_config.given
        assert (given["source_format"], given["write_disposition"]) == ("CSV", "WRITE_TRUNCATE")
        columns = {field.name: _FROM.get(field.field_type, field.field_type) for field in given["schema"]}
        _, schema, table = destination.split(".")
        self._session.duckdb.execute(
            f'create or replace table "{schema}"."{table}" as select * from read_csv(?, header = true, nullstr = ?,'
            f" columns = {columns!r})",
            [file_obj.name, given["null_marker"]],
        )
        ((count,),) = self._session.run(f"select count(*) from `{schema}`.`{table}`").rows
        return LoadJob(output_rows=count)

    def close(self) -> None:
        """End it."""
        self._session.close()


class Credentials:
    """Of a service account."""

    @classmethod
    def from_service_account_file(cls, filename: str, **_: Any) -> str:
        """Return them."""
        return f"credentials of {filename}"

    @classmethod
    def from_service_account_info(cls, info: dict[str, str], **_: Any) -> dict[str, str]:
        """Return them."""
        return info


def modules(server: Server) -> dict[str, ModuleType]:
    """Return the driver's modules."""
    names: dict[str, dict[str, Any]] = {
        "google": {},
        "google.cloud": {},
        "google.cloud.bigquery": {
            "Client": lambda **given: Client(**given, server=server),
            "QueryJobConfig": Config,
            "LoadJobConfig": LoadConfig,
            "SchemaField": SchemaField,
        },
        "google.api_core": {},
        "google.api_core.exceptions": {"GoogleAPIError": GoogleAPIError, "NotFound": NotFound},
        "google.auth": {},
        "google.auth.exceptions": {"GoogleAuthError": GoogleAuthError},
        "google.oauth2": {},
        "google.oauth2.service_account": {"Credentials": Credentials},
    }
    made = {}
    for name, given in names.items():
        made[name] = ModuleType(name)
        for key, value in given.items():
            setattr(made[name], key, value)
    return made
