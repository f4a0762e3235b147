/* one scan of the facts for all its metrics: partial aggregates per unit and day; day 0 is before the exposure */
SELECT
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE CAST(facts.event_time + INTERVAL '8' HOUR AS DATE) - CAST('2026-03-31' AS DATE)
  END AS day,
  CAST(SUM(
    CASE
      WHEN (
        (
          facts.event_time < exposed.exposed_at
        )
        OR (
          facts.event_time >= exposed.exposed_at
          AND facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
        )
      )
      AND ISFINITE(CAST(facts.amount AS DOUBLE))
      THEN facts.amount
    END
  ) AS DOUBLE) AS p1,
  CAST(COUNT(
    CASE
      WHEN (
        (
          facts.event_time < exposed.exposed_at
        )
        OR (
          facts.event_time >= exposed.exposed_at
          AND facts.event_time < exposed.exposed_at + INTERVAL '2' DAY
        )
      )
      THEN 1
    END
  ) AS DOUBLE) AS p2
FROM (
  SELECT
    user_id AS unit,
    ordered_at AT TIME ZONE 'UTC' AS event_time,
    amount AS amount
  FROM orders
  WHERE
    ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS TIMESTAMPTZ)
    AND ordered_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMPTZ)
) AS facts
JOIN exposed_units AS exposed
  ON facts.unit = exposed.unit
WHERE
  facts.event_time >= exposed.exposed_at - INTERVAL '2' DAY
  AND (
    facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
    OR facts.event_time < exposed.exposed_at + INTERVAL '2' DAY
  )
  AND exposed.unit_key // 1000000000000000 IN (2, 3)
GROUP BY
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE CAST(facts.event_time + INTERVAL '8' HOUR AS DATE) - CAST('2026-03-31' AS DATE)
  END
