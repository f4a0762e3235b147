/* constants near the means of the first units: moments are taken about them, so that no digits are lost */
WITH unit_values AS (
  /* unit values: one row per exposed unit, with what each metric needs before and after its exposure */
  SELECT
    units.unit_key AS unit_key,
    intDiv(units.unit_key, 1000000000) AS cell,
    COALESCE(
      CAST(COALESCE(per_unit_web_orders__2.after_p1, 0) AS Nullable(Float64)),
      CAST(0.0 AS Nullable(Float64))
    ) AS raw1
  FROM exposed_units AS units
  LEFT JOIN (
    /* the days of a unit after its exposure, added up */
    SELECT
      unit_key,
      SUM(p1) AS after_p1
    FROM unit_day_web_orders__2
    WHERE
      day > 0 AND unit_key % 1000000000 <= 1000
    GROUP BY
      unit_key
  ) AS per_unit_web_orders__2
    ON per_unit_web_orders__2.unit_key = units.unit_key
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
  AVG(CAST(CASE WHEN intDiv(cell, 1000000) IN (1) THEN v1 END AS Nullable(Float64))) AS v1
FROM capped_values
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
