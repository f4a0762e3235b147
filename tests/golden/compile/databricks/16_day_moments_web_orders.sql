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
      SUM(p2) OVER active_days - COALESCE(p2, CAST(0.0 AS DOUBLE)) AS p2_before,
      MAX(p3) OVER active_days AS p3,
      MAX(p3) OVER (
        PARTITION BY unit_key
        ORDER BY day NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS p3_before,
      SUM(p4) OVER active_days AS p4,
      SUM(p4) OVER active_days - COALESCE(p4, CAST(0.0 AS DOUBLE)) AS p4_before,
      SUM(p5) OVER active_days AS p5,
      SUM(p5) OVER active_days - COALESCE(p5, CAST(0.0 AS DOUBLE)) AS p5_before,
      MIN(p6) OVER active_days AS p6,
      MIN(p6) OVER (
        PARTITION BY unit_key
        ORDER BY day NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS p6_before,
      MAX(p7) OVER active_days AS p7,
      MAX(p7) OVER (
        PARTITION BY unit_key
        ORDER BY day NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS p7_before,
      SUM(p8) OVER active_days AS p8,
      SUM(p8) OVER active_days - COALESCE(p8, CAST(0.0 AS DOUBLE)) AS p8_before
    FROM unit_day_web_orders
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
      COALESCE(CAST(running.p1 AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d1,
      COALESCE(CAST(running.p1_before AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d2,
      unit_values.raw2 AS d3,
      unit_values.raw3 AS d4,
      COALESCE(
        CASE
          WHEN (
            running.p3 = 1
          )
          THEN CAST(1.0 AS DOUBLE)
          WHEN NOT (
            (
              running.p3 = 1
            )
          )
          THEN CAST(0.0 AS DOUBLE)
        END,
        CAST(0.0 AS DOUBLE)
      ) AS d5,
      COALESCE(
        CASE
          WHEN (
            running.p3_before = 1
          )
          THEN CAST(1.0 AS DOUBLE)
          WHEN NOT (
            (
              running.p3_before = 1
            )
          )
          THEN CAST(0.0 AS DOUBLE)
        END,
        CAST(0.0 AS DOUBLE)
      ) AS d6,
      COALESCE(CAST(running.p4 AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d7,
      COALESCE(CAST(COALESCE(running.p2, 0) AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d8,
      COALESCE(CAST(running.p4_before AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d9,
      COALESCE(CAST(COALESCE(running.p2_before, 0) AS DOUBLE), CAST(0.0 AS DOUBLE)) AS d10,
      unit_values.raw4 AS d11,
      CASE
        WHEN ABS(CAST(running.p6 AS DOUBLE)) <= CAST('1.7976931348623157E308' AS DOUBLE)
        THEN CAST(running.p6 AS DOUBLE)
      END AS d12,
      CASE
        WHEN ABS(CAST(running.p6_before AS DOUBLE)) <= CAST('1.7976931348623157E308' AS DOUBLE)
        THEN CAST(running.p6_before AS DOUBLE)
      END AS d13,
      COALESCE(
        CASE
          WHEN ABS(CAST(running.p7 AS DOUBLE)) <= CAST('1.7976931348623157E308' AS DOUBLE)
          THEN CAST(running.p7 AS DOUBLE)
        END,
        CAST(0.0 AS DOUBLE)
      ) AS d14,
      COALESCE(
        CASE
          WHEN ABS(CAST(running.p7_before AS DOUBLE)) <= CAST('1.7976931348623157E308' AS DOUBLE)
          THEN CAST(running.p7_before AS DOUBLE)
        END,
        CAST(0.0 AS DOUBLE)
      ) AS d15,
      CASE
        WHEN ABS(
          CAST(CAST(COALESCE(running.p8, 0) AS DOUBLE) / NULLIF(COALESCE(running.p2, 0), 0) AS DOUBLE)
        ) <= CAST('1.7976931348623157E308' AS DOUBLE)
        THEN CAST(CAST(COALESCE(running.p8, 0) AS DOUBLE) / NULLIF(COALESCE(running.p2, 0), 0) AS DOUBLE)
      END AS d16,
      CASE
        WHEN ABS(
          CAST(CAST(COALESCE(running.p8_before, 0) AS DOUBLE) / NULLIF(COALESCE(running.p2_before, 0), 0) AS DOUBLE)
        ) <= CAST('1.7976931348623157E308' AS DOUBLE)
        THEN CAST(CAST(COALESCE(running.p8_before, 0) AS DOUBLE) / NULLIF(COALESCE(running.p2_before, 0), 0) AS DOUBLE)
      END AS d17
    FROM running
    JOIN unit_values
      ON unit_values.unit_key = running.unit_key
  ), day_changes AS (
    SELECT
      cell,
      day,
      CASE WHEN d3 > CAST(3.0 AS DOUBLE) THEN CAST(3.0 AS DOUBLE) ELSE d3 END AS v1,
      d4 AS v2,
      CASE
        WHEN d1 > :upper_cap_revenue_1_value1_1
        THEN :upper_cap_revenue_1_value1_1
        ELSE d1
      END AS v3,
      CASE
        WHEN active_day = 1
        THEN :shift_c1
        ELSE CASE
          WHEN d2 > :upper_cap_revenue_1_value1_1
          THEN :upper_cap_revenue_1_value1_1
          ELSE d2
        END
      END AS v4,
      CASE WHEN active_day = 1 THEN CAST(1.0 AS DOUBLE) ELSE CAST(0.0 AS DOUBLE) END AS v5,
      d5 AS v6,
      CASE WHEN active_day = 1 THEN :shift_d5 ELSE d6 END AS v7,
      d11 AS v8,
      d3 AS v9,
      d7 AS v10,
      CASE WHEN active_day = 1 THEN :shift_d7 ELSE d9 END AS v11,
      d8 AS v12,
      CASE WHEN active_day = 1 THEN :shift_d8 ELSE d10 END AS v13,
      CASE WHEN NOT d12 IS NULL THEN d12 ELSE :shift_d12 END AS v14,
      CASE
        WHEN active_day = 1
        THEN :shift_d12
        ELSE CASE WHEN NOT d13 IS NULL THEN d13 ELSE :shift_d12 END
      END AS v15,
      CASE WHEN NOT d12 IS NULL THEN CAST(1.0 AS DOUBLE) ELSE CAST(0.0 AS DOUBLE) END - CASE
        WHEN NOT (
          active_day = 1
        ) AND NOT d13 IS NULL
        THEN CAST(1.0 AS DOUBLE)
        ELSE CAST(0.0 AS DOUBLE)
      END AS v16,
      d14 AS v17,
      CASE WHEN active_day = 1 THEN :shift_d14 ELSE d15 END AS v18,
      CASE WHEN d8 > CAST(3.0 AS DOUBLE) THEN CAST(3.0 AS DOUBLE) ELSE d8 END AS v19,
      CASE
        WHEN active_day = 1
        THEN :shift_c2
        ELSE CASE WHEN d10 > CAST(3.0 AS DOUBLE) THEN CAST(3.0 AS DOUBLE) ELSE d10 END
      END AS v20,
      CASE WHEN NOT d16 IS NULL THEN d16 ELSE :shift_d16 END AS v21,
      CASE
        WHEN active_day = 1
        THEN :shift_d16
        ELSE CASE WHEN NOT d17 IS NULL THEN d17 ELSE :shift_d16 END
      END AS v22,
      CASE WHEN NOT d16 IS NULL THEN CAST(1.0 AS DOUBLE) ELSE CAST(0.0 AS DOUBLE) END - CASE
        WHEN NOT (
          active_day = 1
        ) AND NOT d17 IS NULL
        THEN CAST(1.0 AS DOUBLE)
        ELSE CAST(0.0 AS DOUBLE)
      END AS v23,
      d1 AS v24,
      CASE WHEN active_day = 1 THEN :shift_d1 ELSE d2 END AS v25,
      CASE
        WHEN d1 > :upper_cap_revenue_1_capped_at_98__value1_1
        THEN :upper_cap_revenue_1_capped_at_98__value1_1
        ELSE d1
      END AS v26,
      CASE
        WHEN active_day = 1
        THEN :shift_c3
        ELSE CASE
          WHEN d2 > :upper_cap_revenue_1_capped_at_98__value1_1
          THEN :upper_cap_revenue_1_capped_at_98__value1_1
          ELSE d2
        END
      END AS v27,
      CASE
        WHEN d1 > :upper_cap_revenue_1_capped_at_99_5__value1_1
        THEN :upper_cap_revenue_1_capped_at_99_5__value1_1
        ELSE d1
      END AS v28,
      CASE
        WHEN active_day = 1
        THEN :shift_c4
        ELSE CASE
          WHEN d2 > :upper_cap_revenue_1_capped_at_99_5__value1_1
          THEN :upper_cap_revenue_1_capped_at_99_5__value1_1
          ELSE d2
        END
      END AS v29
    FROM day_values
  )
  SELECT
    cell,
    day,
    SUM(v3 - v4) AS m1,
    SUM((
      v3 - v4
    ) * (
      (
        v3 - :shift_c1
      ) + (
        v4 - :shift_c1
      )
    )) AS m2,
    SUM((
      v3 - v4
    ) * (
      v1 - :shift_v1
    )) AS m3,
    SUM((
      v3 - v4
    ) * (
      v2 - :shift_v2
    )) AS m4,
    SUM(v5 * (
      v1 - :shift_v1
    )) AS m5,
    SUM(v5 * (
      v2 - :shift_v2
    )) AS m6,
    SUM(v5) AS m7,
    SUM(v6 - v7) AS m8,
    SUM((
      v6 - v7
    ) * (
      (
        v6 - :shift_d5
      ) + (
        v7 - :shift_d5
      )
    )) AS m9,
    SUM(v10 - v11) AS m10,
    SUM(v12 - v13) AS m11,
    SUM((
      v10 - v11
    ) * (
      (
        v10 - :shift_d7
      ) + (
        v11 - :shift_d7
      )
    )) AS m12,
    SUM(
      (
        v10 - :shift_d7
      ) * (
        v12 - :shift_d8
      ) - (
        v11 - :shift_d7
      ) * (
        v13 - :shift_d8
      )
    ) AS m13,
    SUM((
      v10 - v11
    ) * (
      v8 - :shift_v8
    )) AS m14,
    SUM((
      v10 - v11
    ) * (
      v9 - :shift_v9
    )) AS m15,
    SUM((
      v12 - v13
    ) * (
      (
        v12 - :shift_d8
      ) + (
        v13 - :shift_d8
      )
    )) AS m16,
    SUM((
      v12 - v13
    ) * (
      v8 - :shift_v8
    )) AS m17,
    SUM((
      v12 - v13
    ) * (
      v9 - :shift_v9
    )) AS m18,
    SUM(v5 * (
      v8 - :shift_v8
    )) AS m19,
    SUM(v5 * (
      v9 - :shift_v9
    )) AS m20,
    SUM(v14 - v15) AS m21,
    SUM((
      v14 - v15
    ) * (
      (
        v14 - :shift_d12
      ) + (
        v15 - :shift_d12
      )
    )) AS m22,
    SUM(v16) AS m23,
    SUM(v17 - v18) AS m24,
    SUM((
      v17 - v18
    ) * (
      (
        v17 - :shift_d14
      ) + (
        v18 - :shift_d14
      )
    )) AS m25,
    SUM(v19 - v20) AS m26,
    SUM((
      v19 - v20
    ) * (
      (
        v19 - :shift_c2
      ) + (
        v20 - :shift_c2
      )
    )) AS m27,
    SUM(v21 - v22) AS m28,
    SUM((
      v21 - v22
    ) * (
      (
        v21 - :shift_d16
      ) + (
        v22 - :shift_d16
      )
    )) AS m29,
    SUM(v23) AS m30,
    SUM(v24 - v25) AS m31,
    SUM((
      v24 - v25
    ) * (
      (
        v24 - :shift_d1
      ) + (
        v25 - :shift_d1
      )
    )) AS m32,
    SUM((
      v24 - v25
    ) * (
      v1 - :shift_v1
    )) AS m33,
    SUM((
      v24 - v25
    ) * (
      v2 - :shift_v2
    )) AS m34,
    SUM(v26 - v27) AS m35,
    SUM((
      v26 - v27
    ) * (
      (
        v26 - :shift_c3
      ) + (
        v27 - :shift_c3
      )
    )) AS m36,
    SUM((
      v26 - v27
    ) * (
      v1 - :shift_v1
    )) AS m37,
    SUM((
      v26 - v27
    ) * (
      v2 - :shift_v2
    )) AS m38,
    SUM(v28 - v29) AS m39,
    SUM((
      v28 - v29
    ) * (
      (
        v28 - :shift_c4
      ) + (
        v29 - :shift_c4
      )
    )) AS m40,
    SUM((
      v28 - v29
    ) * (
      v1 - :shift_v1
    )) AS m41,
    SUM((
      v28 - v29
    ) * (
      v2 - :shift_v2
    )) AS m42
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
  SUM(moments.m14) AS m14,
  SUM(moments.m15) AS m15,
  SUM(moments.m16) AS m16,
  SUM(moments.m17) AS m17,
  SUM(moments.m18) AS m18,
  SUM(moments.m19) AS m19,
  SUM(moments.m20) AS m20,
  SUM(moments.m21) AS m21,
  SUM(moments.m22) AS m22,
  SUM(moments.m23) AS m23,
  SUM(moments.m24) AS m24,
  SUM(moments.m25) AS m25,
  SUM(moments.m26) AS m26,
  SUM(moments.m27) AS m27,
  SUM(moments.m28) AS m28,
  SUM(moments.m29) AS m29,
  SUM(moments.m30) AS m30,
  SUM(moments.m31) AS m31,
  SUM(moments.m32) AS m32,
  SUM(moments.m33) AS m33,
  SUM(moments.m34) AS m34,
  SUM(moments.m35) AS m35,
  SUM(moments.m36) AS m36,
  SUM(moments.m37) AS m37,
  SUM(moments.m38) AS m38,
  SUM(moments.m39) AS m39,
  SUM(moments.m40) AS m40,
  SUM(moments.m41) AS m41,
  SUM(moments.m42) AS m42
FROM moments
JOIN cells
  ON cells.cell = moments.cell
GROUP BY
  GROUPING SETS (
    (cells.experiment_no, cells.variant_no, moments.day),
    (cells.experiment_no, cells.variant_no, moments.day, cells.dim_country)
  )
