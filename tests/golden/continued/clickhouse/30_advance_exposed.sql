SELECT
  experiment_no,
  variant_no,
  exposed_day,
  dim_country,
  SUM(n) AS n
FROM cells
WHERE
  n > 0
GROUP BY
  experiment_no,
  variant_no,
  exposed_day,
  dim_country
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
