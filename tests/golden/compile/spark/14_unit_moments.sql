/* cells added up: everyone, and each dimension by itself */
WITH moments AS (
  /* moments of values that a unit has once: n, sums and cross products per cell */
  WITH capped_values AS (
    SELECT
      cell,
      CASE WHEN raw2 > CAST(3.0 AS DOUBLE) THEN CAST(3.0 AS DOUBLE) ELSE raw2 END AS v1,
      raw3 AS v2,
      raw4 AS v3,
      raw2 AS v4,
      raw5 AS v5,
      raw6 AS v6,
      raw7 AS v7
    FROM unit_values
  )
  SELECT
    cell,
    COUNT(*) AS m1,
    SUM((
      v1 - :shift_v1
    )) AS m2,
    SUM((
      v1 - :shift_v1
    ) * (
      v1 - :shift_v1
    )) AS m3,
    SUM((
      v1 - :shift_v1
    ) * (
      v2 - :shift_v2
    )) AS m4,
    SUM((
      v2 - :shift_v2
    )) AS m5,
    SUM((
      v2 - :shift_v2
    ) * (
      v2 - :shift_v2
    )) AS m6,
    SUM((
      v3 - :shift_v3
    )) AS m7,
    SUM((
      v3 - :shift_v3
    ) * (
      v3 - :shift_v3
    )) AS m8,
    SUM((
      v3 - :shift_v3
    ) * (
      v4 - :shift_v4
    )) AS m9,
    SUM((
      v4 - :shift_v4
    )) AS m10,
    SUM((
      v4 - :shift_v4
    ) * (
      v4 - :shift_v4
    )) AS m11,
    SUM((
      v5 - :shift_v5
    )) AS m12,
    SUM((
      v5 - :shift_v5
    ) * (
      v5 - :shift_v5
    )) AS m13,
    SUM((
      v7 - :shift_v7
    )) AS m14,
    SUM((
      v7 - :shift_v7
    ) * (
      v7 - :shift_v7
    )) AS m15,
    SUM((
      v7 - :shift_v7
    ) * (
      v6 - :shift_v6
    )) AS m16,
    SUM((
      v6 - :shift_v6
    )) AS m17,
    SUM((
      v6 - :shift_v6
    ) * (
      v6 - :shift_v6
    )) AS m18
  FROM capped_values
  GROUP BY
    cell
)
SELECT
  cells.experiment_no,
  cells.variant_no,
  cells.exposed_day,
  cells.closed_3d,
  cells.closed_2d_days,
  cells.dim_country,
  SUM(moments.m1) AS m1,
  SUM(moments.m2) AS m2,
  SUM(moments.m3) AS m3,
  SUM(moments.m4) AS m4,
  SUM(moments.m5) AS m5,
  SUM(moments.m6) AS m6,
  SUM(moments.m7) AS m7,
  SUM(moments.m8) AS m8,
  SUM(moments.m9) AS m9,
  SUM(moments.m10) AS m10,
  SUM(moments.m11) AS m11,
  SUM(moments.m12) AS m12,
  SUM(moments.m13) AS m13,
  SUM(moments.m14) AS m14,
  SUM(moments.m15) AS m15,
  SUM(moments.m16) AS m16,
  SUM(moments.m17) AS m17,
  SUM(moments.m18) AS m18
FROM moments
JOIN cells
  ON cells.cell = moments.cell
GROUP BY
  GROUPING SETS (
    (
      cells.experiment_no,
      cells.variant_no,
      cells.exposed_day,
      cells.closed_3d,
      cells.closed_2d_days
    ),
    (
      cells.experiment_no,
      cells.variant_no,
      cells.exposed_day,
      cells.closed_3d,
      cells.closed_2d_days,
      cells.dim_country
    )
  )
