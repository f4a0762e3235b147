/* constants near the means of the first units: moments are taken about them, so that no digits are lost */
WITH capped_values AS (
  SELECT
    cell,
    CASE WHEN raw2 > CAST(3.0 AS DOUBLE) THEN CAST(3.0 AS DOUBLE) ELSE raw2 END AS v1,
    raw3 AS v2,
    raw4 AS v3,
    raw2 AS v4,
    raw5 AS v5,
    raw6 AS v6,
    raw7 AS v7
  FROM unit_values
  WHERE
    unit_key % 1000000000 <= 1000
)
SELECT
  AVG(v1) AS v1,
  AVG(v2) AS v2,
  AVG(v3) AS v3,
  AVG(v4) AS v4,
  AVG(v5) AS v5,
  AVG(v7) AS v7,
  AVG(v6) AS v6
FROM capped_values
