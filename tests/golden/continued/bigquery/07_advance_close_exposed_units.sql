SELECT
  unit_key
FROM gone_units
