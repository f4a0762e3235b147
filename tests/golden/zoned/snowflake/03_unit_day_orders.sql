/* aggregates that do not add up over days, computed again for every day on which a unit was active */
WITH facts AS (
  SELECT
    exposed.unit_key,
    exposed.exposed_at,
    exposed.exposed_day,
    DATEDIFF(DAY, CAST('2026-03-31' AS DATE), CAST(facts.event_time + INTERVAL '8 HOUR' AS DATE)) AS day,
    facts.*
  FROM (
    SELECT
      user_id AS unit,
      CAST(CONVERT_TIMEZONE('UTC', ordered_at) AS TIMESTAMPNTZ) AS event_time,
      amount AS amount
    FROM orders
    WHERE
      ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS TIMESTAMPTZ)
      AND ordered_at < CAST('2026-04-06 16:00:00+00:00' AS TIMESTAMPTZ)
  ) AS facts
  JOIN exposed_units AS exposed
    ON facts.unit = exposed.unit
  WHERE
    facts.event_time >= exposed.exposed_at
    AND facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMPNTZ)
    AND CAST((
      exposed.unit_key - MOD(exposed.unit_key, 1000000000000000)
    ) / 1000000000000000 AS BIGINT) IN (1)
), active_days AS (
  SELECT DISTINCT
    unit_key,
    day
  FROM facts
  WHERE
    day > 0
)
SELECT
  active_days.unit_key,
  active_days.day,
  STDDEV_SAMP(facts.amount) AS p1
FROM active_days
JOIN facts
  ON facts.unit_key = active_days.unit_key AND facts.day BETWEEN 1 AND active_days.day
GROUP BY
  active_days.unit_key,
  active_days.day
UNION ALL
SELECT
  facts.unit_key,
  0 AS day,
  STDDEV_SAMP(facts.amount) AS p1
FROM facts
WHERE
  facts.day = 0
GROUP BY
  facts.unit_key
