SELECT
  unit
FROM audited
WHERE
  COALESCE(
    TRY_CAST(CASE
      WHEN NOT REGEXP_MATCHES(
        attribute,
        '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?)?$'
      )
      THEN NULL
      WHEN LENGTH(attribute) = 10
      THEN attribute || ' 00:00:00+00'
      WHEN REGEXP_MATCHES(attribute, '(Z|[+-][0-9][0-9]:[0-9][0-9])$')
      THEN attribute
      ELSE attribute || '+00'
    END AS TIMESTAMPTZ) > CAST('2026-04-01 00:00:00.000000+00:00' AS TIMESTAMPTZ),
    FALSE
  )
