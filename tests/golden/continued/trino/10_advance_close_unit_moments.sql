/* cells added up: everyone, and each dimension by itself */
WITH moments AS (
  /* moments of values that a unit has once: n, sums and cross products per cell */
  WITH capped_values AS (
    SELECT
      cell,
      raw1 AS v1,
      CASE
        WHEN raw2 > caps.upper_cap_spend_1_before_2d_before1
        THEN caps.upper_cap_spend_1_before_2d_before1
        ELSE raw2
      END AS v2
    FROM unit_values
    /* percentile caps: each experiment has its own */
    JOIN (VALUES
      (1, CAST(CAST(90.5 AS DOUBLE) AS DOUBLE)),
      (2, CAST(CAST(90.5 AS DOUBLE) AS DOUBLE))) AS caps(experiment_no, upper_cap_spend_1_before_2d_before1)
      ON caps.experiment_no = cell / 1000000
  )
  SELECT
    cell,
    COUNT(*) AS m1,
    SUM((
      v1 - CAST(1.600000023841858 AS DOUBLE)
    )) AS m2,
    SUM(
      (
        v1 - CAST(1.600000023841858 AS DOUBLE)
      ) * (
        v1 - CAST(1.600000023841858 AS DOUBLE)
      )
    ) AS m3,
    SUM((
      v2 - CAST(69.96818542480469 AS DOUBLE)
    )) AS m4,
    SUM(
      (
        v2 - CAST(69.96818542480469 AS DOUBLE)
      ) * (
        v2 - CAST(69.96818542480469 AS DOUBLE)
      )
    ) AS m5
  FROM capped_values
  GROUP BY
    cell
)
SELECT
  cells.experiment_no,
  cells.variant_no,
  cells.exposed_day,
  cells.closed_2d,
  cells.dim_country,
  SUM(moments.m1) AS m1,
  SUM(moments.m2) AS m2,
  SUM(moments.m3) AS m3,
  SUM(moments.m4) AS m4,
  SUM(moments.m5) AS m5
FROM moments
JOIN cells
  ON cells.cell = moments.cell
GROUP BY
  GROUPING SETS (
    (cells.experiment_no, cells.variant_no, cells.exposed_day, cells.closed_2d),
    (
      cells.experiment_no,
      cells.variant_no,
      cells.exposed_day,
      cells.closed_2d,
      cells.dim_country
    )
  )
