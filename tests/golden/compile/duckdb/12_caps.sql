/* percentile caps: over all units of an experiment that count by its last day, whatever their variant */
SELECT
  cells.experiment_no,
  QUANTILE_DISC(
    CASE
      WHEN cells.exposed_day <= CAST('2026-04-06' AS DATE) AND NOT unit_values.raw1 IS NULL
      THEN unit_values.raw1
    END,
    0.99
  ) AS upper_cap_revenue_1_value1,
  QUANTILE_DISC(
    CASE
      WHEN cells.exposed_day <= CAST('2026-04-06' AS DATE) AND NOT unit_values.raw1 IS NULL
      THEN unit_values.raw1
    END,
    0.98
  ) AS upper_cap_revenue_1_capped_at_98__value1,
  QUANTILE_DISC(
    CASE
      WHEN cells.exposed_day <= CAST('2026-04-06' AS DATE) AND NOT unit_values.raw1 IS NULL
      THEN unit_values.raw1
    END,
    0.995
  ) AS upper_cap_revenue_1_capped_at_99_5__value1
FROM unit_values
JOIN cells
  ON cells.cell = unit_values.cell
WHERE
  cells.experiment_no < 2
GROUP BY
  cells.experiment_no
