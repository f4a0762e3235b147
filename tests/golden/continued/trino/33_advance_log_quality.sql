/* exposures that cannot be analysed: without a unit, of a variant that the experiment does not declare, or outside its dates */
SELECT
  experiments.experiment_no,
  CASE
    WHEN CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) < experiments.starts_at
    THEN 'before'
    WHEN CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) >= CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
    THEN 'later'
    WHEN CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) >= experiments.ends_at
    THEN 'after'
    ELSE 'inside'
  END AS place,
  (
    NOT log.unit IS NULL AND CAST(log.unit AS VARCHAR) <> ''
  ) AS has_unit,
  CASE WHEN variants.variant_no IS NULL THEN CAST(log.variant AS VARCHAR) END AS unknown_variant,
  COUNT(*) AS n,
  MAX(CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6))) AS last_exposed_at
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
JOIN (VALUES
  (
    1,
    'button',
    CAST('2026-03-31 16:00:00' AS TIMESTAMP(6)),
    CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
  ),
  (
    2,
    'banner',
    CAST('2026-03-31 16:00:00' AS TIMESTAMP(6)),
    CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
  )) AS experiments(experiment_no, experiment_id, starts_at, ends_at)
  ON CAST(log.experiment_id AS VARCHAR) = experiments.experiment_id
LEFT JOIN (VALUES
  (1, 0, 'control'),
  (1, 1, 'treatment'),
  (2, 0, 'control'),
  (2, 1, 'treatment')) AS variants(experiment_no, variant_no, variant)
  ON variants.experiment_no = experiments.experiment_no
  AND variants.variant = CAST(log.variant AS VARCHAR)
WHERE
  (
    log.exposed_at >= CAST('2026-04-05 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
  )
  AND (
    CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) < experiments.starts_at
    OR CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) >= experiments.ends_at
    OR NOT (
      NOT log.unit IS NULL AND CAST(log.unit AS VARCHAR) <> ''
    )
    OR variants.variant_no IS NULL
  )
GROUP BY
  experiments.experiment_no,
  CASE
    WHEN CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) < experiments.starts_at
    THEN 'before'
    WHEN CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) >= CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
    THEN 'later'
    WHEN CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) >= experiments.ends_at
    THEN 'after'
    ELSE 'inside'
  END,
  (
    NOT log.unit IS NULL AND CAST(log.unit AS VARCHAR) <> ''
  ),
  CASE WHEN variants.variant_no IS NULL THEN CAST(log.variant AS VARCHAR) END
