SELECT
  unit
FROM audited
WHERE
  COALESCE(
    match(
      attribute,
      '^(?:(0|[1-9][0-9]*)([.](0|[1-9][0-9]*)([.](0|[1-9][0-9]*))?)?(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)([.](0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?)$'
    )
    AND NOT (
      (
        CHAR_LENGTH(
          COALESCE(
            nullIf(
              regexpExtract(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1), '^([^.]*)', 1),
              ''
            ),
            '0'
          )
        ) < 1
        OR (
          CHAR_LENGTH(
            COALESCE(
              nullIf(
                regexpExtract(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1), '^([^.]*)', 1),
                ''
              ),
              '0'
            )
          ) = 1
          AND COALESCE(
            nullIf(
              regexpExtract(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1), '^([^.]*)', 1),
              ''
            ),
            '0'
          ) < '2'
        )
      )
      OR (
        COALESCE(
          nullIf(
            regexpExtract(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1), '^([^.]*)', 1),
            ''
          ),
          '0'
        ) = '2'
        AND (
          (
            CHAR_LENGTH(
              COALESCE(
                nullIf(
                  regexpExtract(
                    regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1) || '.',
                    '^(?:[^.]*[.]){1}([^.]*)',
                    1
                  ),
                  ''
                ),
                '0'
              )
            ) < 1
            OR (
              CHAR_LENGTH(
                COALESCE(
                  nullIf(
                    regexpExtract(
                      regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1) || '.',
                      '^(?:[^.]*[.]){1}([^.]*)',
                      1
                    ),
                    ''
                  ),
                  '0'
                )
              ) = 1
              AND COALESCE(
                nullIf(
                  regexpExtract(
                    regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1) || '.',
                    '^(?:[^.]*[.]){1}([^.]*)',
                    1
                  ),
                  ''
                ),
                '0'
              ) < '1'
            )
          )
          OR (
            COALESCE(
              nullIf(
                regexpExtract(
                  regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1) || '.',
                  '^(?:[^.]*[.]){1}([^.]*)',
                  1
                ),
                ''
              ),
              '0'
            ) = '1'
            AND (
              (
                CHAR_LENGTH(
                  COALESCE(
                    nullIf(
                      regexpExtract(
                        regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1) || '..',
                        '^(?:[^.]*[.]){2}([^.]*)',
                        1
                      ),
                      ''
                    ),
                    '0'
                  )
                ) < 1
                OR (
                  CHAR_LENGTH(
                    COALESCE(
                      nullIf(
                        regexpExtract(
                          regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1) || '..',
                          '^(?:[^.]*[.]){2}([^.]*)',
                          1
                        ),
                        ''
                      ),
                      '0'
                    )
                  ) = 1
                  AND COALESCE(
                    nullIf(
                      regexpExtract(
                        regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1) || '..',
                        '^(?:[^.]*[.]){2}([^.]*)',
                        1
                      ),
                      ''
                    ),
                    '0'
                  ) < '0'
                )
              )
              OR (
                COALESCE(
                  nullIf(
                    regexpExtract(
                      regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1) || '..',
                      '^(?:[^.]*[.]){2}([^.]*)',
                      1
                    ),
                    ''
                  ),
                  '0'
                ) = '0'
                AND (
                  FALSE
                  OR (
                    NOT substringUTF8(
                      regexpExtract(attribute, '^([^+]*)', 1),
                      CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                    ) = ''
                    AND (
                      (
                        regexpExtract(
                          substringUTF8(
                            regexpExtract(attribute, '^([^+]*)', 1),
                            CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                          ),
                          '^([^.]*)',
                          1
                        ) = ''
                        OR match(
                          regexpExtract(
                            substringUTF8(
                              regexpExtract(attribute, '^([^+]*)', 1),
                              CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                            ),
                            '^([^.]*)',
                            1
                          ),
                          '^(?:[0-9]+)$'
                        )
                        OR regexpExtract(
                          substringUTF8(
                            regexpExtract(attribute, '^([^+]*)', 1),
                            CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                          ),
                          '^([^.]*)',
                          1
                        ) < 'rc'
                      )
                      OR (
                        regexpExtract(
                          substringUTF8(
                            regexpExtract(attribute, '^([^+]*)', 1),
                            CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                          ),
                          '^([^.]*)',
                          1
                        ) = 'rc'
                        AND (
                          (
                            regexpExtract(
                              substringUTF8(
                                regexpExtract(attribute, '^([^+]*)', 1),
                                CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                              ) || '.',
                              '^(?:[^.]*[.]){1}([^.]*)',
                              1
                            ) = ''
                            OR (
                              match(
                                regexpExtract(
                                  substringUTF8(
                                    regexpExtract(attribute, '^([^+]*)', 1),
                                    CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                                  ) || '.',
                                  '^(?:[^.]*[.]){1}([^.]*)',
                                  1
                                ),
                                '^(?:[0-9]+)$'
                              )
                              AND (
                                CHAR_LENGTH(
                                  regexpExtract(
                                    substringUTF8(
                                      regexpExtract(attribute, '^([^+]*)', 1),
                                      CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                                    ) || '.',
                                    '^(?:[^.]*[.]){1}([^.]*)',
                                    1
                                  )
                                ) < 1
                                OR (
                                  CHAR_LENGTH(
                                    regexpExtract(
                                      substringUTF8(
                                        regexpExtract(attribute, '^([^+]*)', 1),
                                        CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                                      ) || '.',
                                      '^(?:[^.]*[.]){1}([^.]*)',
                                      1
                                    )
                                  ) = 1
                                  AND regexpExtract(
                                    substringUTF8(
                                      regexpExtract(attribute, '^([^+]*)', 1),
                                      CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                                    ) || '.',
                                    '^(?:[^.]*[.]){1}([^.]*)',
                                    1
                                  ) < '1'
                                )
                              )
                            )
                          )
                          OR (
                            regexpExtract(
                              substringUTF8(
                                regexpExtract(attribute, '^([^+]*)', 1),
                                CHAR_LENGTH(regexpExtract(regexpExtract(attribute, '^([^+]*)', 1), '^([^-]*)', 1)) + 2
                              ) || '.',
                              '^(?:[^.]*[.]){1}([^.]*)',
                              1
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
SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1, prefer_column_name_to_alias = 1, session_timezone = 'UTC'
