/* units that are analysed since the last closed day, and were not before */
SELECT
  analysed.*
FROM (
  SELECT
    *
  FROM (
    /* analysed units: units of one variant, timed by their exposure */
    WITH first_seen AS (
      SELECT
        experiment_no,
        unit,
        variant_no,
        exposed_at,
        first_row__dim_country AS dim_country
      FROM seen_units
      WHERE
        variant_no = last_variant_no AND experiment_no IN (2)
    ), timed AS (
      SELECT
        experiment_no,
        unit,
        variant_no,
        exposed_at,
        dim_country
      FROM first_seen
    )
    SELECT
      *,
      CAST(exposed_at + INTERVAL '8' HOUR AS Nullable(Date32)) AS exposed_day,
      CAST((
        exposed_at + INTERVAL '2' DAY - INTERVAL '1' MICROSECOND
      ) + INTERVAL '8' HOUR AS Nullable(Date32)) AS closed_2d
    FROM timed
  ) AS part_1
  UNION ALL
  SELECT
    *
  FROM (
    /* analysed units: units of one variant, timed by their exposure and then by their trigger */
    WITH first_seen AS (
      SELECT
        experiment_no,
        unit,
        variant_no,
        exposed_at,
        first_row__dim_country AS dim_country
      FROM seen_units
      WHERE
        variant_no = last_variant_no AND experiment_no IN (1)
    ), met AS (
      /* the first trigger moment at or after the exposure; experiments without a trigger keep their exposure */
      SELECT
        first_seen.experiment_no AS experiment_no,
        first_seen.unit AS unit,
        first_seen.variant_no AS variant_no,
        first_seen.dim_country AS dim_country,
        MIN(toTimeZone(log.triggered_at, 'UTC')) AS exposed_at
      FROM first_seen
      JOIN (
        SELECT
          user_id AS unit,
          opened_at AS triggered_at
        FROM (
          SELECT
            user_id,
            opened_at
          FROM openings
        ) AS logged_rows
      ) AS log
        ON log.unit = first_seen.unit
        AND toTimeZone(log.triggered_at, 'UTC') >= first_seen.exposed_at
        AND (
          (
            log.triggered_at >= CAST('2026-04-05 16:00:00+00:00' AS Nullable(DateTime))
            AND log.triggered_at < CAST('2026-04-06 16:00:00+00:00' AS Nullable(DateTime))
          )
          AND toTimeZone(log.triggered_at, 'UTC') < CASE first_seen.experiment_no
            WHEN 1
            THEN CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
          END
        )
      GROUP BY
        first_seen.experiment_no,
        first_seen.unit,
        first_seen.variant_no,
        first_seen.dim_country
    ), timed AS (
      SELECT
        experiment_no,
        unit,
        variant_no,
        exposed_at,
        dim_country
      FROM met
    )
    SELECT
      *,
      CAST(exposed_at + INTERVAL '8' HOUR AS Nullable(Date32)) AS exposed_day,
      CAST((
        exposed_at + INTERVAL '2' DAY - INTERVAL '1' MICROSECOND
      ) + INTERVAL '8' HOUR AS Nullable(Date32)) AS closed_2d
    FROM timed
  ) AS part_2
) AS analysed
LEFT JOIN "steelyard"."state_9f75794b9e6a_units" AS units
  ON units.unit = analysed.unit
  AND intDiv(units.unit_key, 1000000000000000) = analysed.experiment_no
WHERE
  units.unit_key IS NULL
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
