/* totals of the units that the newly closed days have changed; day 0 is before the exposure, day 1 after it */
SELECT
  unit_key,
  day,
  p1,
  p2
FROM recent_orders
WHERE
  day = 0
UNION ALL
SELECT
  changes.unit_key,
  1 AS day,
  COALESCE(known.p1 + changes.p1, known.p1, changes.p1) AS p1,
  COALESCE(known.p2 + changes.p2, known.p2, changes.p2) AS p2
FROM (
  SELECT
    unit_key,
    SUM(p1) AS p1,
    SUM(p2) AS p2
  FROM recent_orders
  WHERE
    day > 0 AND day <= 5
  GROUP BY
    unit_key
) AS changes
LEFT JOIN "steelyard"."state_9f75794b9e6a_totals_1" AS known
  ON known.unit_key = changes.unit_key AND known.day = 1
