/* spans of time for a query that runs as written: one before the exposure (day 0), then one up to each day */
WITH selected_units AS (
  SELECT
    *
  FROM exposed_units
  WHERE
    unit_key DIV 1000000000000000 IN (1)
), spans AS (
  SELECT
    unit_key,
    unit,
    1 AS day,
    exposed_at,
    exposed_day,
    CAST((
      exposed_at
    ) AS TIMESTAMP_NTZ) AS starts,
    CAST((
      CAST('2026-04-06 16:00:00' AS TIMESTAMP_NTZ)
    ) AS TIMESTAMP_NTZ) AS ends
  FROM selected_units
  WHERE
    FALSE
  UNION ALL
  SELECT
    units.unit_key,
    units.unit,
    days.day,
    units.exposed_at,
    units.exposed_day,
    CAST((
      exposed_at
    ) AS TIMESTAMP_NTZ) AS starts,
    LEAST(
      CAST((
        CAST('2026-04-06 16:00:00' AS TIMESTAMP_NTZ)
      ) AS TIMESTAMP_NTZ),
      days.ends
    ) AS ends
  FROM selected_units AS units
  JOIN VALUES
    (1, CAST('2026-04-01' AS DATE), CAST('2026-04-01 16:00:00' AS TIMESTAMP_NTZ)),
    (2, CAST('2026-04-02' AS DATE), CAST('2026-04-02 16:00:00' AS TIMESTAMP_NTZ)),
    (3, CAST('2026-04-03' AS DATE), CAST('2026-04-03 16:00:00' AS TIMESTAMP_NTZ)),
    (4, CAST('2026-04-04' AS DATE), CAST('2026-04-04 16:00:00' AS TIMESTAMP_NTZ)),
    (5, CAST('2026-04-05' AS DATE), CAST('2026-04-05 16:00:00' AS TIMESTAMP_NTZ)),
    (6, CAST('2026-04-06' AS DATE), CAST('2026-04-06 16:00:00' AS TIMESTAMP_NTZ)) AS days(day, date, ends)
    ON days.date >= units.exposed_day
)
SELECT
  ROW_NUMBER() OVER (
    ORDER BY unit_key NULLS LAST, unit NULLS LAST, day NULLS LAST, starts NULLS LAST, ends NULLS LAST
  ) AS period,
  unit_key,
  unit,
  day,
  starts,
  ends
FROM spans
