SELECT
  CAST(facts.event_time + INTERVAL 8 HOUR AS DATE) AS day,
  COUNT(*) AS n
FROM (
  SELECT
    user_id AS unit,
    DATETIME(ordered_at, 'UTC') AS event_time,
    amount AS amount
  FROM orders
  WHERE
    (
      ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS TIMESTAMP)
      AND ordered_at < CAST('2026-04-05 16:00:00+00:00' AS TIMESTAMP)
    )
    AND ordered_at >= CAST('2026-03-27 16:00:00+00:00' AS TIMESTAMP)
) AS facts
GROUP BY
  CAST(facts.event_time + INTERVAL 8 HOUR AS DATE)
