/* units seen since the last closed day, with what was known of them by then */
SELECT
  experiment_no,
  unit,
  MIN(variant_no) AS variant_no,
  MAX(last_variant_no) AS last_variant_no,
  MIN(exposed_at) AS exposed_at,
  MIN(first_row) AS first_row
FROM (
  SELECT
    experiment_no,
    unit,
    variant_no,
    last_variant_no,
    exposed_at,
    first_row
  FROM newly_seen
  UNION ALL
  SELECT
    known.experiment_no,
    known.unit,
    known.variant_no,
    known.last_variant_no,
    known.exposed_at,
    known.first_row
  FROM `steelyard`.`state_9f75794b9e6a_seen` AS known
  JOIN newly_seen
    ON newly_seen.experiment_no = known.experiment_no AND newly_seen.unit = known.unit
  UNION ALL
  /* units that have not met their experiment's trigger yet */
  SELECT
    known.experiment_no,
    known.unit,
    known.variant_no,
    known.last_variant_no,
    known.exposed_at,
    known.first_row
  FROM `steelyard`.`state_9f75794b9e6a_seen` AS known
  LEFT JOIN `steelyard`.`state_9f75794b9e6a_units` AS units
    ON units.unit = known.unit
    AND units.unit_key DIV 1000000000000000 = known.experiment_no
  WHERE
    units.unit_key IS NULL
    AND known.variant_no = known.last_variant_no
    AND known.experiment_no IN (1)
) AS sightings
GROUP BY
  experiment_no,
  unit
