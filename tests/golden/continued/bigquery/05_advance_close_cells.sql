/* cells of the last closed day with their number of units now, and cells that are new since */
WITH entered AS (
  SELECT
    experiment_no,
    variant_no,
    dim_country,
    exposed_day,
    closed_2d,
    COUNT(*) AS n
  FROM analysed_units
  GROUP BY
    experiment_no,
    variant_no,
    dim_country,
    exposed_day,
    closed_2d
), departed AS (
  SELECT
    DIV(unit_key, 1000000000) AS cell,
    COUNT(*) AS n
  FROM gone_units
  GROUP BY
    DIV(unit_key, 1000000000)
), numbered AS (
  SELECT
    experiment_no,
    MAX(MOD(cell, 1000000)) AS last_number
  FROM `steelyard`.`state_9f75794b9e6a_cells` AS known
  GROUP BY
    experiment_no
)
SELECT
  known.cell,
  known.experiment_no,
  known.variant_no,
  known.dim_country,
  known.exposed_day,
  known.closed_2d,
  CAST(known.n + COALESCE(entered.n, 0) - COALESCE(departed.n, 0) AS INT64) AS n
FROM `steelyard`.`state_9f75794b9e6a_cells` AS known
LEFT JOIN entered
  ON entered.experiment_no = known.experiment_no
  AND entered.variant_no = known.variant_no
  AND entered.dim_country = known.dim_country
  AND entered.exposed_day = known.exposed_day
  AND entered.closed_2d = known.closed_2d
LEFT JOIN departed
  ON departed.cell = known.cell
UNION ALL
SELECT
  entered.experiment_no * 1000000 + COALESCE(numbered.last_number, 0) + ROW_NUMBER() OVER (
    PARTITION BY entered.experiment_no
    ORDER BY entered.variant_no NULLS LAST, entered.dim_country NULLS LAST, entered.exposed_day NULLS LAST, entered.closed_2d NULLS LAST
  ) AS cell,
  entered.experiment_no,
  entered.variant_no,
  entered.dim_country,
  entered.exposed_day,
  entered.closed_2d,
  CAST(entered.n AS INT64) AS n
FROM entered
LEFT JOIN `steelyard`.`state_9f75794b9e6a_cells` AS known
  ON entered.experiment_no = known.experiment_no
  AND entered.variant_no = known.variant_no
  AND entered.dim_country = known.dim_country
  AND entered.exposed_day = known.exposed_day
  AND entered.closed_2d = known.closed_2d
LEFT JOIN numbered
  ON numbered.experiment_no = entered.experiment_no
WHERE
  known.cell IS NULL
