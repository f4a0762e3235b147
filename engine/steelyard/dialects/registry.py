"""The warehouses."""

from collections.abc import Mapping
from types import MappingProxyType

from steelyard.dialects import (
    bigquery,
    clickhouse,
    databricks,
    duckdb,
    postgres,
    redshift,
    snowflake,
    spark,
    trino,
)
from steelyard.dialects.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            duckdb.DIALECT,
            postgres.DIALECT,
            spark.DIALECT,
            databricks.DIALECT,
            clickhouse.DIALECT,
            snowflake.DIALECT,
            bigquery.DIALECT,
            redshift.DIALECT,
            trino.DIALECT,
        )
    }
)
