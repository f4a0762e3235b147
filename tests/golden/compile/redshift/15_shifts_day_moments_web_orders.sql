/* constants near the means of the first units: moments are taken about them, so that no digits are lost */
WITH unit_values AS (
  /* unit values: one row per exposed unit, with what each metric needs before and after its exposure */
  SELECT
    units.unit_key,
    units.unit_key / 1000000000 AS cell,
    COALESCE(
      CAST(COALESCE(before_web_orders.p2, 0) AS DOUBLE PRECISION),
      CAST(0.0 AS DOUBLE PRECISION)
    ) AS raw1,
    CASE
      WHEN cells.dim_country = '<level>'
      THEN CAST(1.0 AS DOUBLE PRECISION)
      WHEN NOT (
        cells.dim_country = '<level>'
      )
      THEN CAST(0.0 AS DOUBLE PRECISION)
    END AS raw2,
    COALESCE(
      CAST(per_unit_web_orders.after_p1 AS DOUBLE PRECISION),
      CAST(0.0 AS DOUBLE PRECISION)
    ) AS raw3,
    COALESCE(
      CASE
        WHEN (
          per_unit_web_orders.after_p3 = 1
        )
        THEN CAST(1.0 AS DOUBLE PRECISION)
        WHEN NOT (
          (
            per_unit_web_orders.after_p3 = 1
          )
        )
        THEN CAST(0.0 AS DOUBLE PRECISION)
      END,
      CAST(0.0 AS DOUBLE PRECISION)
    ) AS raw4,
    COALESCE(CAST(before_web_orders.p4 AS DOUBLE PRECISION), CAST(0.0 AS DOUBLE PRECISION)) AS raw5,
    COALESCE(
      CAST(per_unit_web_orders.after_p4 AS DOUBLE PRECISION),
      CAST(0.0 AS DOUBLE PRECISION)
    ) AS raw6,
    COALESCE(
      CAST(COALESCE(per_unit_web_orders.after_p2, 0) AS DOUBLE PRECISION),
      CAST(0.0 AS DOUBLE PRECISION)
    ) AS raw7,
    CASE
      WHEN ABS(CAST(per_unit_web_orders.after_p6 AS DOUBLE PRECISION)) <= CAST('1.7976931348623157E308' AS DOUBLE PRECISION)
      THEN CAST(per_unit_web_orders.after_p6 AS DOUBLE PRECISION)
    END AS raw8,
    COALESCE(
      CASE
        WHEN ABS(CAST(per_unit_web_orders.after_p7 AS DOUBLE PRECISION)) <= CAST('1.7976931348623157E308' AS DOUBLE PRECISION)
        THEN CAST(per_unit_web_orders.after_p7 AS DOUBLE PRECISION)
      END,
      CAST(0.0 AS DOUBLE PRECISION)
    ) AS raw9,
    CASE
      WHEN ABS(
        CAST(CAST(COALESCE(per_unit_web_orders.after_p8, 0) AS DOUBLE PRECISION) / NULLIF(COALESCE(per_unit_web_orders.after_p2, 0), 0) AS DOUBLE PRECISION)
      ) <= CAST('1.7976931348623157E308' AS DOUBLE PRECISION)
      THEN CAST(CAST(COALESCE(per_unit_web_orders.after_p8, 0) AS DOUBLE PRECISION) / NULLIF(COALESCE(per_unit_web_orders.after_p2, 0), 0) AS DOUBLE PRECISION)
    END AS raw10
  FROM exposed_units AS units
  LEFT JOIN (
    /* the days of a unit after its exposure, added up */
    SELECT
      unit_key,
      SUM(p1) AS after_p1,
      SUM(p2) AS after_p2,
      MAX(p3) AS after_p3,
      SUM(p4) AS after_p4,
      MIN(p6) AS after_p6,
      MAX(p7) AS after_p7,
      SUM(p8) AS after_p8
    FROM unit_day_web_orders
    WHERE
      day > 0 AND unit_key % 1000000000 <= 1000
    GROUP BY
      unit_key
  ) AS per_unit_web_orders
    ON per_unit_web_orders.unit_key = units.unit_key
  LEFT JOIN unit_day_web_orders AS before_web_orders
    ON before_web_orders.unit_key = units.unit_key AND before_web_orders.day = 0
  JOIN cells
    ON cells.cell = units.unit_key / 1000000000
  WHERE
    units.unit_key % 1000000000 <= 1000
), capped_values AS (
  SELECT
    cell,
    CASE
      WHEN raw1 > CAST(3.0 AS DOUBLE PRECISION)
      THEN CAST(3.0 AS DOUBLE PRECISION)
      ELSE raw1
    END AS v1,
    raw2 AS v2,
    CASE
      WHEN raw3 > %(upper_cap_revenue_1_value1_1)s
      THEN %(upper_cap_revenue_1_value1_1)s
      ELSE raw3
    END AS v3,
    raw4 AS v4,
    raw5 AS v5,
    raw1 AS v6,
    raw6 AS v7,
    raw7 AS v8,
    raw8 AS v9,
    raw9 AS v10,
    CASE
      WHEN raw7 > CAST(3.0 AS DOUBLE PRECISION)
      THEN CAST(3.0 AS DOUBLE PRECISION)
      ELSE raw7
    END AS v11,
    raw10 AS v12,
    raw3 AS v13,
    CASE
      WHEN raw3 > %(upper_cap_revenue_1_capped_at_98__value1_1)s
      THEN %(upper_cap_revenue_1_capped_at_98__value1_1)s
      ELSE raw3
    END AS v14,
    CASE
      WHEN raw3 > %(upper_cap_revenue_1_capped_at_99_5__value1_1)s
      THEN %(upper_cap_revenue_1_capped_at_99_5__value1_1)s
      ELSE raw3
    END AS v15
  FROM unit_values
  WHERE
    unit_key % 1000000000 <= 1000
)
SELECT
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v3 END AS DOUBLE PRECISION)) AS v3,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v1 END AS DOUBLE PRECISION)) AS v1,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v2 END AS DOUBLE PRECISION)) AS v2,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v4 END AS DOUBLE PRECISION)) AS v4,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v7 END AS DOUBLE PRECISION)) AS v7,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v8 END AS DOUBLE PRECISION)) AS v8,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v5 END AS DOUBLE PRECISION)) AS v5,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v6 END AS DOUBLE PRECISION)) AS v6,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v9 END AS DOUBLE PRECISION)) AS v9,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v10 END AS DOUBLE PRECISION)) AS v10,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v11 END AS DOUBLE PRECISION)) AS v11,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v12 END AS DOUBLE PRECISION)) AS v12,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v13 END AS DOUBLE PRECISION)) AS v13,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v14 END AS DOUBLE PRECISION)) AS v14,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v15 END AS DOUBLE PRECISION)) AS v15
FROM capped_values
