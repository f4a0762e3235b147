/* unit values: one row per exposed unit, with what each metric needs before and after its exposure */
SELECT
  units.unit_key AS unit_key,
  intDiv(units.unit_key, 1000000000) AS cell,
  COALESCE(CAST(before_orders.p2 AS Nullable(Float64)), CAST(0.0 AS Nullable(Float64))) AS raw1,
  COALESCE(
    CAST(per_unit_orders.after_p2 AS Nullable(Float64)),
    CAST(0.0 AS Nullable(Float64))
  ) AS raw2
FROM exposed_units AS units
LEFT JOIN (
  /* the days of a unit after its exposure, added up */
  SELECT
    unit_key,
    SUM(p2) AS after_p2
  FROM unit_day_orders
  WHERE
    day > 0
  GROUP BY
    unit_key
) AS per_unit_orders
  ON per_unit_orders.unit_key = units.unit_key
LEFT JOIN unit_day_orders AS before_orders
  ON before_orders.unit_key = units.unit_key AND before_orders.day = 0
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
