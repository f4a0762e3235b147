SELECT
  CAST(CONVERT_TIMEZONE('UTC', log.exposed_at) + INTERVAL '8' HOUR AS DATE) AS day,
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
    log.exposed_at >= CAST('2026-03-31 16:00:00+00:00' AS TIMESTAMP)
    AND log.exposed_at < CAST('2026-04-05 16:00:00+00:00' AS TIMESTAMP)
  )
  AND (
    log.exposed_at >= CAST('2026-03-27 16:00:00+00:00' AS TIMESTAMP)
    AND log.exposed_at < CAST('2026-04-05 16:00:00+00:00' AS TIMESTAMP)
  )
  AND CAST(log.experiment_id AS STRING) IN ('button', 'banner')
GROUP BY
  CAST(CONVERT_TIMEZONE('UTC', log.exposed_at) + INTERVAL '8' HOUR AS DATE)
