/* one row per event of an analysed unit */
SELECT
  exposed.unit_key,
  1 AS day,
  CAST(facts.value AS FLOAT64) AS value
FROM (
  SELECT
    user_id AS unit,
    loaded_at AS event_time,
    milliseconds AS value
  FROM loads
  WHERE
    loaded_at >= CAST('2026-03-28 16:00:00' AS DATETIME)
    AND loaded_at < CAST('2026-04-06 16:00:00' AS DATETIME)
) AS facts
JOIN exposed_units AS exposed
  ON facts.unit = exposed.unit
WHERE
  (
    facts.event_time >= exposed.exposed_at
    AND facts.event_time < CAST('2026-04-06 16:00:00' AS DATETIME)
    AND DIV(exposed.unit_key, 1000000000000000) IN (1)
  )
  AND (
    ABS(CAST(facts.value AS FLOAT64)) <= CAST('1.7976931348623157E308' AS FLOAT64)
  )
