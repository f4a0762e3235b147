/* cells added up: everyone, and each dimension by itself */
WITH moments AS (
  /* what each day adds to the moments: only units that are active on a day move them */
  WITH running AS (
    SELECT
      unit_key,
      day,
      ROW_NUMBER() OVER (PARTITION BY unit_key ORDER BY day NULLS LAST) AS active_day,
      v1 AS v1,
      LAG(v1) OVER (PARTITION BY unit_key ORDER BY day NULLS LAST) AS v1_before
    FROM unit_day_web_orders__3
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
      CASE
        WHEN ABS(CAST(running.v1 AS DOUBLE)) <= CAST('1.7976931348623157E308' AS DOUBLE)
        THEN CAST(running.v1 AS DOUBLE)
      END AS d1,
      CASE
        WHEN ABS(CAST(running.v1_before AS DOUBLE)) <= CAST('1.7976931348623157E308' AS DOUBLE)
        THEN CAST(running.v1_before AS DOUBLE)
      END AS d2
    FROM running
  ), day_changes AS (
    SELECT
      cell,
      day,
      CASE WHEN NOT d1 IS NULL THEN d1 ELSE :shift_d1 END AS v1,
      CASE
        WHEN active_day = 1
        THEN :shift_d1
        ELSE CASE WHEN NOT d2 IS NULL THEN d2 ELSE :shift_d1 END
      END AS v2,
      CASE WHEN NOT d1 IS NULL THEN CAST(1.0 AS DOUBLE) ELSE CAST(0.0 AS DOUBLE) END - CASE
        WHEN NOT (
          active_day = 1
        ) AND NOT d2 IS NULL
        THEN CAST(1.0 AS DOUBLE)
        ELSE CAST(0.0 AS DOUBLE)
      END AS v3
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
