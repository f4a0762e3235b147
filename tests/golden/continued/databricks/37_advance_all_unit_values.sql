/* unit values: one row per exposed unit, with what each metric needs before and after its exposure */
SELECT
  units.unit_key,
  units.unit_key DIV 1000000000 AS cell,
  COALESCE(CAST(before_orders.p2 AS DOUBLE), CAST(0.0 AS DOUBLE)) AS raw1,
  COALESCE(CAST(per_unit_orders.after_p2 AS DOUBLE), CAST(0.0 AS DOUBLE)) AS raw2
FROM exposed_units AS units
LEFT JOIN (
  /* the days of a unit after its exposure, added up */
  SELECT
    unit_key,
    SUM(p2) AS after_p2
  FROM unit_day_orders
  WHERE
    day > 0
  GROUP BY
    unit_key
) AS per_unit_orders
  ON per_unit_orders.unit_key = units.unit_key
LEFT JOIN unit_day_orders AS before_orders
  ON before_orders.unit_key = units.unit_key AND before_orders.day = 0
