SELECT
  unit
FROM audited
WHERE
  COALESCE(
    REGEXP_CONTAINS(
      attribute,
      '^(?:(0|[1-9][0-9]*)([.](0|[1-9][0-9]*)([.](0|[1-9][0-9]*))?)?(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)([.](0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?)$'
    )
    AND NOT (
      (
        LENGTH(
          COALESCE(
            NULLIF(
              REGEXP_EXTRACT(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)'), '^([^.]*)'),
              ''
            ),
            '0'
          )
        ) < 1
        OR (
          LENGTH(
            COALESCE(
              NULLIF(
                REGEXP_EXTRACT(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)'), '^([^.]*)'),
                ''
              ),
              '0'
            )
          ) = 1
          AND COALESCE(
            NULLIF(
              REGEXP_EXTRACT(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)'), '^([^.]*)'),
              ''
            ),
            '0'
          ) < '2'
        )
      )
      OR (
        COALESCE(
          NULLIF(
            REGEXP_EXTRACT(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)'), '^([^.]*)'),
            ''
          ),
          '0'
        ) = '2'
        AND (
          (
            LENGTH(
              COALESCE(
                NULLIF(
                  REGEXP_EXTRACT(
                    REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)') || '.',
                    '^(?:[^.]*[.]){1}([^.]*)'
                  ),
                  ''
                ),
                '0'
              )
            ) < 1
            OR (
              LENGTH(
                COALESCE(
                  NULLIF(
                    REGEXP_EXTRACT(
                      REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)') || '.',
                      '^(?:[^.]*[.]){1}([^.]*)'
                    ),
                    ''
                  ),
                  '0'
                )
              ) = 1
              AND COALESCE(
                NULLIF(
                  REGEXP_EXTRACT(
                    REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)') || '.',
                    '^(?:[^.]*[.]){1}([^.]*)'
                  ),
                  ''
                ),
                '0'
              ) < '1'
            )
          )
          OR (
            COALESCE(
              NULLIF(
                REGEXP_EXTRACT(
                  REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)') || '.',
                  '^(?:[^.]*[.]){1}([^.]*)'
                ),
                ''
              ),
              '0'
            ) = '1'
            AND (
              (
                LENGTH(
                  COALESCE(
                    NULLIF(
                      REGEXP_EXTRACT(
                        REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)') || '..',
                        '^(?:[^.]*[.]){2}([^.]*)'
                      ),
                      ''
                    ),
                    '0'
                  )
                ) < 1
                OR (
                  LENGTH(
                    COALESCE(
                      NULLIF(
                        REGEXP_EXTRACT(
                          REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)') || '..',
                          '^(?:[^.]*[.]){2}([^.]*)'
                        ),
                        ''
                      ),
                      '0'
                    )
                  ) = 1
                  AND COALESCE(
                    NULLIF(
                      REGEXP_EXTRACT(
                        REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)') || '..',
                        '^(?:[^.]*[.]){2}([^.]*)'
                      ),
                      ''
                    ),
                    '0'
                  ) < '0'
                )
              )
              OR (
                COALESCE(
                  NULLIF(
                    REGEXP_EXTRACT(
                      REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)') || '..',
                      '^(?:[^.]*[.]){2}([^.]*)'
                    ),
                    ''
                  ),
                  '0'
                ) = '0'
                AND (
                  FALSE
                  OR (
                    NOT SUBSTRING(
                      REGEXP_EXTRACT(attribute, '^([^+]*)'),
                      LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                    ) = ''
                    AND (
                      (
                        REGEXP_EXTRACT(
                          SUBSTRING(
                            REGEXP_EXTRACT(attribute, '^([^+]*)'),
                            LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                          ),
                          '^([^.]*)'
                        ) = ''
                        OR REGEXP_CONTAINS(
                          REGEXP_EXTRACT(
                            SUBSTRING(
                              REGEXP_EXTRACT(attribute, '^([^+]*)'),
                              LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                            ),
                            '^([^.]*)'
                          ),
                          '^(?:[0-9]+)$'
                        )
                        OR REGEXP_EXTRACT(
                          SUBSTRING(
                            REGEXP_EXTRACT(attribute, '^([^+]*)'),
                            LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                          ),
                          '^([^.]*)'
                        ) < 'rc'
                      )
                      OR (
                        REGEXP_EXTRACT(
                          SUBSTRING(
                            REGEXP_EXTRACT(attribute, '^([^+]*)'),
                            LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                          ),
                          '^([^.]*)'
                        ) = 'rc'
                        AND (
                          (
                            REGEXP_EXTRACT(
                              SUBSTRING(
                                REGEXP_EXTRACT(attribute, '^([^+]*)'),
                                LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                              ) || '.',
                              '^(?:[^.]*[.]){1}([^.]*)'
                            ) = ''
                            OR (
                              REGEXP_CONTAINS(
                                REGEXP_EXTRACT(
                                  SUBSTRING(
                                    REGEXP_EXTRACT(attribute, '^([^+]*)'),
                                    LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                                  ) || '.',
                                  '^(?:[^.]*[.]){1}([^.]*)'
                                ),
                                '^(?:[0-9]+)$'
                              )
                              AND (
                                LENGTH(
                                  REGEXP_EXTRACT(
                                    SUBSTRING(
                                      REGEXP_EXTRACT(attribute, '^([^+]*)'),
                                      LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                                    ) || '.',
                                    '^(?:[^.]*[.]){1}([^.]*)'
                                  )
                                ) < 1
                                OR (
                                  LENGTH(
                                    REGEXP_EXTRACT(
                                      SUBSTRING(
                                        REGEXP_EXTRACT(attribute, '^([^+]*)'),
                                        LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                                      ) || '.',
                                      '^(?:[^.]*[.]){1}([^.]*)'
                                    )
                                  ) = 1
                                  AND REGEXP_EXTRACT(
                                    SUBSTRING(
                                      REGEXP_EXTRACT(attribute, '^([^+]*)'),
                                      LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                                    ) || '.',
                                    '^(?:[^.]*[.]){1}([^.]*)'
                                  ) < '1'
                                )
                              )
                            )
                          )
                          OR (
                            REGEXP_EXTRACT(
                              SUBSTRING(
                                REGEXP_EXTRACT(attribute, '^([^+]*)'),
                                LENGTH(REGEXP_EXTRACT(REGEXP_EXTRACT(attribute, '^([^+]*)'), '^([^-]*)')) + 2
                              ) || '.',
                              '^(?:[^.]*[.]){1}([^.]*)'
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
