SELECT
  experiment_no,
  variant_no,
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
  variant_no = last_variant_no AND experiment_no IN (1)
GROUP BY
  experiment_no,
  variant_no
