"""Schemes as functions of the warehouse, for people who write SQL by hand."""

from types import MappingProxyType

from sqlglot import exp

from steelyard.errors import CompileError
from steelyard.hashing.scheme import Scheme
from steelyard.hashing.sql.bucket import bucket_sql

_SPARK = "CREATE OR REPLACE FUNCTION {name}(salt STRING, unit STRING) RETURNS BIGINT\nRETURN {body}"

TEMPLATES = MappingProxyType(
    {
        "duckdb": "CREATE OR REPLACE MACRO {name}(salt, unit) AS (\n  {body}\n)",
        "postgres": "CREATE OR REPLACE FUNCTION {name}(salt TEXT, unit TEXT) RETURNS BIGINT\n"
        "LANGUAGE SQL IMMUTABLE PARALLEL SAFE AS $$\n  SELECT {body}\n$$",
        "spark": _SPARK,
        "databricks": _SPARK,
        "clickhouse": "CREATE OR REPLACE FUNCTION {name} AS (salt, unit) -> {body}",
        "snowflake": "CREATE OR REPLACE FUNCTION {name}(salt VARCHAR, unit VARCHAR) RETURNS NUMBER\n"
        "IMMUTABLE AS $$\n  {body}\n$$",
        "bigquery": "CREATE OR REPLACE FUNCTION {name}(salt STRING, unit STRING) RETURNS INT64 AS (\n"
        "  {body}\n)",
        "redshift": "CREATE OR REPLACE FUNCTION {name}(VARCHAR(MAX), VARCHAR(MAX)) RETURNS BIGINT\n"
        "IMMUTABLE AS $$\n  SELECT {body}\n$$ LANGUAGE SQL",
        "trino": "CREATE OR REPLACE FUNCTION {name}(salt VARCHAR, unit VARCHAR) RETURNS BIGINT\n"
        "RETURN {body}",
    }
)
DROPS = MappingProxyType(
    {
        "duckdb": "DROP MACRO IF EXISTS {name}",
        "postgres": "DROP FUNCTION IF EXISTS {name}(TEXT, TEXT)",
        "spark": "DROP FUNCTION IF EXISTS {name}",
        "databricks": "DROP FUNCTION IF EXISTS {name}",
        "clickhouse": "DROP FUNCTION IF EXISTS {name}",
        "snowflake": "DROP FUNCTION IF EXISTS {name}(VARCHAR, VARCHAR)",
        "bigquery": "DROP FUNCTION IF EXISTS {name}",
        "redshift": "DROP FUNCTION {name}(VARCHAR(MAX), VARCHAR(MAX))",
        "trino": "DROP FUNCTION IF EXISTS {name}(VARCHAR, VARCHAR)",
    }
)
NUMBERED = frozenset({"redshift"})
"""Functions there know their arguments by number only."""


def udf_ddl(
    scheme: Scheme,
    dialect: str,
    *,
    schema: str = "",
    name: str = "steelyard_bucket",
    buckets: int | None = None,
) -> str:
    """The statement that creates ``name(salt, unit)`` in a warehouse.

    Args:
        scheme: The scheme; its salt must be part of the key.
        dialect: One of `DIALECTS`. Spark needs version 4 for functions in SQL.
        schema: Where the function goes; ClickHouse's functions belong to no schema.
        name: The function's name.
        buckets: Number of buckets, where it is not the scheme's own.

    Raises:
        CompileError: The warehouse cannot say the scheme.

    Examples:
        >>> from steelyard.hashing import SCHEMES
        >>> print(udf_ddl(SCHEMES["flipt"], "trino", schema="steelyard"))
        CREATE OR REPLACE FUNCTION steelyard.steelyard_bucket(salt VARCHAR, unit VARCHAR) RETURNS BIGINT
        RETURN ((CRC32(TO_UTF8(CAST(salt AS VARCHAR) || NULLIF(CAST(unit AS VARCHAR), '')))) % 1000)
    """
    if dialect not in TEMPLATES:
        raise CompileError(f"no hash SQL for dialect {dialect!r}", hint=f"one of {', '.join(TEMPLATES)}")
    salt, unit = (argument(dialect, place, word) for place, word in enumerate(("salt", "unit")))
    body = bucket_sql(scheme, dialect, salt, unit, buckets).sql(dialect)
    return TEMPLATES[dialect].format(name=full_name(dialect, schema, name), body=body)


def drop_ddl(dialect: str, *, schema: str = "", name: str = "steelyard_bucket") -> str:
    """The statement that removes the function again.

    Raises:
        CompileError: The dialect is unknown.
    """
    if dialect not in DROPS:
        raise CompileError(f"no hash SQL for dialect {dialect!r}")
    return DROPS[dialect].format(name=full_name(dialect, schema, name))


def call_sql(
    dialect: str, salt: str, unit: str | exp.Expr, *, schema: str = "", name: str = "steelyard_bucket"
) -> str:
    """A call of the function for a salt and a unit's expression."""
    column = unit if isinstance(unit, str) else unit.sql(dialect)
    arguments = f"{exp.Literal.string(salt).sql(dialect)}, {column}"
    return f"{full_name(dialect, schema, name)}({arguments})"


def argument(dialect: str, place: int, name: str) -> exp.Expr:
    """A function's argument inside its body, by its place from 0 and its name."""
    if dialect in NUMBERED:
        return exp.Var(this=f"${place + 1}")
    return exp.column(name)


def full_name(dialect: str, schema: str, name: str) -> str:
    """A function's name with its schema, where functions have one."""
    parts = [] if dialect == "clickhouse" or not schema else [exp.to_identifier(schema)]
    return ".".join(part.sql(dialect) for part in (*parts, exp.to_identifier(name)))
