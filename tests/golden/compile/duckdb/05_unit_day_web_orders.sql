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
          AND facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
        )
      )
      THEN 1
    END
  ) AS DOUBLE) AS p2,
  MAX(
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
      THEN CASE
        WHEN facts.amount > 0 AND facts.status NOT LIKE 'cancel%'
        THEN 1
        WHEN NOT (
          facts.amount > 0 AND facts.status NOT LIKE 'cancel%'
        )
        THEN 0
      END
    END
  ) AS p3,
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
      AND ISFINITE(CAST(LEAST(facts.amount, 500) AS DOUBLE))
      THEN LEAST(facts.amount, 500)
    END
  ) AS DOUBLE) AS p4,
  CAST(COUNT(
    CASE
      WHEN (
        (
          facts.event_time < exposed.exposed_at
        )
        OR (
          facts.event_time >= exposed.exposed_at + INTERVAL '1' DAY
          AND facts.event_time < exposed.exposed_at + INTERVAL '3' DAY
        )
      )
      THEN 1
    END
  ) AS DOUBLE) AS p5,
  MIN(
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
      THEN facts.amount
    END
  ) AS p6,
  MAX(
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
      THEN facts.amount
    END
  ) AS p7,
  CAST(COUNT(
    CASE
      WHEN facts.status = 'paid'
      AND (
        (
          facts.event_time < exposed.exposed_at
        )
        OR (
          facts.event_time >= exposed.exposed_at
          AND facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
        )
      )
      THEN 1
    END
  ) AS DOUBLE) AS p8
FROM (
  SELECT
    user_id AS unit,
    "orderedAt" AS event_time,
    "Amount" AS amount,
    status AS status
  FROM "Web Orders"
  WHERE
    "orderedAt" >= CAST('2026-03-28 16:00:00' AS TIMESTAMP)
    AND "orderedAt" < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
) AS facts
JOIN exposed_units AS exposed
  ON facts.unit = exposed.unit
WHERE
  facts.event_time >= exposed.exposed_at - INTERVAL '3' DAY
  AND (
    facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
    OR facts.event_time < exposed.exposed_at + INTERVAL '3' DAY
  )
GROUP BY
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE CAST(facts.event_time + INTERVAL '8' HOUR AS DATE) - CAST('2026-03-31' AS DATE)
  END
