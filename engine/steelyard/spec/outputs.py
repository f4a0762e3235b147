"""The outputs of a profile: what each kind of warehouse needs for a connection, in dbt's words.

Settings that may be secret are `SecretStr`: masked wherever they are printed or dumped, and read with
``get_secret_value()`` where the connection is made.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from steelyard.errors import SpecError
from steelyard.spec.inference import ColumnName
from steelyard.spec.model import Spec, parsed_by, problem


def _parse_count(value: Any) -> int:
    """Accept the text that ``env_var`` gives, too."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpecError("not a whole number")
    return value


def _parse_flag(value: Any) -> bool:
    flag = {"true": True, "false": False}.get(str(value).strip().lower())
    if flag is None:
        raise SpecError("neither true nor false")
    return flag


def _parse_settings(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: str(item).lower() if isinstance(item, bool) else str(item) for name, item in value.items()}


Count = Annotated[int, parsed_by(_parse_count), Field(ge=1)]
Port = Annotated[int, parsed_by(_parse_count), Field(ge=1, le=65535)]
Switch = Annotated[bool, parsed_by(_parse_flag)]
Secret = SecretStr | None
# Any of them may be a key or a token, so all of them are masked.
Settings = Annotated[dict[str, SecretStr], BeforeValidator(_parse_settings)]


class Output(Spec):
    """What all outputs have.

    Attributes:
        target_schema: Schema of the engine's tables; None takes the project's. Written ``schema``.
        threads: Threads or connections.
        statement_timeout_seconds: After how long a statement is cancelled; None for never.
        incremental: Whether runs keep state there and continue from it, where that can be; else each is a full one.
    """

    also_written: ClassVar[Mapping[str, str]] = MappingProxyType({})

    target_schema: ColumnName | None = Field(default=None, alias="schema")
    threads: Count | None = None
    statement_timeout_seconds: Count | None = None
    incremental: Switch = True

    @model_validator(mode="before")
    @classmethod
    def _accept_other_words(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for other, key in cls.also_written.items():
            if other in value and key in value:
                raise problem(f"{other} and {key} are the same setting", at=[other], hint="keep one of them")
        return {cls.also_written.get(key, key): item for key, item in value.items()}


class DuckDB(Output):
    """An embedded database: a file, or ``:memory:``. A relative path is relative to the project."""

    type: Literal["duckdb"]
    path: str
    read_only: Switch = False
    extensions: tuple[str, ...] = ()
    settings: Settings = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _refuse_a_token(cls, value: Any) -> Any:
        if isinstance(value, dict) and "token=" in str(value.get("path")):
            hint = "leave it in the environment variable motherduck_token"
            raise problem("the path holds a token", at=["path"], hint=hint)
        return value


class Postgres(Output):
    """A PostgreSQL server."""

    also_written = MappingProxyType({"pass": "password", "database": "dbname"})

    type: Literal["postgres"]
    host: str
    port: Port = 5432
    user: str
    password: Secret = None
    dbname: str
    role: str | None = None
    search_path: str | None = None
    sslmode: str | None = None
    sslrootcert: str | None = None
    sslcert: str | None = None
    sslkey: str | None = None
    connect_timeout: Count = 10


class Redshift(Output):
    """An Amazon Redshift cluster or workgroup.

    Attributes:
        search_path: Schemas of tables that are named without one, parted by commas.
    """

    also_written = MappingProxyType({"pass": "password", "database": "dbname"})

    type: Literal["redshift"]
    method: Literal["database", "iam"] = "database"
    host: str
    port: Port = 5439
    user: str
    password: Secret = None
    dbname: str
    cluster_id: str | None = None
    region: str | None = None
    iam_profile: str | None = None
    search_path: str | None = None
    sslmode: str | None = None
    connect_timeout: Count = 10

    @model_validator(mode="after")
    def _check(self) -> "Redshift":
        if self.method == "database" and self.password is None:
            raise problem("method database needs a password", hint="or say method: iam")
        return self


class Spark(Output):
    """Apache Spark: a session that is started here (``method: session``), or a Thrift server.

    Attributes:
        path: Folder of the tables and, unless ``server_side_parameters`` name another, of the metastore.
        database: Database of tables that are named without one.
    """

    type: Literal["spark"]
    method: Literal["session", "thrift"] = "session"
    master: str = "local[*]"
    path: str | None = None
    database: ColumnName = "default"
    host: str | None = None
    port: Port = 10000
    user: str | None = None
    password: Secret = None
    server_side_parameters: Settings = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> "Spark":
        if self.method == "thrift" and self.host is None:
            raise problem("method thrift needs a host")
        return self


class ClickHouse(Output):
    """A ClickHouse server, or with ``driver: chdb`` the embedded one, whose data are in ``path``."""

    type: Literal["clickhouse"]
    driver: Literal["http", "native", "chdb"] = "http"
    host: str = "localhost"
    port: Port = 8123
    user: str = "default"
    password: Secret = None
    database: str = "default"
    path: str = ":memory:"
    secure: Switch = False
    verify: Switch = True
    custom_settings: Settings = Field(default_factory=dict)


class Snowflake(Output):
    """A Snowflake account.

    Attributes:
        private_key: PEM, or its body; an encrypted one has to be a file.
        search_path: Schema of tables that are named without one.
    """

    also_written = MappingProxyType({"pass": "password"})

    type: Literal["snowflake"]
    account: str
    user: str
    password: Secret = None
    authenticator: str | None = None
    token: Secret = None
    private_key: Secret = None
    private_key_path: str | None = None
    private_key_passphrase: Secret = None
    role: str | None = None
    warehouse: str
    database: str
    search_path: str = "public"
    query_tag: str | None = None
    client_session_keep_alive: Switch = False

    @model_validator(mode="after")
    def _check(self) -> "Snowflake":
        if self.private_key is not None and self.private_key_passphrase is not None:
            raise problem("an encrypted private_key", hint="write it to a file, and name private_key_path")
        return self


class BigQuery(Output):
    """A Google Cloud project.

    Attributes:
        keyfile_json: What a key file of a service account holds.
        search_path: Dataset of tables that are named without one; None for the engine's own.
    """

    also_written = MappingProxyType({"dataset": "schema", "database": "project"})

    type: Literal["bigquery"]
    method: Literal["oauth", "service-account", "service-account-json"] = "oauth"
    project: str
    keyfile: str | None = None
    keyfile_json: Settings = Field(default_factory=dict)
    location: str | None = None
    search_path: str | None = None
    maximum_bytes_billed: Count | None = None
    priority: Literal["interactive", "batch"] = "interactive"
    job_execution_timeout_seconds: Count | None = None

    @model_validator(mode="after")
    def _check(self) -> "BigQuery":
        if self.method == "service-account" and self.keyfile is None:
            raise problem("method service-account needs a keyfile")
        if self.method == "service-account-json" and not self.keyfile_json:
            raise problem("method service-account-json needs a keyfile_json")
        return self


class Databricks(Output):
    """A Databricks SQL warehouse or cluster.

    Attributes:
        auth_type: ``token``, or ``oauth`` of a person at a browser.
        search_path: Schema of tables that are named without one.
    """

    type: Literal["databricks"]
    auth_type: Literal["token", "oauth"] = "token"
    host: str
    http_path: str
    token: Secret = None
    catalog: str | None = None
    search_path: str = "default"

    @model_validator(mode="after")
    def _check(self) -> "Databricks":
        if self.auth_type == "token" and self.token is None:
            raise problem("auth_type token needs a token")
        return self


class Trino(Output):
    """A Trino cluster.

    Attributes:
        search_path: Schema of tables that are named without one.
    """

    also_written = MappingProxyType({"database": "catalog"})

    type: Literal["trino"]
    method: Literal["none", "ldap", "jwt"] = "none"
    host: str
    port: Port = 8080
    user: str
    password: Secret = None
    jwt_token: Secret = None
    catalog: str
    search_path: str = "default"
    http_scheme: Literal["http", "https"] = "http"

    @model_validator(mode="after")
    def _check(self) -> "Trino":
        if self.method == "ldap" and self.password is None:
            raise problem("method ldap needs a password")
        if self.method == "jwt" and self.jwt_token is None:
            raise problem("method jwt needs a jwt_token")
        if self.method != "none" and self.http_scheme == "http":
            raise problem(
                f"method {self.method} would send its secret unencrypted", hint="say http_scheme: https"
            )
        return self


OUTPUTS: Mapping[str, type[Output]] = MappingProxyType(
    {
        "duckdb": DuckDB,
        "postgres": Postgres,
        "spark": Spark,
        "clickhouse": ClickHouse,
        "snowflake": Snowflake,
        "bigquery": BigQuery,
        "databricks": Databricks,
        "redshift": Redshift,
        "trino": Trino,
    }
)
