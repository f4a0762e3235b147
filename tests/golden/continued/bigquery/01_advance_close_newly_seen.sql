/* seen units: one row per experiment and unit, with its first exposure */
WITH logged AS (
  SELECT
    experiments.experiment_no,
    variants.variant_no,
    log.unit,
    DATETIME(log.exposed_at, 'UTC') AS exposed_at,
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
  JOIN (
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
    AND DATETIME(log.exposed_at, 'UTC') >= experiments.starts_at
    AND DATETIME(log.exposed_at, 'UTC') < experiments.ends_at
    AND (
      experiments.experiment_no <> 2 OR log.country IN ('SG', 'MY', 'ID')
    )
)
SELECT
  ranked.experiment_no,
  ranked.unit,
  MIN(ranked.variant_no) AS variant_no,
  MAX(ranked.variant_no) AS last_variant_no,
  MIN(ranked.exposed_at) AS exposed_at,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.exposed_at END) AS first_row__exposed_at,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.variant_no END) AS first_row__variant_no,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.dim_country END) AS first_row__dim_country
FROM (
  SELECT
    experiment_no AS experiment_no,
    unit AS unit,
    variant_no AS variant_no,
    exposed_at AS exposed_at,
    dim_country AS dim_country,
    ROW_NUMBER() OVER (
      PARTITION BY experiment_no, unit
      ORDER BY exposed_at NULLS LAST, variant_no NULLS LAST, dim_country NULLS LAST
    ) AS place_1
  FROM logged
) AS ranked
GROUP BY
  ranked.experiment_no,
  ranked.unit
