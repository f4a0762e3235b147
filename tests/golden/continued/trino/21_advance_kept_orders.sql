SELECT
  unit_key,
  day,
  p1,
  p2
FROM recent_orders
WHERE
  day > 5
