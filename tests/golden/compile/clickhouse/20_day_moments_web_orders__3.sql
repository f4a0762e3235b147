/* cells added up: everyone, and each dimension by itself */
WITH moments AS (
  /* what each day adds to the moments: only units that are active on a day move them */
  WITH running AS (
    SELECT
      unit_key,
      day,
      ROW_NUMBER() OVER (PARTITION BY unit_key ORDER BY day) AS active_day,
      v1 AS v1,
      lag(v1) OVER (PARTITION BY unit_key ORDER BY day) AS v1_before
    FROM unit_day_web_orders__3
    WHERE
      day > 0
    WINDOW active_days AS (
      PARTITION BY unit_key
      ORDER BY day
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    )
  ), day_values AS (
    SELECT
      intDiv(running.unit_key, 1000000000) AS cell,
      running.day AS day,
      running.active_day AS active_day,
      CASE
        WHEN isFinite(CAST(running.v1 AS Nullable(Float64)))
        THEN CAST(running.v1 AS Nullable(Float64))
      END AS d1,
      CASE
        WHEN isFinite(CAST(running.v1_before AS Nullable(Float64)))
        THEN CAST(running.v1_before AS Nullable(Float64))
      END AS d2
    FROM running
  ), day_changes AS (
    SELECT
      cell,
      day,
      CASE WHEN NOT (
        d1 IS NULL
      ) THEN d1 ELSE {shift_d1: Nullable(Float64)} END AS v1,
      CASE
        WHEN active_day = 1
        THEN {shift_d1: Nullable(Float64)}
        ELSE CASE WHEN NOT (
          d2 IS NULL
        ) THEN d2 ELSE {shift_d1: Nullable(Float64)} END
      END AS v2,
      CASE
        WHEN NOT (
          d1 IS NULL
        )
        THEN CAST(1.0 AS Nullable(Float64))
        ELSE CAST(0.0 AS Nullable(Float64))
      END - CASE
        WHEN NOT (
          active_day = 1
        ) AND NOT (
          d2 IS NULL
        )
        THEN CAST(1.0 AS Nullable(Float64))
        ELSE CAST(0.0 AS Nullable(Float64))
      END AS v3
    FROM day_values
  )
  SELECT
    cell,
    day,
    SUM(v1 - v2) AS m1,
    SUM(
      (
        v1 - v2
      ) * (
        (
          v1 - {shift_d1: Nullable(Float64)}
        ) + (
          v2 - {shift_d1: Nullable(Float64)}
        )
      )
    ) AS m2,
    SUM(v3) AS m3
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
  SUM(moments.m3) AS m3
FROM moments
JOIN cells
  ON cells.cell = moments.cell
GROUP BY
  GROUPING SETS (
    (cells.experiment_no, cells.variant_no, moments.day),
    (cells.experiment_no, cells.variant_no, moments.day, cells.dim_country)
  )
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
