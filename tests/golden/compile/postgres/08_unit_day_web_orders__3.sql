/* a query as its author wrote it, run for each unit and span of time */
SELECT
  periods.unit_key,
  periods.day,
  written.gap AS v1
FROM (
  SELECT
    user_id,
    AVG(CAST(gap AS DOUBLE PRECISION)) AS gap
  FROM (
    SELECT
      sy_periods.period AS user_id,
      CAST(DATE_PART(
        'epoch',
        "orderedAt" - LAG("orderedAt") OVER (PARTITION BY sy_periods.period ORDER BY "orderedAt")
      ) AS DOUBLE PRECISION) / 86400 AS gap
    FROM "Web Orders"
    JOIN unit_periods_web_orders__3 AS sy_periods
      ON sy_periods.unit = user_id
    WHERE
      "orderedAt" >= sy_periods.starts
      AND "orderedAt" < sy_periods.ends
      AND (
        "orderedAt" >= CAST('2026-03-28 16:00:00' AS TIMESTAMP)
        AND "orderedAt" < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
      )
  ) AS gaps
  GROUP BY
    user_id
) AS written
JOIN unit_periods_web_orders__3 AS periods
  ON written.user_id = periods.period
