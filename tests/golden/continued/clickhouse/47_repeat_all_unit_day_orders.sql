SELECT
  unit_key,
  CASE WHEN day = 0 THEN 0 ELSE 5 END AS day,
  p1,
  p2
FROM "steelyard"."state_9f75794b9e6a_totals_1" AS known
UNION ALL
SELECT
  unit_key,
  day,
  p1,
  p2
FROM recent_orders
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
