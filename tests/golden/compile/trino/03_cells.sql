/* cells: units of one cell share experiment, variant, segments and days; a unit's key begins with its cell */
SELECT
  CAST(experiment_no AS BIGINT) * 1000000 + ROW_NUMBER() OVER (
    PARTITION BY experiment_no
    ORDER BY variant_no, dim_country, exposed_day, closed_3d, closed_2d_days
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
