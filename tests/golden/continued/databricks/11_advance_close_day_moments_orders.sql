/* cells added up: everyone, and each dimension by itself */
WITH moments AS (
  /* what each day adds to the moments: only units that are active on a day move them */
  WITH running AS (
    SELECT
      unit_key,
      day,
      ROW_NUMBER() OVER (PARTITION BY unit_key ORDER BY day NULLS LAST) AS active_day,
      SUM(p1) OVER active_days AS p1,
      SUM(p1) OVER active_days - COALESCE(p1, CAST(0.0 AS DOUBLE)) AS p1_before,
      SUM(p2) OVER active_days AS p2,
      SUM(p2) OVER active_days - COALESCE(p2, CAST(0.0 AS DOUBLE)) AS p2_before
    FROM unit_day_orders
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
      COALESCE(CAST(running.p2 AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d1,
      COALESCE(CAST(running.p2_before AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d2,
      unit_values.raw2 AS d3
    FROM running
    JOIN unit_values
      ON unit_values.unit_key = running.unit_key
  ), day_changes AS (
    SELECT
      cell,
      day,
      CASE
        WHEN d3 > caps.upper_cap_spend_1_before_2d_before1
        THEN caps.upper_cap_spend_1_before_2d_before1
        ELSE d3
      END AS v1,
      CASE
        WHEN d1 > caps.upper_cap_spend_1_value1
        THEN caps.upper_cap_spend_1_value1
        ELSE d1
      END AS v2,
      CASE
        WHEN active_day = 1
        THEN CAST(74.44091033935547 AS DOUBLE)
        ELSE CASE
          WHEN d2 > caps.upper_cap_spend_1_value1
          THEN caps.upper_cap_spend_1_value1
          ELSE d2
        END
      END AS v3,
      CASE WHEN active_day = 1 THEN CAST(1.0 AS DOUBLE) ELSE CAST(0.0 AS DOUBLE) END AS v4,
      d1 AS v5,
      CASE WHEN active_day = 1 THEN CAST(630.3545532226562 AS DOUBLE) ELSE d2 END AS v6,
      CASE
        WHEN d1 > caps.upper_cap_spend_1_capped_at_98__value1
        THEN caps.upper_cap_spend_1_capped_at_98__value1
        ELSE d1
      END AS v7,
      CASE
        WHEN active_day = 1
        THEN CAST(74.44091033935547 AS DOUBLE)
        ELSE CASE
          WHEN d2 > caps.upper_cap_spend_1_capped_at_98__value1
          THEN caps.upper_cap_spend_1_capped_at_98__value1
          ELSE d2
        END
      END AS v8,
      CASE
        WHEN d1 > caps.upper_cap_spend_1_capped_at_99_5__value1
        THEN caps.upper_cap_spend_1_capped_at_99_5__value1
        ELSE d1
      END AS v9,
      CASE
        WHEN active_day = 1
        THEN CAST(74.44091033935547 AS DOUBLE)
        ELSE CASE
          WHEN d2 > caps.upper_cap_spend_1_capped_at_99_5__value1
          THEN caps.upper_cap_spend_1_capped_at_99_5__value1
          ELSE d2
        END
      END AS v10
    FROM day_values
    /* percentile caps: each experiment has its own */
    JOIN VALUES
      (
        1,
        CAST(CAST(90.5 AS DOUBLE) AS DOUBLE),
        CAST(CAST(90.5 AS DOUBLE) AS DOUBLE),
        CAST(CAST(90.5 AS DOUBLE) AS DOUBLE),
        CAST(CAST(90.5 AS DOUBLE) AS DOUBLE)
      ),
      (
        2,
        CAST(CAST(90.5 AS DOUBLE) AS DOUBLE),
        CAST(CAST(90.5 AS DOUBLE) AS DOUBLE),
        CAST(CAST(90.5 AS DOUBLE) AS DOUBLE),
        CAST(CAST(90.5 AS DOUBLE) AS DOUBLE)
      ) AS caps(experiment_no, upper_cap_spend_1_before_2d_before1, upper_cap_spend_1_capped_at_98__value1, upper_cap_spend_1_capped_at_99_5__value1, upper_cap_spend_1_value1)
      ON caps.experiment_no = cell DIV 1000000
  )
  SELECT
    cell,
    day,
    SUM(v2 - v3) AS m1,
    SUM(
      (
        v2 - v3
      ) * (
        (
          v2 - CAST(74.44091033935547 AS DOUBLE)
        ) + (
          v3 - CAST(74.44091033935547 AS DOUBLE)
        )
      )
    ) AS m2,
    SUM((
      v2 - v3
    ) * (
      v1 - CAST(69.96818542480469 AS DOUBLE)
    )) AS m3,
    SUM(v4 * (
      v1 - CAST(69.96818542480469 AS DOUBLE)
    )) AS m4,
    SUM(v4) AS m5,
    SUM(v5 - v6) AS m6,
    SUM(
      (
        v5 - v6
      ) * (
        (
          v5 - CAST(630.3545532226562 AS DOUBLE)
        ) + (
          v6 - CAST(630.3545532226562 AS DOUBLE)
        )
      )
    ) AS m7,
    SUM((
      v5 - v6
    ) * (
      v1 - CAST(69.96818542480469 AS DOUBLE)
    )) AS m8,
    SUM(v7 - v8) AS m9,
    SUM(
      (
        v7 - v8
      ) * (
        (
          v7 - CAST(74.44091033935547 AS DOUBLE)
        ) + (
          v8 - CAST(74.44091033935547 AS DOUBLE)
        )
      )
    ) AS m10,
    SUM((
      v7 - v8
    ) * (
      v1 - CAST(69.96818542480469 AS DOUBLE)
    )) AS m11,
    SUM(v9 - v10) AS m12,
    SUM(
      (
        v9 - v10
      ) * (
        (
          v9 - CAST(74.44091033935547 AS DOUBLE)
        ) + (
          v10 - CAST(74.44091033935547 AS DOUBLE)
        )
      )
    ) AS m13,
    SUM((
      v9 - v10
    ) * (
      v1 - CAST(69.96818542480469 AS DOUBLE)
    )) AS m14
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
  SUM(moments.m14) AS m14
FROM moments
JOIN cells
  ON cells.cell = moments.cell
GROUP BY
  GROUPING SETS (
    (cells.experiment_no, cells.variant_no, moments.day),
    (cells.experiment_no, cells.variant_no, moments.day, cells.dim_country)
  )
