/* cells: units of one cell share experiment, variant, segments and days; a unit's key begins with its cell */
SELECT
  CAST(experiment_no AS INT64) * 1000000 + ROW_NUMBER() OVER (
    PARTITION BY experiment_no
    ORDER BY variant_no NULLS LAST, dim_country NULLS LAST, exposed_day NULLS LAST, closed_3d NULLS LAST, closed_2d_days NULLS LAST
  ) AS cell,
  experiment_no,
  variant_no,
  dim_country,
  exposed_day,
  closed_3d,
  closed_2d_days,
  COUNT(*) AS n
FROM analysed_units
GROUP BY
  experiment_no,
  variant_no,
  dim_country,
  exposed_day,
  closed_3d,
  closed_2d_days
