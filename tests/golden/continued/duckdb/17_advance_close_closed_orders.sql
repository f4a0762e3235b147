/* totals of the units that the newly closed days have changed; day 0 is before the exposure, day 1 after it */
SELECT
  unit_key,
  day,
  SUM(p1) AS p1,
  SUM(p2) AS p2
FROM (
  SELECT
    unit_key,
    LEAST(day, 1) AS day,
    p1,
    p2
  FROM recent_orders
  WHERE
    day <= 5
  UNION ALL
  SELECT
    known.unit_key,
    known.day,
    known.p1,
    known.p2
  FROM "steelyard"."state_9f75794b9e6a_totals_1" AS known
  JOIN (
    SELECT DISTINCT
      unit_key
    FROM recent_orders
    WHERE
      day > 0 AND day <= 5
  ) AS changed
    ON changed.unit_key = known.unit_key
  WHERE
    known.day = 1
) AS changes
GROUP BY
  unit_key,
  day
