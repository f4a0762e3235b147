SELECT
  CAST(toTimeZone(log.exposed_at, 'UTC') + INTERVAL '8' HOUR AS Nullable(Date32)) AS day,
  COUNT(*) AS n
FROM (
  SELECT
    experiment_id AS experiment_id,
    user_id AS unit,
    variant AS variant,
    exposed_at AS exposed_at,
    country AS country
  FROM (
    SELECT
      experiment_id,
      user_id,
      variant,
      exposed_at,
      country,
      client,
      app_version,
      device,
      signed_up,
      age,
      ruleset_version
    FROM exposures
  ) AS logged_rows
) AS log
WHERE
  (
    log.exposed_at >= CAST('2026-03-31 16:00:00+00:00' AS Nullable(DateTime))
    AND log.exposed_at < CAST('2026-04-06 16:00:00+00:00' AS Nullable(DateTime))
  )
  AND (
    log.exposed_at >= CAST('2026-03-29 16:00:00+00:00' AS Nullable(DateTime))
    AND log.exposed_at < CAST('2026-04-06 16:00:00+00:00' AS Nullable(DateTime))
  )
  AND CAST(log.experiment_id AS Nullable(String)) IN ('button', 'banner')
GROUP BY
  CAST(toTimeZone(log.exposed_at, 'UTC') + INTERVAL '8' HOUR AS Nullable(Date32))
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
