/* the days of units that no longer count, as far as the state has them */
SELECT
  known.unit_key,
  known.day,
  known.p1,
  known.p2
FROM `steelyard`.`state_9f75794b9e6a_days_1` AS known
JOIN gone_units AS gone
  ON gone.unit_key = known.unit_key
WHERE
  known.day <= 5
UNION ALL
SELECT
  known.unit_key,
  known.day,
  known.p1,
  known.p2
FROM `steelyard`.`state_9f75794b9e6a_totals_1` AS known
JOIN gone_units AS gone
  ON gone.unit_key = known.unit_key
WHERE
  known.day = 0
