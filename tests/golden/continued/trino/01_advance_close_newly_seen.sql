/* seen units: one row per experiment and unit, with its first exposure */
WITH logged AS (
  SELECT
    experiments.experiment_no,
    variants.variant_no,
    log.unit,
    CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) AS exposed_at,
    COALESCE(CAST(log.country AS VARCHAR), '(null)') AS dim_country
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
      CAST('2026-04-05 16:00:00' AS TIMESTAMP(6))
    ),
    (
      2,
      'banner',
      CAST('2026-03-31 16:00:00' AS TIMESTAMP(6)),
      CAST('2026-04-05 16:00:00' AS TIMESTAMP(6))
    )) AS experiments(experiment_no, experiment_id, starts_at, ends_at)
    ON CAST(log.experiment_id AS VARCHAR) = experiments.experiment_id
  JOIN (VALUES
    (1, 0, 'control'),
    (1, 1, 'treatment'),
    (2, 0, 'control'),
    (2, 1, 'treatment')) AS variants(experiment_no, variant_no, variant)
    ON variants.experiment_no = experiments.experiment_no
    AND variants.variant = CAST(log.variant AS VARCHAR)
  WHERE
    (
      NOT log.unit IS NULL AND CAST(log.unit AS VARCHAR) <> ''
    )
    AND (
      (
        log.exposed_at >= CAST('2026-03-31 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
        AND log.exposed_at < CAST('2026-04-05 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
      )
      AND (
        log.exposed_at >= CAST('2026-04-03 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
        AND log.exposed_at < CAST('2026-04-05 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
      )
    )
    AND CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) >= experiments.starts_at
    AND CAST(AT_TIMEZONE(log.exposed_at, 'UTC') AS TIMESTAMP(6)) < experiments.ends_at
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
    ROW_NUMBER() OVER (PARTITION BY experiment_no, unit ORDER BY exposed_at, variant_no, dim_country) AS place_1
  FROM logged
) AS ranked
GROUP BY
  ranked.experiment_no,
  ranked.unit
