"""Which kind of warehouse a profile's output opens."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.bigquery import BigQueryWarehouse
from steelyard.warehouse.clickhouse import ClickHouseWarehouse
from steelyard.warehouse.databricks import DatabricksWarehouse
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse
from steelyard.warehouse.postgres import PostgresWarehouse
from steelyard.warehouse.redshift import RedshiftWarehouse
from steelyard.warehouse.retry import with_retries
from steelyard.warehouse.snowflake import SnowflakeWarehouse
from steelyard.warehouse.spark import SparkWarehouse
from steelyard.warehouse.trino import TrinoWarehouse

WAREHOUSES: Mapping[str, Callable[..., Warehouse]] = MappingProxyType(
    {
        "duckdb": DuckDBWarehouse.open,
        "postgres": PostgresWarehouse.open,
        "spark": SparkWarehouse.open,
        "clickhouse": ClickHouseWarehouse.open,
        "snowflake": SnowflakeWarehouse.open,
        "bigquery": BigQueryWarehouse.open,
        "databricks": DatabricksWarehouse.open,
        "redshift": RedshiftWarehouse.open,
        "trino": TrinoWarehouse.open,
    }
)


def connect(profile: Profile, *, wait_seconds: float = 0.0) -> Warehouse:
    """Connect to the warehouse of a profile's output.

    Args:
        profile: Profile with the output that counts.
        wait_seconds: How long to try again while another process holds a database that only one can open.

    Raises:
        WarehouseError: Its driver is not installed, or the connection fails.
    """
    kind = str(getattr(profile.output, "type", ""))
    return with_retries(lambda: WAREHOUSES[kind](profile, wait_seconds=wait_seconds))
