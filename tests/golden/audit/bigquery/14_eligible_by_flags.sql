SELECT
  unit
FROM audited
WHERE
  COALESCE(attribute = TRUE, FALSE)
