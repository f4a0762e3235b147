SELECT
  unit_key,
  unit
FROM entered_units
UNION ALL
SELECT
  unit_key,
  unit
FROM (
  SELECT
    *
  FROM "steelyard"."state_9f75794b9e6a_units" AS known
  WHERE
    NOT EXISTS(
      SELECT
        1
      FROM gone_units AS gone
      WHERE
        gone.unit_key = known.unit_key
    )
) AS units
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
