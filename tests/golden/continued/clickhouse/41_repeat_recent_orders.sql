/* one scan of the facts for all its metrics: partial aggregates per unit and day; day 0 is before the exposure */
SELECT
  exposed.unit_key AS unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE DATE_DIFF(
      DAY,
      CAST('2026-03-31' AS Nullable(Date32)),
      CAST(facts.event_time + INTERVAL '8' HOUR AS Nullable(Date32))
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
  ) AS Nullable(Float64)) AS p1,
  SUM(
    CAST(CASE
      WHEN (
        (
          facts.event_time < exposed.exposed_at
        )
        OR (
          facts.event_time >= exposed.exposed_at
          AND facts.event_time < CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
        )
      )
      AND isFinite(CAST(facts.amount AS Nullable(Float64)))
      THEN facts.amount
    END AS Nullable(Float64))
  ) AS p2,
  CAST(COUNT(CASE WHEN (
    NOT isFinite(CAST(facts.amount AS Nullable(Float64)))
  ) THEN 1 END) AS Nullable(Int64)) AS not_finite
FROM (
  SELECT
    user_id AS unit,
    toTimeZone(ordered_at, 'UTC') AS event_time,
    amount AS amount
  FROM orders
  WHERE
    (
      ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS Nullable(DateTime))
      AND ordered_at < CAST('2026-04-06 16:00:00+00:00' AS Nullable(DateTime))
    )
    AND ordered_at >= CAST('2026-04-05 16:00:00+00:00' AS Nullable(DateTime))
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
    facts.event_time < CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
    OR facts.event_time < exposed.exposed_at + INTERVAL '2' DAY
  )
GROUP BY
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE DATE_DIFF(
      DAY,
      CAST('2026-03-31' AS Nullable(Date32)),
      CAST(facts.event_time + INTERVAL '8' HOUR AS Nullable(Date32))
    )
  END
UNION ALL
/* one scan of the facts for all its metrics: partial aggregates per unit and day; day 0 is before the exposure */
SELECT
  exposed.unit_key AS unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE DATE_DIFF(
      DAY,
      CAST('2026-03-31' AS Nullable(Date32)),
      CAST(facts.event_time + INTERVAL '8' HOUR AS Nullable(Date32))
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
  ) AS Nullable(Float64)) AS p1,
  SUM(
    CAST(CASE
      WHEN (
        (
          facts.event_time < exposed.exposed_at
        )
        OR (
          facts.event_time >= exposed.exposed_at
          AND facts.event_time < CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
        )
      )
      AND isFinite(CAST(facts.amount AS Nullable(Float64)))
      THEN facts.amount
    END AS Nullable(Float64))
  ) AS p2,
  CAST(COUNT(CASE WHEN (
    NOT isFinite(CAST(facts.amount AS Nullable(Float64)))
  ) THEN 1 END) AS Nullable(Int64)) AS not_finite
FROM (
  SELECT
    user_id AS unit,
    toTimeZone(ordered_at, 'UTC') AS event_time,
    amount AS amount
  FROM orders
  WHERE
    (
      ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS Nullable(DateTime))
      AND ordered_at < CAST('2026-04-06 16:00:00+00:00' AS Nullable(DateTime))
    )
    AND ordered_at >= CAST('2026-04-03 16:00:00+00:00' AS Nullable(DateTime))
) AS facts
JOIN entered_units AS exposed
  ON facts.unit = exposed.unit
WHERE
  facts.event_time >= exposed.exposed_at - INTERVAL '2' DAY
  AND (
    facts.event_time < CAST('2026-04-06 16:00:00' AS Nullable(DateTime64(6)))
    OR facts.event_time < exposed.exposed_at + INTERVAL '2' DAY
  )
GROUP BY
  exposed.unit_key,
  CASE
    WHEN facts.event_time < exposed.exposed_at
    THEN 0
    ELSE DATE_DIFF(
      DAY,
      CAST('2026-03-31' AS Nullable(Date32)),
      CAST(facts.event_time + INTERVAL '8' HOUR AS Nullable(Date32))
    )
  END
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
