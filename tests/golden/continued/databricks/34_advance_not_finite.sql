SELECT
  unit_key DIV 1000000000000000 AS experiment_no,
  SUM(n) AS n
FROM (
  SELECT
    unit_key,
    not_finite AS n
  FROM recent_orders
  WHERE
    not_finite > 0
  UNION ALL
  SELECT
    unit_key,
    n
  FROM `steelyard`.`state_9f75794b9e6a_not_finite` AS known
  WHERE
    NOT EXISTS(
      SELECT
        1
      FROM gone_units AS gone
      WHERE
        gone.unit_key = known.unit_key
    )
  UNION ALL
  SELECT
    unit_key,
    n
  FROM not_finite_units
  WHERE
    day > 5
    AND NOT EXISTS(
      SELECT
        1
      FROM gone_units AS gone
      WHERE
        gone.unit_key = not_finite_units.unit_key
    )
) AS rows_of_units
GROUP BY
  unit_key DIV 1000000000000000
