SELECT
  *
FROM recent_orders
