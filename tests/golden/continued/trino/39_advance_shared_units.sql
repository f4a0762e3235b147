/* units that two experiments share, by their variants in both: n, sums and cross products */
WITH shared AS (
  SELECT
    units.unit_key,
    cells.experiment_no,
    cells.variant_no,
    '' AS epoch,
    codes.word_1
  FROM exposed_units AS units
  JOIN unit_codes AS codes
    ON codes.unit = units.unit
  JOIN cells
    ON cells.cell = units.unit_key / 1000000000
  WHERE
    cells.experiment_no IN (1, 2)
), capped_values AS (
  /* values of shared units within their caps */
  SELECT
    shared.experiment_no,
    shared.variant_no,
    shared.epoch,
    shared.word_1,
    CASE
      WHEN raw1 > caps.upper_cap_spend_1_before_2d_before1
      THEN caps.upper_cap_spend_1_before_2d_before1
      ELSE raw1
    END AS v1,
    CASE
      WHEN raw2 > caps.upper_cap_spend_1_value1
      THEN caps.upper_cap_spend_1_value1
      ELSE raw2
    END AS v2
  FROM unit_values
  JOIN shared
    ON shared.unit_key = unit_values.unit_key
  /* percentile caps: each experiment has its own */
  JOIN (VALUES
    (1, CAST(CAST(90.5 AS DOUBLE) AS DOUBLE), CAST(CAST(90.5 AS DOUBLE) AS DOUBLE)),
    (2, CAST(CAST(90.5 AS DOUBLE) AS DOUBLE), CAST(CAST(90.5 AS DOUBLE) AS DOUBLE))) AS caps(experiment_no, upper_cap_spend_1_before_2d_before1, upper_cap_spend_1_value1)
    ON caps.experiment_no = cell / 1000000
), combined AS (
  /* one row per variant and combination of variants in other experiments, before these are taken apart into pairs */
  SELECT
    experiment_no,
    variant_no,
    epoch,
    1 AS word_no,
    word_1 AS word,
    COUNT(*) AS unit_count,
    COUNT(*) AS m1,
    SUM((
      v2 - CAST(65.90140533447266 AS DOUBLE)
    )) AS m2,
    SUM(
      (
        v2 - CAST(65.90140533447266 AS DOUBLE)
      ) * (
        v2 - CAST(65.90140533447266 AS DOUBLE)
      )
    ) AS m3,
    SUM(
      (
        v2 - CAST(65.90140533447266 AS DOUBLE)
      ) * (
        v1 - CAST(72.37852478027344 AS DOUBLE)
      )
    ) AS m4,
    SUM((
      v1 - CAST(72.37852478027344 AS DOUBLE)
    )) AS m5,
    SUM(
      (
        v1 - CAST(72.37852478027344 AS DOUBLE)
      ) * (
        v1 - CAST(72.37852478027344 AS DOUBLE)
      )
    ) AS m6
  FROM capped_values
  GROUP BY
    experiment_no,
    variant_no,
    epoch,
    word_1
)
SELECT
  combined.experiment_no,
  combined.variant_no,
  combined.epoch,
  places.other_no,
  combined.word / places.digit_value % places.radix AS digit,
  SUM(combined.unit_count) AS unit_count,
  SUM(combined.m1) AS m1,
  SUM(combined.m2) AS m2,
  SUM(combined.m3) AS m3,
  SUM(combined.m4) AS m4,
  SUM(combined.m5) AS m5,
  SUM(combined.m6) AS m6
FROM combined
JOIN (VALUES
  (0, 1, 1, 3),
  (1, 1, 3, 3)) AS places(other_no, word_no, digit_value, radix)
  ON places.word_no = combined.word_no
WHERE
  combined.word / places.digit_value % places.radix > 0
GROUP BY
  combined.experiment_no,
  combined.variant_no,
  combined.epoch,
  places.other_no,
  combined.word / places.digit_value % places.radix
