/* one scan of the facts for all its metrics: partial aggregates per unit and day; day 0 is before the exposure */
SELECT
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE DATE_DIFF(
      'DAY',
      CAST('2026-03-31' AS DATE),
      CAST(facts.event_time + INTERVAL '8' HOUR AS DATE)
    )
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
  SUM(
    CAST(CASE
      WHEN (
        (
          facts.event_time < exposed.exposed_at
        )
        OR (
          facts.event_time >= exposed.exposed_at
          AND facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
        )
      )
      AND IS_FINITE(CAST(facts.amount AS DOUBLE))
      THEN facts.amount
    END AS DOUBLE)
  ) AS p2,
  CAST(COUNT(CASE WHEN (
    NOT IS_FINITE(CAST(facts.amount AS DOUBLE))
  ) THEN 1 END) AS BIGINT) AS not_finite
FROM (
  SELECT
    user_id AS unit,
    CAST(AT_TIMEZONE(ordered_at, 'UTC') AS TIMESTAMP(6)) AS event_time,
    amount AS amount
  FROM orders
  WHERE
    (
      ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
      AND ordered_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
    )
    AND ordered_at >= CAST('2026-04-03 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
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
    facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
    OR facts.event_time < exposed.exposed_at + INTERVAL '2' DAY
  )
GROUP BY
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE DATE_DIFF(
      'DAY',
      CAST('2026-03-31' AS DATE),
      CAST(facts.event_time + INTERVAL '8' HOUR AS DATE)
    )
  END
UNION ALL
/* one scan of the facts for all its metrics: partial aggregates per unit and day; day 0 is before the exposure */
SELECT
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE DATE_DIFF(
      'DAY',
      CAST('2026-03-31' AS DATE),
      CAST(facts.event_time + INTERVAL '8' HOUR AS DATE)
    )
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
  SUM(
    CAST(CASE
      WHEN (
        (
          facts.event_time < exposed.exposed_at
        )
        OR (
          facts.event_time >= exposed.exposed_at
          AND facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
        )
      )
      AND IS_FINITE(CAST(facts.amount AS DOUBLE))
      THEN facts.amount
    END AS DOUBLE)
  ) AS p2,
  CAST(COUNT(CASE WHEN (
    NOT IS_FINITE(CAST(facts.amount AS DOUBLE))
  ) THEN 1 END) AS BIGINT) AS not_finite
FROM (
  SELECT
    user_id AS unit,
    CAST(AT_TIMEZONE(ordered_at, 'UTC') AS TIMESTAMP(6)) AS event_time,
    amount AS amount
  FROM orders
  WHERE
    (
      ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
      AND ordered_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
    )
    AND ordered_at >= CAST('2026-04-01 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
) AS facts
JOIN entered_units AS exposed
  ON facts.unit = exposed.unit
WHERE
  facts.event_time >= exposed.exposed_at - INTERVAL '2' DAY
  AND (
    facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
    OR facts.event_time < exposed.exposed_at + INTERVAL '2' DAY
  )
GROUP BY
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE DATE_DIFF(
      'DAY',
      CAST('2026-03-31' AS DATE),
      CAST(facts.event_time + INTERVAL '8' HOUR AS DATE)
    )
  END
