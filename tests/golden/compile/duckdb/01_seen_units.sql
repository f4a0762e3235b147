/* seen units: one row per experiment and unit, with its first exposure */
WITH logged AS (
  SELECT
    experiments.experiment_no,
    variants.variant_no,
    log.unit,
    log.exposed_at AS exposed_at,
    COALESCE(CAST(log.country AS TEXT), '(null)') AS dim_country,
    COALESCE(CAST(log.device AS TEXT), '(null)') AS dim_device
  FROM (
    SELECT
      experiment_id AS experiment_id,
      user_id AS unit,
      variant AS variant,
      exposed_at AS exposed_at,
      country AS country,
      device AS device
    FROM (
      SELECT
        experiment_id,
        user_id,
        variant,
        exposed_at,
        country,
        "Device" AS device
      FROM "Exposures"
    ) AS logged_rows
  ) AS log
  JOIN (VALUES
    (
      1,
      'button',
      CAST('2026-03-31 16:00:00' AS TIMESTAMP),
      CAST('2026-04-06 16:00:00' AS TIMESTAMP)
    )) AS experiments(experiment_no, experiment_id, starts_at, ends_at)
    ON CAST(log.experiment_id AS TEXT) = experiments.experiment_id
  JOIN (VALUES
    (1, 0, 'control'),
    (1, 1, 'treatment')) AS variants(experiment_no, variant_no, variant)
    ON variants.experiment_no = experiments.experiment_no
    AND variants.variant = CAST(log.variant AS TEXT)
  WHERE
    (
      NOT log.unit IS NULL AND CAST(log.unit AS TEXT) <> ''
    )
    AND (
      log.exposed_at >= CAST('2026-03-31 16:00:00' AS TIMESTAMP)
      AND log.exposed_at < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
    )
    AND log.exposed_at >= experiments.starts_at
    AND log.exposed_at < experiments.ends_at
)
SELECT
  experiment_no,
  unit,
  MIN(variant_no) AS variant_no,
  MAX(variant_no) AS last_variant_no,
  MIN(exposed_at) AS exposed_at,
  MIN(
    {'exposed_at': exposed_at, 'variant_no': variant_no, 'dim_country': dim_country, 'dim_device': dim_device}
  ) AS first_row
FROM logged
GROUP BY
  experiment_no,
  unit
