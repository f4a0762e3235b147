/* distinct values per unit, each counted on the first day it was seen; day 0 is before the exposure */
WITH first_days AS (
  SELECT
    exposed.unit_key,
    facts.product AS value,
    (
      DATEDIFF(DAY, CAST('2026-03-31' AS DATE), CAST(facts.event_time + INTERVAL '8' HOUR AS DATE))
    ) > 0 AS is_after,
    MIN(
      DATEDIFF(DAY, CAST('2026-03-31' AS DATE), CAST(facts.event_time + INTERVAL '8' HOUR AS DATE))
    ) AS day
  FROM (
    SELECT
      user_id AS unit,
      `orderedAt` AS event_time,
      product AS product
    FROM `Web Orders`
    WHERE
      `orderedAt` >= CAST('2026-03-28 16:00:00' AS TIMESTAMP_NTZ)
      AND `orderedAt` < CAST('2026-04-06 16:00:00' AS TIMESTAMP_NTZ)
  ) AS facts
  JOIN exposed_units AS exposed
    ON facts.unit = exposed.unit
  WHERE
    (
      facts.event_time >= exposed.exposed_at
      AND facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP_NTZ)
      AND exposed.unit_key DIV 1000000000000000 IN (1)
    )
    AND (
      NOT facts.product IS NULL
    )
  GROUP BY
    exposed.unit_key,
    facts.product,
    (
      DATEDIFF(DAY, CAST('2026-03-31' AS DATE), CAST(facts.event_time + INTERVAL '8' HOUR AS DATE))
    ) > 0
)
SELECT
  unit_key,
  day,
  CAST(COUNT(*) AS DOUBLE) AS p1
FROM first_days
GROUP BY
  unit_key,
  day
