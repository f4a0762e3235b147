/* distinct values per unit, each counted on the first day it was seen; day 0 is before the exposure */
WITH first_days AS (
  SELECT
    exposed.unit_key AS unit_key,
    facts.product AS value,
    (
      DATE_DIFF(
        DAY,
        CAST('2026-03-31' AS Nullable(Date32)),
        CAST(facts.event_time + INTERVAL '8' HOUR AS Nullable(Date32))
      )
    ) > 0 AS is_after,
    MIN(
      DATE_DIFF(
        DAY,
        CAST('2026-03-31' AS Nullable(Date32)),
        CAST(facts.event_time + INTERVAL '8' HOUR AS Nullable(Date32))
      )
    ) AS day
  FROM (
    SELECT
      user_id AS unit,
      "orderedAt" AS event_time,
      product AS product
    FROM "Web Orders"
    WHERE
      "orderedAt" >= CAST('2026-03-28 16:00:00' AS Nullable(DateTime64(6)))
      AND "orderedAt" < CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
  ) AS facts
  JOIN exposed_units AS exposed
    ON facts.unit = exposed.unit
  WHERE
    (
      facts.event_time >= exposed.exposed_at
      AND facts.event_time < CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
      AND intDiv(exposed.unit_key, 1000000000000000) IN (1)
    )
    AND (
      NOT (
        facts.product IS NULL
      )
    )
  GROUP BY
    exposed.unit_key,
    facts.product,
    (
      DATE_DIFF(
        DAY,
        CAST('2026-03-31' AS Nullable(Date32)),
        CAST(facts.event_time + INTERVAL '8' HOUR AS Nullable(Date32))
      )
    ) > 0
)
SELECT
  unit_key,
  day,
  CAST(COUNT(*) AS Nullable(Float64)) AS p1
FROM first_days
GROUP BY
  unit_key,
  day
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
