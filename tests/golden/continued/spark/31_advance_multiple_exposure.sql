SELECT
  experiment_no,
  first_row.variant_no AS first_variant_no,
  COUNT(*) AS n
FROM (
  SELECT
    *
  FROM seen_units
  UNION ALL
  SELECT
    known.*
  FROM `steelyard`.`state_9f75794b9e6a_seen` AS known
  LEFT JOIN seen_units AS now
    ON now.experiment_no = known.experiment_no AND now.unit = known.unit
  WHERE
    now.experiment_no IS NULL
) AS seen_units
WHERE
  variant_no <> last_variant_no
GROUP BY
  experiment_no,
  first_row.variant_no
