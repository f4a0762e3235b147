/* constants near the means of the first units: moments are taken about them, so that no digits are lost */
WITH capped_values AS (
  SELECT
    cell,
    CASE
      WHEN raw1 > caps.upper_cap_spend_1_before_2d_before1
      THEN caps.upper_cap_spend_1_before_2d_before1
      ELSE raw1
    END AS v1,
    CASE
      WHEN raw2 > caps.upper_cap_spend_1_value1
      THEN caps.upper_cap_spend_1_value1
      ELSE raw2
    END AS v2
  FROM unit_values
  /* percentile caps: each experiment has its own */
  JOIN (VALUES
    (1, CAST(CAST(90.5 AS DOUBLE) AS DOUBLE), CAST(CAST(90.5 AS DOUBLE) AS DOUBLE)),
    (2, CAST(CAST(90.5 AS DOUBLE) AS DOUBLE), CAST(CAST(90.5 AS DOUBLE) AS DOUBLE))) AS caps(experiment_no, upper_cap_spend_1_before_2d_before1, upper_cap_spend_1_value1)
    ON caps.experiment_no = cell / 1000000
  WHERE
    unit_key % 1000000000 <= 1000
)
SELECT
  AVG(CAST(v2 AS DOUBLE)) AS v2,
  AVG(CAST(v1 AS DOUBLE)) AS v1
FROM capped_values
