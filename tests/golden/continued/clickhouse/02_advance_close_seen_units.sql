/* units seen since the last closed day, with what was known of them by then */
SELECT
  ranked.experiment_no AS experiment_no,
  ranked.unit AS unit,
  MIN(ranked.variant_no) AS variant_no,
  MAX(ranked.last_variant_no) AS last_variant_no,
  MIN(ranked.exposed_at) AS exposed_at,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.first_row__exposed_at END) AS first_row__exposed_at,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.first_row__variant_no END) AS first_row__variant_no,
  MAX(CASE WHEN ranked.place_1 = 1 THEN ranked.first_row__dim_country END) AS first_row__dim_country
FROM (
  SELECT
    experiment_no AS experiment_no,
    unit AS unit,
    variant_no AS variant_no,
    last_variant_no AS last_variant_no,
    exposed_at AS exposed_at,
    first_row__exposed_at AS first_row__exposed_at,
    first_row__variant_no AS first_row__variant_no,
    first_row__dim_country AS first_row__dim_country,
    ROW_NUMBER() OVER (
      PARTITION BY experiment_no, unit
      ORDER BY first_row__exposed_at, first_row__variant_no, first_row__dim_country
    ) AS place_1
  FROM (
    SELECT
      experiment_no,
      unit,
      variant_no,
      last_variant_no,
      exposed_at,
      first_row__exposed_at,
      first_row__variant_no,
      first_row__dim_country
    FROM newly_seen
    UNION ALL
    SELECT
      known.experiment_no AS experiment_no,
      known.unit AS unit,
      known.variant_no AS variant_no,
      known.last_variant_no AS last_variant_no,
      known.exposed_at AS exposed_at,
      known.first_row__exposed_at AS first_row__exposed_at,
      known.first_row__variant_no AS first_row__variant_no,
      known.first_row__dim_country AS first_row__dim_country
    FROM "steelyard"."state_9f75794b9e6a_seen" AS known
    JOIN newly_seen
      ON newly_seen.experiment_no = known.experiment_no AND newly_seen.unit = known.unit
    UNION ALL
    /* units that have not met their experiment's trigger yet */
    SELECT
      known.experiment_no AS experiment_no,
      known.unit AS unit,
      known.variant_no AS variant_no,
      known.last_variant_no AS last_variant_no,
      known.exposed_at AS exposed_at,
      known.first_row__exposed_at AS first_row__exposed_at,
      known.first_row__variant_no AS first_row__variant_no,
      known.first_row__dim_country AS first_row__dim_country
    FROM "steelyard"."state_9f75794b9e6a_seen" AS known
    LEFT JOIN "steelyard"."state_9f75794b9e6a_units" AS units
      ON units.unit = known.unit
      AND intDiv(units.unit_key, 1000000000000000) = known.experiment_no
    WHERE
      units.unit_key IS NULL
      AND known.variant_no = known.last_variant_no
      AND known.experiment_no IN (1)
  ) AS sightings
) AS ranked
GROUP BY
  ranked.experiment_no,
  ranked.unit
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
