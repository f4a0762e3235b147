SELECT
  unit
FROM audited
WHERE
  COALESCE(
    (
      attribute SIMILAR TO '(0|[1-9][0-9]*)([.](0|[1-9][0-9]*)([.](0|[1-9][0-9]*))?)?(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)([.](0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?'
    )
    AND NOT (
      (
        LENGTH(
          COALESCE(
            NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 1), ''),
            '0'
          )
        ) < 1
        OR (
          LENGTH(
            COALESCE(
              NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 1), ''),
              '0'
            )
          ) = 1
          AND COALESCE(
            NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 1), ''),
            '0'
          ) < '2'
        )
      )
      OR (
        COALESCE(
          NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 1), ''),
          '0'
        ) = '2'
        AND (
          (
            LENGTH(
              COALESCE(
                NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 2), ''),
                '0'
              )
            ) < 1
            OR (
              LENGTH(
                COALESCE(
                  NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 2), ''),
                  '0'
                )
              ) = 1
              AND COALESCE(
                NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 2), ''),
                '0'
              ) < '1'
            )
          )
          OR (
            COALESCE(
              NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 2), ''),
              '0'
            ) = '1'
            AND (
              (
                LENGTH(
                  COALESCE(
                    NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 3), ''),
                    '0'
                  )
                ) < 1
                OR (
                  LENGTH(
                    COALESCE(
                      NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 3), ''),
                      '0'
                    )
                  ) = 1
                  AND COALESCE(
                    NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 3), ''),
                    '0'
                  ) < '0'
                )
              )
              OR (
                COALESCE(
                  NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1), '.', 3), ''),
                  '0'
                ) = '0'
                AND (
                  FALSE
                  OR (
                    NOT SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2) = ''
                    AND (
                      (
                        SPLIT_PART(
                          SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                          '.',
                          1
                        ) = ''
                        OR (
                          SPLIT_PART(
                            SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                            '.',
                            1
                          ) SIMILAR TO '[0-9]+'
                        )
                        OR SPLIT_PART(
                          SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                          '.',
                          1
                        ) COLLATE "C" < 'rc'
                      )
                      OR (
                        SPLIT_PART(
                          SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                          '.',
                          1
                        ) = 'rc'
                        AND (
                          (
                            SPLIT_PART(
                              SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                              '.',
                              2
                            ) = ''
                            OR (
                              (
                                SPLIT_PART(
                                  SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                                  '.',
                                  2
                                ) SIMILAR TO '[0-9]+'
                              )
                              AND (
                                LENGTH(
                                  SPLIT_PART(
                                    SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                                    '.',
                                    2
                                  )
                                ) < 1
                                OR (
                                  LENGTH(
                                    SPLIT_PART(
                                      SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                                      '.',
                                      2
                                    )
                                  ) = 1
                                  AND SPLIT_PART(
                                    SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                                    '.',
                                    2
                                  ) COLLATE "C" < '1'
                                )
                              )
                            )
                          )
                          OR (
                            SPLIT_PART(
                              SUBSTRING(SPLIT_PART(attribute, '+', 1) FROM LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2),
                              '.',
                              2
                            ) = '1'
                            AND FALSE
                          )
                        )
                      )
                    )
                  )
                )
              )
            )
          )
        )
      )
    ),
    FALSE
  )
