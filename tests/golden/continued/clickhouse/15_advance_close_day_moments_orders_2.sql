/* cells added up: everyone, and each dimension by itself */
WITH moments AS (
  /* what each day adds to the moments: only units that are active on a day move them */
  WITH earlier AS (
    /* what units that are active on several open days have had on those before */
    SELECT
      recent.unit_key AS unit_key,
      recent.day AS day,
      COUNT(*) AS days,
      SUM(p1) AS p1,
      SUM(p2) AS p2
    FROM (
      SELECT
        unit_key,
        day
      FROM recent_orders
      WHERE
        day > 0
    ) AS recent
    JOIN (
      SELECT
        unit_key AS key_before,
        day AS day_before,
        p1,
        p2
      FROM recent_orders
      WHERE
        day > 0
    ) AS before
      ON before.key_before = recent.unit_key AND before.day_before < recent.day
    GROUP BY
      recent.unit_key,
      recent.day
  ), running AS (
    SELECT
      recent.unit_key AS unit_key,
      recent.day AS day,
      1 + COALESCE(earlier.days, 0) + CASE WHEN closed.unit_key IS NULL THEN 0 ELSE 1 END AS active_day,
      COALESCE(
        COALESCE(closed.p1 + earlier.p1, closed.p1, earlier.p1) + recent.p1,
        COALESCE(closed.p1 + earlier.p1, closed.p1, earlier.p1),
        recent.p1
      ) AS p1,
      COALESCE(closed.p1 + earlier.p1, closed.p1, earlier.p1) AS p1_before,
      COALESCE(
        COALESCE(closed.p2 + earlier.p2, closed.p2, earlier.p2) + recent.p2,
        COALESCE(closed.p2 + earlier.p2, closed.p2, earlier.p2),
        recent.p2
      ) AS p2,
      COALESCE(closed.p2 + earlier.p2, closed.p2, earlier.p2) AS p2_before
    FROM recent_orders AS recent
    LEFT JOIN earlier
      ON earlier.unit_key = recent.unit_key AND earlier.day = recent.day
    LEFT JOIN "steelyard"."state_9f75794b9e6a_totals_1" AS closed
      ON closed.unit_key = recent.unit_key AND closed.day = 1
    WHERE
      recent.day > 0
  ), day_values AS (
    SELECT
      intDiv(running.unit_key, 1000000000) AS cell,
      running.day AS day,
      running.active_day AS active_day,
      COALESCE(CAST(running.p2 AS Nullable(Float64)), CAST(0.0 AS Nullable(Float64))) AS d1,
      COALESCE(CAST(running.p2_before AS Nullable(Float64)), CAST(0.0 AS Nullable(Float64))) AS d2,
      COALESCE(CAST(before_orders.p2 AS Nullable(Float64)), CAST(0.0 AS Nullable(Float64))) AS d3
    FROM running
    LEFT JOIN (
      SELECT
        unit_key,
        p1,
        p2
      FROM recent_orders
      WHERE
        day = 0
      UNION ALL
      SELECT
        unit_key,
        p1,
        p2
      FROM "steelyard"."state_9f75794b9e6a_totals_1"
      WHERE
        day = 0
    ) AS before_orders
      ON before_orders.unit_key = running.unit_key
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
        THEN CAST(74.44091033935547 AS Nullable(Float64))
        ELSE CASE
          WHEN d2 > caps.upper_cap_spend_1_value1
          THEN caps.upper_cap_spend_1_value1
          ELSE d2
        END
      END AS v3,
      CASE
        WHEN active_day = 1
        THEN CAST(1.0 AS Nullable(Float64))
        ELSE CAST(0.0 AS Nullable(Float64))
      END AS v4,
      d1 AS v5,
      CASE
        WHEN active_day = 1
        THEN CAST(630.3545532226562 AS Nullable(Float64))
        ELSE d2
      END AS v6,
      CASE
        WHEN d1 > caps.upper_cap_spend_1_capped_at_98__value1
        THEN caps.upper_cap_spend_1_capped_at_98__value1
        ELSE d1
      END AS v7,
      CASE
        WHEN active_day = 1
        THEN CAST(74.44091033935547 AS Nullable(Float64))
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
        THEN CAST(74.44091033935547 AS Nullable(Float64))
        ELSE CASE
          WHEN d2 > caps.upper_cap_spend_1_capped_at_99_5__value1
          THEN caps.upper_cap_spend_1_capped_at_99_5__value1
          ELSE d2
        END
      END AS v10
    FROM day_values
    /* percentile caps: each experiment has its own */
    JOIN (
      SELECT
        1 AS experiment_no,
        CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_before_2d_before1,
        CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_capped_at_98__value1,
        CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_capped_at_99_5__value1,
        CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_value1
      UNION ALL
      SELECT
        2 AS experiment_no,
        CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_before_2d_before1,
        CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_capped_at_98__value1,
        CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_capped_at_99_5__value1,
        CAST(CAST(90.5 AS Nullable(Float64)) AS Nullable(Float64)) AS upper_cap_spend_1_value1
    ) AS caps
      ON caps.experiment_no = intDiv(cell, 1000000)
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
          v2 - CAST(74.44091033935547 AS Nullable(Float64))
        ) + (
          v3 - CAST(74.44091033935547 AS Nullable(Float64))
        )
      )
    ) AS m2,
    SUM((
      v2 - v3
    ) * (
      v1 - CAST(69.96818542480469 AS Nullable(Float64))
    )) AS m3,
    SUM(v4 * (
      v1 - CAST(69.96818542480469 AS Nullable(Float64))
    )) AS m4,
    SUM(v4) AS m5,
    SUM(v5 - v6) AS m6,
    SUM(
      (
        v5 - v6
      ) * (
        (
          v5 - CAST(630.3545532226562 AS Nullable(Float64))
        ) + (
          v6 - CAST(630.3545532226562 AS Nullable(Float64))
        )
      )
    ) AS m7,
    SUM((
      v5 - v6
    ) * (
      v1 - CAST(69.96818542480469 AS Nullable(Float64))
    )) AS m8,
    SUM(v7 - v8) AS m9,
    SUM(
      (
        v7 - v8
      ) * (
        (
          v7 - CAST(74.44091033935547 AS Nullable(Float64))
        ) + (
          v8 - CAST(74.44091033935547 AS Nullable(Float64))
        )
      )
    ) AS m10,
    SUM((
      v7 - v8
    ) * (
      v1 - CAST(69.96818542480469 AS Nullable(Float64))
    )) AS m11,
    SUM(v9 - v10) AS m12,
    SUM(
      (
        v9 - v10
      ) * (
        (
          v9 - CAST(74.44091033935547 AS Nullable(Float64))
        ) + (
          v10 - CAST(74.44091033935547 AS Nullable(Float64))
        )
      )
    ) AS m13,
    SUM((
      v9 - v10
    ) * (
      v1 - CAST(69.96818542480469 AS Nullable(Float64))
    )) AS m14
  FROM day_changes
  GROUP BY
    cell,
    day
)
SELECT
  cells.experiment_no AS experiment_no,
  cells.variant_no AS variant_no,
  moments.day AS day,
  cells.dim_country AS dim_country,
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
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
