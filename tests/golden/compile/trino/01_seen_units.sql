/* seen units: one row per experiment and unit, with its first exposure */
WITH logged AS (
  SELECT
    experiments.experiment_no,
    variants.variant_no,
    log.unit,
    log.exposed_at AS exposed_at,
    COALESCE(CAST(log.country AS VARCHAR), '(null)') AS dim_country,
    COALESCE(CAST(log.device AS VARCHAR), '(null)') AS dim_device
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
      CAST('2026-03-31 16:00:00' AS TIMESTAMP(6)),
      CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
    )) AS experiments(experiment_no, experiment_id, starts_at, ends_at)
    ON CAST(log.experiment_id AS VARCHAR) = experiments.experiment_id
  JOIN (VALUES
    (1, 0, 'control'),
    (1, 1, 'treatment')) AS variants(experiment_no, variant_no, variant)
    ON variants.experiment_no = experiments.experiment_no
    AND variants.variant = CAST(log.variant AS VARCHAR)
  WHERE
    (
      NOT log.unit IS NULL AND CAST(log.unit AS VARCHAR) <> ''
    )
    AND (
      log.exposed_at >= CAST('2026-03-31 16:00:00' AS TIMESTAMP(6))
      AND log.exposed_at < CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
    )
    AND log.exposed_at >= experiments.starts_at
    AND log.exposed_at < experiments.ends_at
)
SELECT
  ranked.experiment_no,
  ranked.unit,
  MIN(ranked.variant_no) AS variant_no,
  MAX(ranked.variant_no) AS last_variant_no,
  MIN(ranked.exposed_at) AS exposed_at,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.exposed_at END) AS first_row__exposed_at,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.variant_no END) AS first_row__variant_no,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.dim_country END) AS first_row__dim_country,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.dim_device END) AS first_row__dim_device
FROM (
  SELECT
    experiment_no AS experiment_no,
    unit AS unit,
    variant_no AS variant_no,
    exposed_at AS exposed_at,
    dim_country AS dim_country,
    dim_device AS dim_device,
    ROW_NUMBER() OVER (
      PARTITION BY experiment_no, unit
      ORDER BY exposed_at, variant_no, dim_country, dim_device
    ) AS place_1
  FROM logged
) AS ranked
GROUP BY
  ranked.experiment_no,
  ranked.unit
