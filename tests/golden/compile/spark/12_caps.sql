/* percentile caps: over all units of an experiment that count by its last day, whatever their variant */
SELECT
  ranked.experiment_no,
  MIN(CASE WHEN ranked.place_1 * 100 >= ranked.count_1 * 99 THEN ranked.value_1 END) AS upper_cap_revenue_1_value1,
  MIN(CASE WHEN ranked.place_1 * 50 >= ranked.count_1 * 49 THEN ranked.value_1 END) AS upper_cap_revenue_1_capped_at_98__value1,
  MIN(CASE WHEN ranked.place_1 * 200 >= ranked.count_1 * 199 THEN ranked.value_1 END) AS upper_cap_revenue_1_capped_at_99_5__value1
FROM (
  SELECT
    cells.experiment_no AS experiment_no,
    CASE
      WHEN cells.exposed_day <= CAST('2026-04-06' AS DATE) AND NOT unit_values.raw1 IS NULL
      THEN unit_values.raw1
    END AS value_1,
    ROW_NUMBER() OVER (
      PARTITION BY cells.experiment_no
      ORDER BY CASE
        WHEN cells.exposed_day <= CAST('2026-04-06' AS DATE) AND NOT unit_values.raw1 IS NULL
        THEN unit_values.raw1
      END NULLS LAST
    ) AS place_1,
    COUNT(
      CASE
        WHEN cells.exposed_day <= CAST('2026-04-06' AS DATE) AND NOT unit_values.raw1 IS NULL
        THEN unit_values.raw1
      END
    ) OVER (PARTITION BY cells.experiment_no) AS count_1
  FROM unit_values
  JOIN cells
    ON cells.cell = unit_values.cell
  WHERE
    cells.experiment_no < 2
) AS ranked
GROUP BY
  ranked.experiment_no
