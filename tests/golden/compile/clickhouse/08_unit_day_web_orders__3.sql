/* a query as its author wrote it, run for each unit and span of time */
SELECT
  periods.unit_key AS unit_key,
  periods.day AS day,
  written.gap AS v1
FROM (
  SELECT
    user_id,
    AVG(CAST(gap AS Nullable(Float64))) AS gap
  FROM (
    SELECT
      sy_periods.period AS user_id,
      CAST(CAST(DATE_DIFF(
        MICROSECOND,
        lag("orderedAt") OVER (PARTITION BY sy_periods.period ORDER BY "orderedAt"),
        "orderedAt"
      ) AS Nullable(Float64)) / 1000000 AS Nullable(Float64)) / 86400 AS gap
    FROM "Web Orders"
    JOIN unit_periods_web_orders__3 AS sy_periods
      ON sy_periods.unit = user_id
    WHERE
      "orderedAt" >= sy_periods.starts
      AND "orderedAt" < sy_periods.ends
      AND (
        "orderedAt" >= CAST('2026-03-28 16:00:00' AS Nullable(DateTime64(6)))
        AND "orderedAt" < CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
      )
  ) AS gaps
  GROUP BY
    user_id
) AS written
JOIN unit_periods_web_orders__3 AS periods
  ON written.user_id = periods.period
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
