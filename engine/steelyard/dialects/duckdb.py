"""DuckDB: the canonical dialect, in which templates are written."""

from steelyard.dialects.dialect import Dialect

DIALECT = Dialect(name="duckdb")
