SELECT
  unit_key,
  unit
FROM entered_units
UNION ALL
SELECT
  unit_key,
  unit
FROM (
  SELECT
    *
  FROM "steelyard"."state_9f75794b9e6a_units" AS known
  WHERE
    NOT unit_key IN (
      SELECT
        unit_key
      FROM gone_units
    )
) AS units
