SELECT DISTINCT
  unit_key
FROM (
  SELECT
    unit_key
  FROM entered_units
  UNION ALL
  SELECT
    unit_key
  FROM (
    SELECT
      *
    FROM "steelyard"."state_9f75794b9e6a_units" AS known
    WHERE
      NOT EXISTS(
        SELECT
          1
        FROM gone_units AS gone
        WHERE
          gone.unit_key = known.unit_key
      )
  ) AS units
  WHERE
    unit_key / 1000000000 IN (
      SELECT
        cell
      FROM cells
      WHERE
        NOT (
          exposed_day <= CAST('2026-04-03' AS DATE)
          AND closed_2d <= CAST('2026-04-03' AS DATE)
        )
    )
) AS units
