/* constants near the means of the first units: moments are taken about them, so that no digits are lost */
WITH capped_values AS (
  SELECT
    cell,
    CASE
      WHEN raw2 > CAST(3.0 AS DOUBLE PRECISION)
      THEN CAST(3.0 AS DOUBLE PRECISION)
      ELSE raw2
    END AS v1,
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
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v1 END AS DOUBLE PRECISION)) AS v1,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v2 END AS DOUBLE PRECISION)) AS v2,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v3 END AS DOUBLE PRECISION)) AS v3,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v4 END AS DOUBLE PRECISION)) AS v4,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v5 END AS DOUBLE PRECISION)) AS v5,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v7 END AS DOUBLE PRECISION)) AS v7,
  AVG(CAST(CASE WHEN cell / 1000000 IN (1) THEN v6 END AS DOUBLE PRECISION)) AS v6
FROM capped_values
