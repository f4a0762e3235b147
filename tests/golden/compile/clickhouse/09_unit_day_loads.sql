/* one row per event of an analysed unit */
SELECT
  exposed.unit_key AS unit_key,
  1 AS day,
  CAST(facts.value AS Nullable(Float64)) AS value
FROM (
  SELECT
    user_id AS unit,
    loaded_at AS event_time,
    milliseconds AS value
  FROM loads
  WHERE
    loaded_at >= CAST('2026-03-28 16:00:00' AS Nullable(DateTime64(6)))
    AND loaded_at < CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
) AS facts
JOIN exposed_units AS exposed
  ON facts.unit = exposed.unit
WHERE
  (
    facts.event_time >= exposed.exposed_at
    AND facts.event_time < CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
    AND intDiv(exposed.unit_key, 1000000000000000) IN (1)
  )
  AND isFinite(CAST(facts.value AS Nullable(Float64)))
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
