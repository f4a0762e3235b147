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
  AVG(
    CAST(CASE
      WHEN CAST((
        cell - MOD(cell, 1000000)
      ) / 1000000 AS BIGINT) IN (1)
      THEN v1
    END AS DOUBLE)
  ) AS v1,
  AVG(
    CAST(CASE
      WHEN CAST((
        cell - MOD(cell, 1000000)
      ) / 1000000 AS BIGINT) IN (1)
      THEN v2
    END AS DOUBLE)
  ) AS v2,
  AVG(
    CAST(CASE
      WHEN CAST((
        cell - MOD(cell, 1000000)
      ) / 1000000 AS BIGINT) IN (1)
      THEN v3
    END AS DOUBLE)
  ) AS v3,
  AVG(
    CAST(CASE
      WHEN CAST((
        cell - MOD(cell, 1000000)
      ) / 1000000 AS BIGINT) IN (1)
      THEN v4
    END AS DOUBLE)
  ) AS v4,
  AVG(
    CAST(CASE
      WHEN CAST((
        cell - MOD(cell, 1000000)
      ) / 1000000 AS BIGINT) IN (1)
      THEN v5
    END AS DOUBLE)
  ) AS v5,
  AVG(
    CAST(CASE
      WHEN CAST((
        cell - MOD(cell, 1000000)
      ) / 1000000 AS BIGINT) IN (1)
      THEN v7
    END AS DOUBLE)
  ) AS v7,
  AVG(
    CAST(CASE
      WHEN CAST((
        cell - MOD(cell, 1000000)
      ) / 1000000 AS BIGINT) IN (1)
      THEN v6
    END AS DOUBLE)
  ) AS v6
FROM capped_values
