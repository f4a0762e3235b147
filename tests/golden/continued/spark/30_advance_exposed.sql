SELECT
  experiment_no,
  variant_no,
  exposed_day,
  dim_country,
  SUM(n) AS n
FROM cells
WHERE
  n > 0
GROUP BY
  experiment_no,
  variant_no,
  exposed_day,
  dim_country
