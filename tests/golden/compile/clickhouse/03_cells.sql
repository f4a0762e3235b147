/* cells: units of one cell share experiment, variant, segments and days; a unit's key begins with its cell */
SELECT
  CAST(experiment_no AS Nullable(Int64)) * 1000000 + ROW_NUMBER() OVER (
    PARTITION BY experiment_no
    ORDER BY variant_no, dim_country, exposed_day, closed_3d, closed_2d_days
  ) AS cell,
  experiment_no,
  variant_no,
  dim_country,
  exposed_day,
  closed_3d,
  closed_2d_days,
  COUNT(*) AS n
FROM analysed_units
GROUP BY
  experiment_no,
  variant_no,
  dim_country,
  exposed_day,
  closed_3d,
  closed_2d_days
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
