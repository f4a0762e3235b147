/* exposed units: what every scan of facts joins */
SELECT
  cells.cell * 1000000000 + 55 + ROW_NUMBER() OVER (
    ORDER BY units.unit NULLS LAST, units.exposed_at NULLS LAST, units.exposed_day NULLS LAST
  ) AS unit_key,
  units.unit,
  units.exposed_at,
  units.exposed_day
FROM analysed_units AS units
JOIN cells
  ON units.experiment_no = cells.experiment_no
  AND units.variant_no = cells.variant_no
  AND units.dim_country = cells.dim_country
  AND units.exposed_day = cells.exposed_day
  AND units.closed_2d = cells.closed_2d
