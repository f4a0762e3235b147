/* the days of units that no longer count, as far as the state has them */
SELECT
  known.unit_key AS unit_key,
  known.day AS day,
  known.p1 AS p1,
  known.p2 AS p2
FROM "steelyard"."state_9f75794b9e6a_days_1" AS known
JOIN gone_units AS gone
  ON gone.unit_key = known.unit_key
WHERE
  known.day <= 3
UNION ALL
SELECT
  known.unit_key AS unit_key,
  known.day AS day,
  known.p1 AS p1,
  known.p2 AS p2
FROM "steelyard"."state_9f75794b9e6a_totals_1" AS known
JOIN gone_units AS gone
  ON gone.unit_key = known.unit_key
WHERE
  known.day = 0
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
