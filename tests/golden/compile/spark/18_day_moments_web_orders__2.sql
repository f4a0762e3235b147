/* cells added up: everyone, and each dimension by itself */
WITH moments AS (
  /* what each day adds to the moments: only units that are active on a day move them */
  WITH running AS (
    SELECT
      unit_key,
      day,
      ROW_NUMBER() OVER (PARTITION BY unit_key ORDER BY day NULLS LAST) AS active_day,
      SUM(p1) OVER active_days AS p1,
      SUM(p1) OVER active_days - COALESCE(p1, CAST(0.0 AS DOUBLE)) AS p1_before
    FROM unit_day_web_orders__2
    WHERE
      day > 0
    WINDOW active_days AS (
      PARTITION BY unit_key
      ORDER BY day NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    )
  ), day_values AS (
    SELECT
      running.unit_key DIV 1000000000 AS cell,
      running.day,
      running.active_day,
      COALESCE(CAST(COALESCE(running.p1, 0) AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d1,
      COALESCE(CAST(COALESCE(running.p1_before, 0) AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d2
    FROM running
  ), day_changes AS (
    SELECT
      cell,
      day,
      d1 AS v1,
      CASE WHEN active_day = 1 THEN :shift_d1 ELSE d2 END AS v2,
      CASE WHEN active_day = 1 THEN CAST(1.0 AS DOUBLE) ELSE CAST(0.0 AS DOUBLE) END AS v3
    FROM day_values
  )
  SELECT
    cell,
    day,
    SUM(v1 - v2) AS m1,
    SUM((
      v1 - v2
    ) * (
      (
        v1 - :shift_d1
      ) + (
        v2 - :shift_d1
      )
    )) AS m2,
    SUM(v3) AS m3
  FROM day_changes
  GROUP BY
    cell,
    day
)
SELECT
  cells.experiment_no,
  cells.variant_no,
  moments.day,
  cells.dim_country,
  SUM(moments.m1) AS m1,
  SUM(moments.m2) AS m2,
  SUM(moments.m3) AS m3
FROM moments
JOIN cells
  ON cells.cell = moments.cell
GROUP BY
  GROUPING SETS (
    (cells.experiment_no, cells.variant_no, moments.day),
    (cells.experiment_no, cells.variant_no, moments.day, cells.dim_country)
  )
