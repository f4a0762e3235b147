/* units that counted until the last closed day and have been seen in a second variant since */
SELECT
  units.unit_key AS unit_key,
  units.unit AS unit,
  units.exposed_at AS exposed_at,
  units.exposed_day AS exposed_day
FROM "steelyard"."state_9f75794b9e6a_units" AS units
JOIN seen_units AS seen
  ON seen.unit = units.unit
  AND seen.experiment_no = intDiv(units.unit_key, 1000000000000000)
WHERE
  seen.variant_no <> seen.last_variant_no
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
