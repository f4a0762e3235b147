SELECT
  unit_key,
  day,
  p1,
  p2,
  not_finite
FROM "steelyard"."state_9f75794b9e6a_days_1" AS known
WHERE
  day > 3
  AND day <= 4
  AND NOT EXISTS(
    SELECT
      1
    FROM gone_units AS gone
    WHERE
      gone.unit_key = known.unit_key
  )
UNION ALL
/* one scan of the facts for all its metrics: partial aggregates per unit and day; day 0 is before the exposure */
SELECT
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE CAST(facts.event_time + INTERVAL '8' HOUR AS DATE) - CAST('2026-03-31' AS DATE)
  END AS day,
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
  ) AS DOUBLE) AS p1,
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
  ) AS DOUBLE) AS p2,
  CAST(COUNT(CASE WHEN (
    NOT ISFINITE(facts.amount)
  ) THEN 1 END) AS BIGINT) AS not_finite
FROM (
  SELECT
    user_id AS unit,
    ordered_at AT TIME ZONE 'UTC' AS event_time,
    amount AS amount
  FROM orders
  WHERE
    (
      ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS TIMESTAMPTZ)
      AND ordered_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMPTZ)
    )
    AND ordered_at >= CAST('2026-04-04 16:00:00+00:00' AS TIMESTAMPTZ)
) AS facts
JOIN (
  SELECT
    *
  FROM "steelyard"."state_9f75794b9e6a_units" AS known
  WHERE
    NOT EXISTS(
      SELECT
        1
      FROM gone_units AS gone
      WHERE
        gone.unit_key = known.unit_key
    )
) AS exposed
  ON facts.unit = exposed.unit
WHERE
  facts.event_time >= exposed.exposed_at - INTERVAL '2' DAY
  AND (
    facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
    OR facts.event_time < exposed.exposed_at + INTERVAL '2' DAY
  )
GROUP BY
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE CAST(facts.event_time + INTERVAL '8' HOUR AS DATE) - CAST('2026-03-31' AS DATE)
  END
UNION ALL
/* one scan of the facts for all its metrics: partial aggregates per unit and day; day 0 is before the exposure */
SELECT
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE CAST(facts.event_time + INTERVAL '8' HOUR AS DATE) - CAST('2026-03-31' AS DATE)
  END AS day,
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
  ) AS DOUBLE) AS p1,
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
  ) AS DOUBLE) AS p2,
  CAST(COUNT(CASE WHEN (
    NOT ISFINITE(facts.amount)
  ) THEN 1 END) AS BIGINT) AS not_finite
FROM (
  SELECT
    user_id AS unit,
    ordered_at AT TIME ZONE 'UTC' AS event_time,
    amount AS amount
  FROM orders
  WHERE
    (
      ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS TIMESTAMPTZ)
      AND ordered_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMPTZ)
    )
    AND ordered_at >= CAST('2026-04-01 16:00:00+00:00' AS TIMESTAMPTZ)
) AS facts
JOIN entered_units AS exposed
  ON facts.unit = exposed.unit
WHERE
  facts.event_time >= exposed.exposed_at - INTERVAL '2' DAY
  AND (
    facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP)
    OR facts.event_time < exposed.exposed_at + INTERVAL '2' DAY
  )
GROUP BY
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE CAST(facts.event_time + INTERVAL '8' HOUR AS DATE) - CAST('2026-03-31' AS DATE)
  END
