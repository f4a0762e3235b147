SELECT DISTINCT
  unit_key
FROM (
  SELECT
    unit_key
  FROM entered_units
) AS units
