/* logged assignments: one row per experiment, unit, variant and whatever says who logged it */
SELECT
  experiments.experiment_no,
  CAST(log.unit AS VARCHAR) AS unit,
  CAST(log.variant AS VARCHAR) AS variant,
  COALESCE(CAST(log.client AS VARCHAR), '') AS client,
  COALESCE(CAST(log.app_version AS VARCHAR), '') AS app_version,
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
            CAST(CAST(CONVERT_TIMEZONE('UTC', log.signed_up) AS TIMESTAMPNTZ) AS TIMESTAMPNTZ) < CAST('2026-03-29 16:00:00' AS TIMESTAMPNTZ),
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
  COALESCE(MIN(CAST(log.ruleset_version AS VARCHAR)), '') AS ruleset_version,
  COUNT(*) AS n,
  MIN(CAST(CONVERT_TIMEZONE('UTC', log.exposed_at) AS TIMESTAMPNTZ)) AS first_at
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
JOIN (VALUES
  (
    1,
    'button',
    CAST('2026-03-31 16:00:00' AS TIMESTAMPNTZ),
    CAST('2026-04-06 16:00:00' AS TIMESTAMPNTZ)
  ),
  (
    2,
    'banner',
    CAST('2026-03-31 16:00:00' AS TIMESTAMPNTZ),
    CAST('2026-04-06 16:00:00' AS TIMESTAMPNTZ)
  )) AS experiments(experiment_no, experiment_id, starts_at, ends_at)
  ON CAST(log.experiment_id AS VARCHAR) = experiments.experiment_id
WHERE
  (
    log.exposed_at >= CAST('2026-03-31 16:00:00+00:00' AS TIMESTAMPTZ)
    AND log.exposed_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMPTZ)
  )
  AND CAST(CONVERT_TIMEZONE('UTC', log.exposed_at) AS TIMESTAMPNTZ) >= experiments.starts_at
  AND CAST(CONVERT_TIMEZONE('UTC', log.exposed_at) AS TIMESTAMPNTZ) < experiments.ends_at
GROUP BY
  experiments.experiment_no,
  CAST(log.unit AS VARCHAR),
  CAST(log.variant AS VARCHAR),
  COALESCE(CAST(log.client AS VARCHAR), ''),
  COALESCE(CAST(log.app_version AS VARCHAR), '')
