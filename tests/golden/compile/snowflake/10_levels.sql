SELECT
  'country' AS dimension,
  dim_country AS level,
  SUM(n) AS n
FROM cells
GROUP BY
  dim_country
