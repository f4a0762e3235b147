"""Whether a live warehouse hashes as Python does."""

from steelyard.hashing.conformance import check_buckets
from steelyard.hashing.sql import conformance_sql
from steelyard.warehouse.base import Warehouse

SCHEMES = ("sha256", "sha256-60")


def require_conformance(warehouse: Warehouse) -> int:
    """Run the golden units through the warehouse: a bucket must be the same number there and here.

    Returns:
        How many units were compared.

    Raises:
        WarehouseError: A bucket differs; nothing that relies on the warehouse's buckets may go on.
    """
    rows = warehouse.query(conformance_sql(warehouse.dialect)).values
    for column, scheme in enumerate(SCHEMES, start=1):
        found = {int(row[0]): None if row[column] is None else int(row[column]) for row in rows}
        check_buckets(scheme, found)
    return len(rows)
