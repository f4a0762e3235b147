SELECT
  unit
FROM audited
WHERE
  COALESCE((
    LEFT(attribute, 3) || '!'
  ) = 'a_%!', FALSE)
