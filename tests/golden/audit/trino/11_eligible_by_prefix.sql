SELECT
  unit
FROM audited
WHERE
  COALESCE(STARTS_WITH(attribute, 'a_%'), FALSE)
