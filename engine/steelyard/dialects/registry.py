"""The warehouses."""

from collections.abc import Mapping
from types import MappingProxyType

from steelyard.dialects import duckdb, postgres
from steelyard.dialects.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (duckdb.DIALECT, postgres.DIALECT)}
)
