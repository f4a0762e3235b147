SELECT
  unit
FROM audited
WHERE
  COALESCE(
    CASE
      WHEN REGEXP_CONTAINS(
        attribute,
        '^(?:([12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29)([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?)?)$'
      )
      THEN NOT CASE SIGN(
          (
            CASE
              WHEN SUBSTRING(attribute, 1, 10) < '2026-03-31'
              THEN -2880
              WHEN SUBSTRING(attribute, 1, 10) = '2026-03-31'
              THEN -1440
              WHEN SUBSTRING(attribute, 1, 10) = '2026-04-01'
              THEN 0
              WHEN SUBSTRING(attribute, 1, 10) = '2026-04-02'
              THEN 1440
              ELSE 2880
            END + CASE
              WHEN LENGTH(attribute) = 10
              THEN 0
              WHEN SUBSTRING(attribute, LENGTH(attribute) - 5, 1) = '+'
              THEN CAST(SUBSTRING(attribute, 12, 2) AS INT64) * 60 + CAST(SUBSTRING(attribute, 15, 2) AS INT64) - (
                CAST(SUBSTRING(attribute, LENGTH(attribute) - 4, 2) AS INT64) * 60 + CAST(SUBSTRING(attribute, LENGTH(attribute) - 1, 2) AS INT64)
              )
              WHEN SUBSTRING(attribute, LENGTH(attribute) - 5, 1) = '-'
              THEN CAST(SUBSTRING(attribute, 12, 2) AS INT64) * 60 + CAST(SUBSTRING(attribute, 15, 2) AS INT64) + CAST(SUBSTRING(attribute, LENGTH(attribute) - 4, 2) AS INT64) * 60 + CAST(SUBSTRING(attribute, LENGTH(attribute) - 1, 2) AS INT64)
              ELSE CAST(SUBSTRING(attribute, 12, 2) AS INT64) * 60 + CAST(SUBSTRING(attribute, 15, 2) AS INT64)
            END
          ) - 0
        )
        WHEN -1
        THEN TRUE
        WHEN 1
        THEN FALSE
        ELSE CASE
          WHEN LENGTH(attribute) = 10
          THEN '00'
          ELSE REGEXP_EXTRACT(
            REGEXP_EXTRACT(REGEXP_EXTRACT(SUBSTRING(attribute, 18), '^([^+]*)'), '^([^-]*)'),
            '^([^Z]*)'
          )
        END < '00'
        OR CASE
          WHEN LENGTH(attribute) = 10
          THEN '00'
          ELSE REGEXP_EXTRACT(
            REGEXP_EXTRACT(REGEXP_EXTRACT(SUBSTRING(attribute, 18), '^([^+]*)'), '^([^-]*)'),
            '^([^Z]*)'
          )
        END IN ('00', '00.0', '00.00', '00.000', '00.0000', '00.00000', '00.000000')
      END
      ELSE FALSE
    END,
    FALSE
  )
