SELECT
  CAST(CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) + INTERVAL '8' HOUR AS DATE) AS day,
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
    log.exposed_at >= CAST('2026-03-31 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
    AND log.exposed_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
  )
  AND (
    log.exposed_at >= CAST('2026-03-29 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
    AND log.exposed_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
  )
  AND CAST(log.experiment_id AS VARCHAR) IN ('button', 'banner')
GROUP BY
  CAST(CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) + INTERVAL '8' HOUR AS DATE)
