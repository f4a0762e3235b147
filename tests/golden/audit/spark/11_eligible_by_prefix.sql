SELECT
  unit
FROM audited
WHERE
  COALESCE(STARTSWITH(attribute, 'a_%'), FALSE)
