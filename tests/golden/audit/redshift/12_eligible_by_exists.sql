SELECT
  unit
FROM audited
WHERE
  NOT NOT attribute IS NULL
