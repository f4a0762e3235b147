SELECT
  unit_key,
  CASE WHEN day = 0 THEN 0 ELSE 5 END AS day,
  p1,
  p2
FROM `steelyard`.`state_9f75794b9e6a_totals_1` AS known
UNION ALL
SELECT
  unit_key,
  day,
  p1,
  p2
FROM kept_orders
UNION ALL
SELECT
  unit_key,
  day,
  p1,
  p2
FROM recent_orders
