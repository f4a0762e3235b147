SELECT
  unit
FROM audited
WHERE
  COALESCE(
    REGEXP_LIKE(
      attribute,
      '^(?:(0|[1-9][0-9]*)([.](0|[1-9][0-9]*)([.](0|[1-9][0-9]*))?)?(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)([.](0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?)\z'
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
                NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1) || '.', '.', 2), ''),
                '0'
              )
            ) < 1
            OR (
              LENGTH(
                COALESCE(
                  NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1) || '.', '.', 2), ''),
                  '0'
                )
              ) = 1
              AND COALESCE(
                NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1) || '.', '.', 2), ''),
                '0'
              ) < '1'
            )
          )
          OR (
            COALESCE(
              NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1) || '.', '.', 2), ''),
              '0'
            ) = '1'
            AND (
              (
                LENGTH(
                  COALESCE(
                    NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1) || '..', '.', 3), ''),
                    '0'
                  )
                ) < 1
                OR (
                  LENGTH(
                    COALESCE(
                      NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1) || '..', '.', 3), ''),
                      '0'
                    )
                  ) = 1
                  AND COALESCE(
                    NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1) || '..', '.', 3), ''),
                    '0'
                  ) < '0'
                )
              )
              OR (
                COALESCE(
                  NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1) || '..', '.', 3), ''),
                  '0'
                ) = '0'
                AND (
                  FALSE
                  OR (
                    NOT SUBSTR(
                      SPLIT_PART(attribute, '+', 1),
                      LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                    ) = ''
                    AND (
                      (
                        SPLIT_PART(
                          SUBSTR(
                            SPLIT_PART(attribute, '+', 1),
                            LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                          ),
                          '.',
                          1
                        ) = ''
                        OR REGEXP_LIKE(
                          SPLIT_PART(
                            SUBSTR(
                              SPLIT_PART(attribute, '+', 1),
                              LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                            ),
                            '.',
                            1
                          ),
                          '^(?:[0-9]+)\z'
                        )
                        OR SPLIT_PART(
                          SUBSTR(
                            SPLIT_PART(attribute, '+', 1),
                            LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                          ),
                          '.',
                          1
                        ) < 'rc'
                      )
                      OR (
                        SPLIT_PART(
                          SUBSTR(
                            SPLIT_PART(attribute, '+', 1),
                            LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                          ),
                          '.',
                          1
                        ) = 'rc'
                        AND (
                          (
                            SPLIT_PART(
                              SUBSTR(
                                SPLIT_PART(attribute, '+', 1),
                                LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                              ) || '.',
                              '.',
                              2
                            ) = ''
                            OR (
                              REGEXP_LIKE(
                                SPLIT_PART(
                                  SUBSTR(
                                    SPLIT_PART(attribute, '+', 1),
                                    LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                                  ) || '.',
                                  '.',
                                  2
                                ),
                                '^(?:[0-9]+)\z'
                              )
                              AND (
                                LENGTH(
                                  SPLIT_PART(
                                    SUBSTR(
                                      SPLIT_PART(attribute, '+', 1),
                                      LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                                    ) || '.',
                                    '.',
                                    2
                                  )
                                ) < 1
                                OR (
                                  LENGTH(
                                    SPLIT_PART(
                                      SUBSTR(
                                        SPLIT_PART(attribute, '+', 1),
                                        LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                                      ) || '.',
                                      '.',
                                      2
                                    )
                                  ) = 1
                                  AND SPLIT_PART(
                                    SUBSTR(
                                      SPLIT_PART(attribute, '+', 1),
                                      LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                                    ) || '.',
                                    '.',
                                    2
                                  ) < '1'
                                )
                              )
                            )
                          )
                          OR (
                            SPLIT_PART(
                              SUBSTR(
                                SPLIT_PART(attribute, '+', 1),
                                LENGTH(SPLIT_PART(SPLIT_PART(attribute, '+', 1), '-', 1)) + 2
                              ) || '.',
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
