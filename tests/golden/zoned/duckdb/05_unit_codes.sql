/* units of several experiments: their variants in all of them, as digits of a few numbers; 0 where a unit is not in one */
SELECT
  unit,
  CAST(SUM(
    CASE experiment_no
      WHEN 1
      THEN (
        variant_no + 1
      ) * 1
      WHEN 2
      THEN (
        variant_no + 1
      ) * 3
      WHEN 3
      THEN (
        variant_no + 1
      ) * 9
      ELSE 0
    END
  ) AS BIGINT) AS word_1
FROM analysed_units
WHERE
  experiment_no IN (1, 2, 3)
GROUP BY
  unit
HAVING
  COUNT(*) > 1
