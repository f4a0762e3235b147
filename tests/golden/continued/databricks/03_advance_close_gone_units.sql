/* units that counted until the last closed day and have been seen in a second variant since */
SELECT
  units.unit_key,
  units.unit,
  units.exposed_at,
  units.exposed_day
FROM `steelyard`.`state_9f75794b9e6a_units` AS units
JOIN seen_units AS seen
  ON seen.unit = units.unit
  AND seen.experiment_no = units.unit_key DIV 1000000000000000
WHERE
  seen.variant_no <> seen.last_variant_no
