SELECT
  CAST(facts.event_time + INTERVAL '8' HOUR AS DATE) AS day,
  COUNT(*) AS n
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
    AND ordered_at >= CAST('2026-03-29 16:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)
) AS facts
GROUP BY
  CAST(facts.event_time + INTERVAL '8' HOUR AS DATE)
