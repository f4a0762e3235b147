/* exposures that cannot be analysed: without a unit, of a variant that the experiment does not declare, or outside its dates */
SELECT
  experiments.experiment_no,
  CASE
    WHEN DATETIME(log.exposed_at, 'UTC') < experiments.starts_at
    THEN 'before'
    WHEN DATETIME(log.exposed_at, 'UTC') >= CAST('2026-04-05 16:00:00' AS DATETIME)
    THEN 'later'
    WHEN DATETIME(log.exposed_at, 'UTC') >= experiments.ends_at
    THEN 'after'
    ELSE 'inside'
  END AS place,
  (
    NOT log.unit IS NULL AND CAST(log.unit AS STRING) <> ''
  ) AS has_unit,
  CASE WHEN variants.variant_no IS NULL THEN CAST(log.variant AS STRING) END AS unknown_variant,
  COUNT(*) AS n,
  MAX(DATETIME(log.exposed_at, 'UTC')) AS last_exposed_at
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
JOIN (
  SELECT
    1 AS experiment_no,
    'button' AS experiment_id,
    CAST('2026-03-31 16:00:00' AS DATETIME) AS starts_at,
    CAST('2026-04-05 16:00:00' AS DATETIME) AS ends_at
  UNION ALL
  SELECT
    2 AS experiment_no,
    'banner' AS experiment_id,
    CAST('2026-03-31 16:00:00' AS DATETIME) AS starts_at,
    CAST('2026-04-05 16:00:00' AS DATETIME) AS ends_at
) AS experiments
  ON CAST(log.experiment_id AS STRING) = experiments.experiment_id
LEFT JOIN (
  SELECT
    1 AS experiment_no,
    0 AS variant_no,
    'control' AS variant
  UNION ALL
  SELECT
    1 AS experiment_no,
    1 AS variant_no,
    'treatment' AS variant
  UNION ALL
  SELECT
    2 AS experiment_no,
    0 AS variant_no,
    'control' AS variant
  UNION ALL
  SELECT
    2 AS experiment_no,
    1 AS variant_no,
    'treatment' AS variant
) AS variants
  ON variants.experiment_no = experiments.experiment_no
  AND variants.variant = CAST(log.variant AS STRING)
WHERE
  (
    log.exposed_at >= CAST('2026-04-03 16:00:00+00:00' AS TIMESTAMP)
  )
  AND (
    DATETIME(log.exposed_at, 'UTC') < experiments.starts_at
    OR DATETIME(log.exposed_at, 'UTC') >= experiments.ends_at
    OR NOT (
      NOT log.unit IS NULL AND CAST(log.unit AS STRING) <> ''
    )
    OR variants.variant_no IS NULL
  )
GROUP BY
  experiments.experiment_no,
  CASE
    WHEN DATETIME(log.exposed_at, 'UTC') < experiments.starts_at
    THEN 'before'
    WHEN DATETIME(log.exposed_at, 'UTC') >= CAST('2026-04-05 16:00:00' AS DATETIME)
    THEN 'later'
    WHEN DATETIME(log.exposed_at, 'UTC') >= experiments.ends_at
    THEN 'after'
    ELSE 'inside'
  END,
  (
    NOT log.unit IS NULL AND CAST(log.unit AS STRING) <> ''
  ),
  CASE WHEN variants.variant_no IS NULL THEN CAST(log.variant AS STRING) END
