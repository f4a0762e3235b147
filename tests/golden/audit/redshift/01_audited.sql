/* logged assignments: one row per experiment, unit, variant and whatever says who logged it */
SELECT
  experiments.experiment_no,
  CAST(log.unit AS VARCHAR(MAX)) AS unit,
  CAST(log.variant AS VARCHAR(MAX)) AS variant,
  COALESCE(CAST(log.client AS VARCHAR(MAX)), '') AS client,
  COALESCE(CAST(log.app_version AS VARCHAR(MAX)), '') AS app_version,
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
            CAST(log.signed_up AT TIME ZONE 'UTC' AS TIMESTAMP) < CAST('2026-03-29 16:00:00' AS TIMESTAMP),
            FALSE
          )
          AND COALESCE(
            CAST(log.age AS DOUBLE PRECISION) >= CAST('18.0' AS DOUBLE PRECISION)
            AND ABS(CAST(log.age AS DOUBLE PRECISION)) <= CAST('1.7976931348623157e308' AS DOUBLE PRECISION),
            FALSE
          )
        )
      )
      THEN 1
      ELSE 0
    END
  ) AS is_targeted,
  COALESCE(MIN(CAST(log.ruleset_version AS VARCHAR(MAX))), '') AS ruleset_version,
  COUNT(*) AS n,
  MIN(log.exposed_at AT TIME ZONE 'UTC') AS first_at
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
JOIN (
  SELECT
    1 AS experiment_no,
    'button' AS experiment_id,
    CAST('2026-03-31 16:00:00' AS TIMESTAMP) AS starts_at,
    CAST('2026-04-06 16:00:00' AS TIMESTAMP) AS ends_at
  UNION ALL
  SELECT
    2 AS experiment_no,
    'banner' AS experiment_id,
    CAST('2026-03-31 16:00:00' AS TIMESTAMP) AS starts_at,
    CAST('2026-04-06 16:00:00' AS TIMESTAMP) AS ends_at
) AS experiments
  ON CAST(log.experiment_id AS VARCHAR(MAX)) = experiments.experiment_id
WHERE
  (
    log.exposed_at >= CAST('2026-03-31 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
    AND log.exposed_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
  )
  AND log.exposed_at AT TIME ZONE 'UTC' >= experiments.starts_at
  AND log.exposed_at AT TIME ZONE 'UTC' < experiments.ends_at
GROUP BY
  experiments.experiment_no,
  CAST(log.unit AS VARCHAR(MAX)),
  CAST(log.variant AS VARCHAR(MAX)),
  COALESCE(CAST(log.client AS VARCHAR(MAX)), ''),
  COALESCE(CAST(log.app_version AS VARCHAR(MAX)), '')
