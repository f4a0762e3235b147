"""The schemes in SQL; this part needs sqlglot."""

from steelyard.hashing.sql.bucket import bucket_sql
from steelyard.hashing.sql.changes import change_text
from steelyard.hashing.sql.conformance import conformance_sql
from steelyard.hashing.sql.trees import DIALECTS
from steelyard.hashing.sql.udf import call_sql, drop_ddl, udf_ddl
from steelyard.hashing.sql.variant import variant_sql
from steelyard.hashing.sql.variant_udf import VARIANT, variant_ddl

__all__ = [
    "DIALECTS",
    "VARIANT",
    "bucket_sql",
    "call_sql",
    "change_text",
    "conformance_sql",
    "drop_ddl",
    "udf_ddl",
    "variant_ddl",
    "variant_sql",
]
