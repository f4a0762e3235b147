/* logged assignments: one row per experiment, unit, variant and whatever says who logged it */
SELECT
  experiments.experiment_no,
  CAST(log.unit AS STRING) AS unit,
  CAST(log.variant AS STRING) AS variant,
  COALESCE(CAST(log.client AS STRING), '') AS client,
  COALESCE(CAST(log.app_version AS STRING), '') AS app_version,
  MIN(
    CASE
      WHEN (
        experiments.experiment_no <> 2 OR log.country IN ('SG', 'MY', 'ID')
      )
      AND (
        experiments.experiment_no <> 1
        OR (
          COALESCE(log.country IN ('SG', 'MY'), FALSE)
          AND NOT COALESCE(log.device IN ('bot-1'), FALSE)
          AND COALESCE(
            CAST(CONVERT_TIMEZONE('UTC', log.signed_up) AS TIMESTAMP_NTZ) < CAST('2026-03-29 16:00:00' AS TIMESTAMP_NTZ),
            FALSE
          )
          AND COALESCE(
            CAST(log.age AS DOUBLE) >= CAST('18.0' AS DOUBLE)
            AND ABS(CAST(log.age AS DOUBLE)) <= CAST('1.7976931348623157e308' AS DOUBLE),
            FALSE
          )
        )
      )
      THEN 1
      ELSE 0
    END
  ) AS is_targeted,
  COALESCE(MIN(CAST(log.ruleset_version AS STRING)), '') AS ruleset_version,
  COUNT(*) AS n,
  MIN(CONVERT_TIMEZONE('UTC', log.exposed_at)) AS first_at
FROM (
  SELECT
    experiment_id AS experiment_id,
    user_id AS unit,
    variant AS variant,
    exposed_at AS exposed_at,
    country AS country,
    age AS age,
    app_version AS app_version,
    client AS client,
    device AS device,
    ruleset_version AS ruleset_version,
    signed_up AS signed_up
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
JOIN VALUES
  (
    1,
    'button',
    CAST('2026-03-31 16:00:00' AS TIMESTAMP_NTZ),
    CAST('2026-04-06 16:00:00' AS TIMESTAMP_NTZ)
  ),
  (
    2,
    'banner',
    CAST('2026-03-31 16:00:00' AS TIMESTAMP_NTZ),
    CAST('2026-04-06 16:00:00' AS TIMESTAMP_NTZ)
  ) AS experiments(experiment_no, experiment_id, starts_at, ends_at)
  ON CAST(log.experiment_id AS STRING) = experiments.experiment_id
WHERE
  (
    log.exposed_at >= CAST('2026-03-31 16:00:00+00:00' AS TIMESTAMP)
    AND log.exposed_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMP)
  )
  AND CONVERT_TIMEZONE('UTC', log.exposed_at) >= experiments.starts_at
  AND CONVERT_TIMEZONE('UTC', log.exposed_at) < experiments.ends_at
GROUP BY
  experiments.experiment_no,
  CAST(log.unit AS STRING),
  CAST(log.variant AS STRING),
  COALESCE(CAST(log.client AS STRING), ''),
  COALESCE(CAST(log.app_version AS STRING), '')
