SELECT
  unit_key,
  day,
  not_finite AS n
FROM recent_orders
WHERE
  not_finite > 0
