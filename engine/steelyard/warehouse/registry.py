"""Which kind of warehouse a profile's output opens."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from steelyard.errors import WarehouseError
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.clickhouse import ClickHouseWarehouse
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse
from steelyard.warehouse.postgres import PostgresWarehouse
from steelyard.warehouse.retry import with_retries
from steelyard.warehouse.spark import SparkWarehouse

WAREHOUSES: Mapping[str, Callable[..., Warehouse]] = MappingProxyType(
    {
        "duckdb": DuckDBWarehouse.open,
        "postgres": PostgresWarehouse.open,
        "spark": SparkWarehouse.open,
        "clickhouse": ClickHouseWarehouse.open,
    }
)


def connect(profile: Profile, *, wait_seconds: float = 0.0) -> Warehouse:
    """Connect to the warehouse of a profile's output.

    Args:
        profile: Profile with the output that counts.
        wait_seconds: How long to try again while another process holds a database that only one can open.

    Raises:
        WarehouseError: Steelyard does not execute on this type of warehouse, or the connection fails.
    """
    kind = str(getattr(profile.output, "type", ""))
    if kind not in WAREHOUSES:
        raise WarehouseError(
            f"Steelyard does not execute on {kind} yet",
            where=f"target {profile.target}",
            hint=f"`steelyard compile --dialect {kind}` writes its SQL; runs need {' or '.join(WAREHOUSES)}",
        )
    return with_retries(lambda: WAREHOUSES[kind](profile, wait_seconds=wait_seconds))
