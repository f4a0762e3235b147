/* exposed units: what every scan of facts joins */
SELECT
  cells.cell * 1000000000 + 127 + ROW_NUMBER() OVER () AS unit_key,
  units.unit AS unit,
  units.exposed_at AS exposed_at,
  units.exposed_day AS exposed_day
FROM analysed_units AS units
JOIN cells
  ON units.experiment_no = cells.experiment_no
  AND units.variant_no = cells.variant_no
  AND units.dim_country = cells.dim_country
  AND units.exposed_day = cells.exposed_day
  AND units.closed_2d = cells.closed_2d
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
