SELECT
  unit
FROM audited
WHERE
  COALESCE(attribute IN ('SG', 'it\'s'), FALSE)
  OR NOT COALESCE(attribute IN ('x'), FALSE)
