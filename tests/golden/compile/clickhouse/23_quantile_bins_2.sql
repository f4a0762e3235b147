/* a quantile metric's rows in narrow bins, with the sums that tell how its units spread */
WITH placed AS (
  /* one value per unit */
  SELECT
    cell,
    raw8 AS value,
    1 AS place,
    1 AS unit_rows
  FROM unit_values
  WHERE
    NOT (
      raw8 IS NULL
    )
), binned AS (
  /* a bin is as wide as a fixed share of its values; those below zero have negative numbers, zero has a bin of its own */
  SELECT
    cells.experiment_no AS experiment_no,
    cells.variant_no AS variant_no,
    CAST('2026-04-06' AS Nullable(Date32)) AS day,
    cells.dim_country AS dim_country,
    CAST(CASE
      WHEN placed.value = 0
      THEN 0
      ELSE SIGN(placed.value) * (
        400000 + FLOOR(CAST(LN(ABS(placed.value)) AS Nullable(Float64)) / 0.001998002662673056)
      )
    END AS Nullable(Int64)) AS bin,
    placed.place AS place,
    placed.unit_rows AS unit_rows,
    placed.value AS value
  FROM placed
  JOIN cells
    ON cells.cell = placed.cell
  WHERE
    cells.exposed_day <= CAST('2026-04-06' AS Nullable(Date32))
)
SELECT
  experiment_no,
  variant_no,
  day,
  dim_country,
  bin,
  MIN(value) AS smallest,
  MAX(value) AS largest,
  COUNT(*) AS row_count,
  COUNT(CASE WHEN place = 1 THEN 1 END) AS unit_count,
  SUM(CAST(2 * place - 1 AS Nullable(Float64))) AS squares,
  SUM(CAST(unit_rows AS Nullable(Float64))) AS products
FROM binned
GROUP BY
  GROUPING SETS (
    (experiment_no, variant_no, day, bin, dim_country)
  )
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
