/* constants near the means of the first units: moments are taken about them, so that no digits are lost */
WITH unit_values AS (
  /* unit values: one row per exposed unit, with what each metric needs before and after its exposure */
  WITH last_web_orders__3 AS (
    /* the state of the last day */
    SELECT
      unit_key,
      v1
    FROM (
      SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY unit_key ORDER BY day DESC) AS days_ago
      FROM unit_day_web_orders__3
      WHERE
        day > 0
    ) AS states
    WHERE
      days_ago = 1
  )
  SELECT
    units.unit_key,
    units.unit_key DIV 1000000000 AS cell,
    CASE
      WHEN ABS(CAST(last_web_orders__3.v1 AS DOUBLE)) <= CAST('1.7976931348623157E308' AS DOUBLE)
      THEN CAST(last_web_orders__3.v1 AS DOUBLE)
    END AS raw1
  FROM exposed_units AS units
  LEFT JOIN last_web_orders__3 AS last_web_orders__3
    ON last_web_orders__3.unit_key = units.unit_key
  WHERE
    units.unit_key % 1000000000 <= 1000
), capped_values AS (
  SELECT
    cell,
    raw1 AS v1
  FROM unit_values
  WHERE
    unit_key % 1000000000 <= 1000
)
SELECT
  AVG(CAST(CASE WHEN cell DIV 1000000 IN (1) THEN v1 END AS DOUBLE)) AS v1
FROM capped_values
