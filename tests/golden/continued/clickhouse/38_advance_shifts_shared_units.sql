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
  JOIN (
    SELECT
      1 AS experiment_no,
      CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_before_2d_before1,
      CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_value1
    UNION ALL
    SELECT
      2 AS experiment_no,
      CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_before_2d_before1,
      CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_value1
  ) AS caps
    ON caps.experiment_no = intDiv(cell, 1000000)
  WHERE
    unit_key % 1000000000 <= 1000
)
SELECT
  AVG(CAST(v2 AS Nullable(Float64))) AS v2,
  AVG(CAST(v1 AS Nullable(Float64))) AS v1
FROM capped_values
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
