SELECT
  'country' AS dimension,
  dim_country AS level,
  SUM(n) AS n
FROM cells
WHERE
  cells.experiment_no < 2
GROUP BY
  dim_country
