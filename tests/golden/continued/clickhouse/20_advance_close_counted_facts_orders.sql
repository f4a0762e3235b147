SELECT
  CAST(facts.event_time + INTERVAL '8' HOUR AS Nullable(Date32)) AS day,
  COUNT(*) AS n
FROM (
  SELECT
    user_id AS unit,
    toTimeZone(ordered_at, 'UTC') AS event_time,
    amount AS amount
  FROM orders
  WHERE
    (
      ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS Nullable(DateTime))
      AND ordered_at < CAST('2026-04-05 16:00:00+00:00' AS Nullable(DateTime))
    )
    AND ordered_at >= CAST('2026-03-27 16:00:00+00:00' AS Nullable(DateTime))
) AS facts
GROUP BY
  CAST(facts.event_time + INTERVAL '8' HOUR AS Nullable(Date32))
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
