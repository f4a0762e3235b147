SELECT
  unit
FROM audited
WHERE
  COALESCE(
    CAST(attribute AS Nullable(Float64)) >= CAST('0.5' AS Nullable(Float64))
    AND ABS(CAST(attribute AS Nullable(Float64))) <= CAST('1.7976931348623157e308' AS Nullable(Float64)),
    FALSE
  )
  AND NOT COALESCE(
    CAST(attribute AS Nullable(Float64)) IN (CAST('1.0' AS Nullable(Float64)), CAST('2.5' AS Nullable(Float64))),
    FALSE
  )
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
