/* spans of time for a query that runs as written: one before the exposure (day 0), then one up to each day */
WITH selected_units AS (
  SELECT
    *
  FROM exposed_units
  WHERE
    intDiv(unit_key, 1000000000000000) IN (1)
), spans AS (
  SELECT
    unit_key,
    unit,
    1 AS day,
    exposed_at,
    exposed_day,
    CAST((
      exposed_at
    ) AS Nullable(DateTime64(6))) AS starts,
    CAST((
      CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
    ) AS Nullable(DateTime64(6))) AS ends
  FROM selected_units
  WHERE
    FALSE
  UNION ALL
  SELECT
    units.unit_key AS unit_key,
    units.unit AS unit,
    days.day AS day,
    units.exposed_at AS exposed_at,
    units.exposed_day AS exposed_day,
    CAST((
      exposed_at
    ) AS Nullable(DateTime64(6))) AS starts,
    COALESCE(
      LEAST(
        CAST((
          CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
        ) AS Nullable(DateTime64(6))),
        days.ends
      ),
      CAST((
        CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
      ) AS Nullable(DateTime64(6))),
      days.ends
    ) AS ends
  FROM selected_units AS units
  JOIN (
    SELECT
      1 AS day,
      CAST('2026-04-01' AS Nullable(Date32)) AS date,
      CAST('2026-04-01 16:00:00' AS Nullable(DateTime64(6))) AS ends
    UNION ALL
    SELECT
      2 AS day,
      CAST('2026-04-02' AS Nullable(Date32)) AS date,
      CAST('2026-04-02 16:00:00' AS Nullable(DateTime64(6))) AS ends
    UNION ALL
    SELECT
      3 AS day,
      CAST('2026-04-03' AS Nullable(Date32)) AS date,
      CAST('2026-04-03 16:00:00' AS Nullable(DateTime64(6))) AS ends
    UNION ALL
    SELECT
      4 AS day,
      CAST('2026-04-04' AS Nullable(Date32)) AS date,
      CAST('2026-04-04 16:00:00' AS Nullable(DateTime64(6))) AS ends
    UNION ALL
    SELECT
      5 AS day,
      CAST('2026-04-05' AS Nullable(Date32)) AS date,
      CAST('2026-04-05 16:00:00' AS Nullable(DateTime64(6))) AS ends
    UNION ALL
    SELECT
      6 AS day,
      CAST('2026-04-06' AS Nullable(Date32)) AS date,
      CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6))) AS ends
  ) AS days
    ON days.date >= units.exposed_day
)
SELECT
  ROW_NUMBER() OVER () AS period,
  unit_key,
  unit,
  day,
  starts,
  ends
FROM spans
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
