"""The variants of a project's experiments as one function of the warehouse."""

from collections.abc import Sequence
from types import MappingProxyType

from sqlglot import exp

from steelyard.errors import CompileError
from steelyard.hashing.assignment import Assignment, BucketSet
from steelyard.hashing.sql.bucket import bucket_sql
from steelyard.hashing.sql.trees import tree
from steelyard.hashing.sql.udf import argument, full_name
from steelyard.hashing.sql.variant import variant_sql

VARIANT = "steelyard_variant"
_SPARK = "CREATE OR REPLACE FUNCTION {name}(experiment STRING, unit STRING) RETURNS STRING\nRETURN {body}"

TEMPLATES = MappingProxyType(
    {
        "duckdb": "CREATE OR REPLACE MACRO {name}(experiment, unit) AS (\n  {body}\n)",
        "postgres": "CREATE OR REPLACE FUNCTION {name}(experiment TEXT, unit TEXT) RETURNS TEXT\n"
        "LANGUAGE SQL IMMUTABLE PARALLEL SAFE AS $steelyard$\n  SELECT {body}\n$steelyard$",
        "spark": _SPARK,
        "databricks": _SPARK,
        "clickhouse": "CREATE OR REPLACE FUNCTION {name} AS (experiment, unit) -> {body}",
        "snowflake": "CREATE OR REPLACE FUNCTION {name}(experiment VARCHAR, unit VARCHAR) RETURNS VARCHAR\n"
        "IMMUTABLE AS $$\n  {body}\n$$",
        "bigquery": "CREATE OR REPLACE FUNCTION {name}(experiment STRING, unit STRING) RETURNS STRING AS (\n"
        "  {body}\n)",
        "redshift": "CREATE OR REPLACE FUNCTION {name}(VARCHAR(MAX), VARCHAR(MAX)) RETURNS VARCHAR(MAX)\n"
        "IMMUTABLE AS $$\n  SELECT {body}\n$$ LANGUAGE SQL",
        "trino": "CREATE OR REPLACE FUNCTION {name}(experiment VARCHAR, unit VARCHAR) RETURNS VARCHAR\n"
        "RETURN {body}",
    }
)


def variant_ddl(
    assignments: Sequence[Assignment], dialect: str, *, schema: str = "", name: str = VARIANT
) -> str:
    """The statement that creates ``name(experiment, unit)`` in a warehouse.

    Args:
        assignments: The experiments that it knows; for others it is NULL.
        dialect: One of `DIALECTS`.
        schema: Where the function goes; ClickHouse's functions belong to no schema.
        name: The function's name.

    Raises:
        CompileError: There is no experiment, or the warehouse cannot say the scheme of one.
    """
    if not assignments:
        raise CompileError("no experiment assigns units", hint="select one that is no draft")
    if dialect not in TEMPLATES:
        raise CompileError(f"no hash SQL for dialect {dialect!r}", hint=f"one of {', '.join(TEMPLATES)}")
    experiment, unit = (argument(dialect, place, word) for place, word in enumerate(("experiment", "unit")))
    case = exp.Case()
    for one in assignments:
        is_it = exp.EQ(this=experiment.copy(), expression=exp.Literal.string(one.experiment))
        case = case.when(is_it, _variant(one, dialect, unit), copy=False)
    body = case.sql(dialect)
    return TEMPLATES[dialect].format(name=full_name(dialect, schema, name), body=body)


def _variant(one: Assignment, dialect: str, unit: exp.Expr) -> exp.Expr:
    try:
        bucket = bucket_sql(one.scheme, dialect, one.salt, unit)
        conditions = [
            *(_is_in(part, dialect, unit) for part in one.inside),
            *(exp.Not(this=_is_in(part, dialect, unit)) for part in one.outside),
        ]
    except CompileError as error:
        raise CompileError(error.args[0], where=f"experiment {one.experiment}", hint=error.hint) from error
    variant = _of_bucket(one, dialect, bucket)
    if not conditions:
        return variant
    return exp.Case(ifs=[exp.If(this=exp.and_(*conditions, copy=False), true=variant)])


def _of_bucket(one: Assignment, dialect: str, bucket: exp.Expr) -> exp.Expr:
    """The variant, with the bucket computed once where the warehouse would compute it for every cut."""
    if dialect == "duckdb":
        case = variant_sql(exp.column("b_"), one.variants, one.cuts).sql(dialect)
        return tree(dialect, f"list_transform([x_], lambda b_: {case})[1]", x=bucket)
    if dialect == "postgres":
        once = exp.select(bucket.as_("b_")).offset(0).subquery("hashed")
        return exp.select(variant_sql(exp.column("b_"), one.variants, one.cuts)).from_(once).subquery()
    return variant_sql(bucket, one.variants, one.cuts)


def _is_in(part: BucketSet, dialect: str, unit: exp.Expr) -> exp.Expr:
    members = sorted(set(part.members))
    if not members:
        return exp.false()
    bucket = bucket_sql(part.scheme, dialect, part.salt, unit, part.buckets)
    if members == list(range(members[0], members[-1] + 1)):
        low, high = exp.Literal.number(members[0]), exp.Literal.number(members[-1])
        return exp.Between(this=bucket, low=low, high=high)
    return exp.In(this=bucket, expressions=[exp.Literal.number(number) for number in members])
