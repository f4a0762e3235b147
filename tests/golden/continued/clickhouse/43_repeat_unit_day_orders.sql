/* a unit's rows since the last closed day, after one row with its totals until then */
SELECT
  recent.unit_key AS unit_key,
  recent.day AS day,
  recent.p1 AS p1,
  recent.p2 AS p2
FROM recent_orders AS recent
JOIN exposed_units AS active
  ON active.unit_key = recent.unit_key
UNION ALL
SELECT
  known.unit_key AS unit_key,
  CASE WHEN known.day = 0 THEN 0 ELSE 5 END AS day,
  known.p1 AS p1,
  known.p2 AS p2
FROM "steelyard"."state_9f75794b9e6a_totals_1" AS known
JOIN exposed_units AS active
  ON active.unit_key = known.unit_key
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
