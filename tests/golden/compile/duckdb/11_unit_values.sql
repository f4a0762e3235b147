/* unit values: one row per exposed unit, with what each metric needs before and after its exposure */
SELECT
  units.unit_key,
  units.unit_key // 1000000000 AS cell,
  COALESCE(CAST(per_unit_web_orders.after_p1 AS DOUBLE), CAST(0.0 AS DOUBLE)) AS raw1,
  COALESCE(CAST(COALESCE(before_web_orders.p2, 0) AS DOUBLE), CAST(0.0 AS DOUBLE)) AS raw2,
  CASE
    WHEN cells.dim_country = '<level>'
    THEN CAST(1.0 AS DOUBLE)
    WHEN NOT (
      cells.dim_country = '<level>'
    )
    THEN CAST(0.0 AS DOUBLE)
  END AS raw3,
  COALESCE(CAST(before_web_orders.p4 AS DOUBLE), CAST(0.0 AS DOUBLE)) AS raw4,
  COALESCE(
    CASE
      WHEN per_unit_web_orders.after_p5 > 0
      THEN CASE
        WHEN ISFINITE(
          CAST(CASE WHEN COALESCE(per_unit_web_orders.after_p5, 0) > 0 THEN 1 ELSE 0 END AS DOUBLE)
        )
        THEN CAST(CASE WHEN COALESCE(per_unit_web_orders.after_p5, 0) > 0 THEN 1 ELSE 0 END AS DOUBLE)
      END
    END,
    CAST(0.0 AS DOUBLE)
  ) AS raw5,
  COALESCE(CAST(per_unit_daily.before_p1 AS DOUBLE), CAST(0.0 AS DOUBLE)) AS raw6,
  COALESCE(CAST(per_unit_daily.after_p1 AS DOUBLE), CAST(0.0 AS DOUBLE)) AS raw7,
  CAST(per_unit_web_orders.after_p1 AS DOUBLE) AS raw8
FROM exposed_units AS units
LEFT JOIN (
  /* the days of a unit after its exposure, added up */
  SELECT
    unit_key,
    SUM(p1) AS after_p1,
    SUM(p5) AS after_p5
  FROM unit_day_web_orders
  WHERE
    day > 0
  GROUP BY
    unit_key
) AS per_unit_web_orders
  ON per_unit_web_orders.unit_key = units.unit_key
LEFT JOIN (
  /* one scan of the facts for all its metrics: aggregates per unit before and after its exposure */
  SELECT
    exposed.unit_key,
    CAST(SUM(
      CASE
        WHEN facts.event_time < exposed.exposed_day AND ISFINITE(CAST(facts.visits AS DOUBLE))
        THEN facts.visits
      END
    ) AS DOUBLE) AS before_p1,
    CAST(SUM(
      CASE
        WHEN facts.event_time >= exposed.exposed_day
        AND ISFINITE(CAST(facts.visits AS DOUBLE))
        THEN facts.visits
      END
    ) AS DOUBLE) AS after_p1
  FROM (
    SELECT
      user_id AS unit,
      "Day" AS event_time,
      visits AS visits
    FROM daily
    WHERE
      "Day" >= CAST('2026-03-29' AS DATE) AND "Day" < CAST('2026-04-07' AS DATE)
  ) AS facts
  JOIN exposed_units AS exposed
    ON facts.unit = exposed.unit
  WHERE
    facts.event_time >= exposed.exposed_day - INTERVAL '3' DAY
    AND facts.event_time < exposed.exposed_day + INTERVAL '2' DAY
    AND exposed.unit_key // 1000000000000000 IN (1)
  GROUP BY
    exposed.unit_key
) AS per_unit_daily
  ON per_unit_daily.unit_key = units.unit_key
LEFT JOIN unit_day_web_orders AS before_web_orders
  ON before_web_orders.unit_key = units.unit_key AND before_web_orders.day = 0
JOIN cells
  ON cells.cell = units.unit_key // 1000000000
