/* one row per event of an analysed unit */
SELECT
  exposed.unit_key,
  1 AS day,
  CAST(facts.value AS DOUBLE) AS value
FROM (
  SELECT
    user_id AS unit,
    loaded_at AS event_time,
    milliseconds AS value
  FROM loads
  WHERE
    loaded_at >= CAST('2026-03-28 16:00:00' AS TIMESTAMP(6))
    AND loaded_at < CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
) AS facts
JOIN exposed_units AS exposed
  ON facts.unit = exposed.unit
WHERE
  (
    facts.event_time >= exposed.exposed_at
    AND facts.event_time < CAST('2026-04-06 16:00:00' AS TIMESTAMP(6))
    AND exposed.unit_key / 1000000000000000 IN (1)
  )
  AND IS_FINITE(CAST(facts.value AS DOUBLE))
