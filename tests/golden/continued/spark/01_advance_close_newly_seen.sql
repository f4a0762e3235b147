/* seen units: one row per experiment and unit, with its first exposure */
WITH logged AS (
  SELECT
    experiments.experiment_no,
    variants.variant_no,
    log.unit,
    CONVERT_TIMEZONE('UTC', log.exposed_at) AS exposed_at,
    COALESCE(CAST(log.country AS STRING), '(null)') AS dim_country
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
  JOIN VALUES
    (
      1,
      'button',
      CAST('2026-03-31 16:00:00' AS TIMESTAMP_NTZ),
      CAST('2026-04-05 16:00:00' AS TIMESTAMP_NTZ)
    ),
    (
      2,
      'banner',
      CAST('2026-03-31 16:00:00' AS TIMESTAMP_NTZ),
      CAST('2026-04-05 16:00:00' AS TIMESTAMP_NTZ)
    ) AS experiments(experiment_no, experiment_id, starts_at, ends_at)
    ON CAST(log.experiment_id AS STRING) = experiments.experiment_id
  JOIN VALUES
    (1, 0, 'control'),
    (1, 1, 'treatment'),
    (2, 0, 'control'),
    (2, 1, 'treatment') AS variants(experiment_no, variant_no, variant)
    ON variants.experiment_no = experiments.experiment_no
    AND variants.variant = CAST(log.variant AS STRING)
  WHERE
    (
      NOT log.unit IS NULL AND CAST(log.unit AS STRING) <> ''
    )
    AND (
      (
        log.exposed_at >= CAST('2026-03-31 16:00:00+00:00' AS TIMESTAMP)
        AND log.exposed_at < CAST('2026-04-05 16:00:00+00:00' AS TIMESTAMP)
      )
      AND (
        log.exposed_at >= CAST('2026-04-03 16:00:00+00:00' AS TIMESTAMP)
        AND log.exposed_at < CAST('2026-04-05 16:00:00+00:00' AS TIMESTAMP)
      )
    )
    AND CONVERT_TIMEZONE('UTC', log.exposed_at) >= experiments.starts_at
    AND CONVERT_TIMEZONE('UTC', log.exposed_at) < experiments.ends_at
    AND (
      experiments.experiment_no <> 2 OR log.country IN ('SG', 'MY', 'ID')
    )
)
SELECT
  experiment_no,
  unit,
  MIN(variant_no) AS variant_no,
  MAX(variant_no) AS last_variant_no,
  MIN(exposed_at) AS exposed_at,
  MIN(
    STRUCT(exposed_at AS exposed_at, variant_no AS variant_no, dim_country AS dim_country)
  ) AS first_row
FROM logged
GROUP BY
  experiment_no,
  unit
