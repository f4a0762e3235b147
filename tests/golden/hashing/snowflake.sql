-- sha256
((TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 1, 8), 'XXXXXXXX') * 9216 + TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 9, 8), 'XXXXXXXX') * 2896 + TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 17, 8), 'XXXXXXXX') * 2976 + TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 25, 8), 'XXXXXXXX') * 1456 + TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 33, 8), 'XXXXXXXX') * 336 + TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 41, 8), 'XXXXXXXX') * 1616 + TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 49, 8), 'XXXXXXXX') * 7296 + TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 57, 8), 'XXXXXXXX') * 1) % 10000)
-- sha256-60
(TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 1, 15), 'XXXXXXXXXXXXXXX') % 10000)
-- growthbook-v1
/* refused: snowflake has no SQL for growthbook-v1 */
-- growthbook-v2
/* refused: snowflake has no SQL for growthbook-v2 */
-- growthbook-v1-utf8
/* refused: snowflake has no SQL for growthbook-v1-utf8 */
-- growthbook-v2-utf8
/* refused: snowflake has no SQL for growthbook-v2-utf8 */
-- growthbook-v1-utf32
/* refused: snowflake has no SQL for growthbook-v1-utf32 */
-- growthbook-v2-utf32
/* refused: snowflake has no SQL for growthbook-v2-utf32 */
-- statsig
((TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 1, 8), 'XXXXXXXX') * 7296 + TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 9, 8), 'XXXXXXXX') * 1) % 10000)
-- statsig-layer
((TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 1, 8), 'XXXXXXXX') * 296 + TO_NUMBER(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), ''), 256), 9, 8), 'XXXXXXXX') * 1) % 1000)
-- eppo
(TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験-' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') % 10000)
-- eppo-exposure
(TO_NUMBER(SUBSTRING(MD5('exposure-' || NULLIF(CAST(user_id AS VARCHAR), '') || '-it\'s \\ 実験'), 1, 8), 'XXXXXXXX') % 10000)
-- eppo-assignment
(TO_NUMBER(SUBSTRING(MD5('assignment-' || NULLIF(CAST(user_id AS VARCHAR), '') || '-it\'s \\ 実験'), 1, 8), 'XXXXXXXX') % 10000)
-- launchdarkly
CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 100000 + CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 100000) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 100000) % 268435456) / 268435456 AS DECIMAL(38, 0))) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 100000 + CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 100000) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 100000) % 268435456) / 268435456 AS DECIMAL(38, 0))) % 4294967296) / 4294967296 AS DECIMAL(38, 0))
-- posthog
CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '') || 'variant'), 1, 8), 'XXXXXXXX') * 10000 + CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '') || 'variant'), 9, 7), 'XXXXXXX') * 10000) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '') || 'variant'), 9, 7), 'XXXXXXX') * 10000) % 268435456) / 268435456 AS DECIMAL(38, 0))) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '') || 'variant'), 1, 8), 'XXXXXXXX') * 10000 + CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '') || 'variant'), 9, 7), 'XXXXXXX') * 10000) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '') || 'variant'), 9, 7), 'XXXXXXX') * 10000) % 268435456) / 268435456 AS DECIMAL(38, 0))) % 4294967296) / 4294967296 AS DECIMAL(38, 0))
-- posthog-rollout
CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 10000 + CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 10000) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 10000) % 268435456) / 268435456 AS DECIMAL(38, 0))) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 10000 + CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 10000) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 10000) % 268435456) / 268435456 AS DECIMAL(38, 0))) % 4294967296) / 4294967296 AS DECIMAL(38, 0))
-- optimizely
/* refused: snowflake has no SQL for optimizely */
-- unleash
/* refused: snowflake has no SQL for unleash */
-- unleash-rollout
/* refused: snowflake has no SQL for unleash-rollout */
-- split
/* refused: snowflake has no SQL for split */
-- split-legacy
/* refused: snowflake has no SQL for split-legacy */
-- flagsmith
CASE WHEN (TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 7291 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 8), 'XXXXXXXX') * 1897 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 17, 8), 'XXXXXXXX') * 6835 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 25, 8), 'XXXXXXXX') * 1) % 9999 < 9998 THEN (TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 7291 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 8), 'XXXXXXXX') * 1897 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 17, 8), 'XXXXXXXX') * 6835 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 25, 8), 'XXXXXXXX') * 1) % 9999 WHEN (TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 7291 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 8), 'XXXXXXXX') * 1897 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 17, 8), 'XXXXXXXX') * 6835 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 25, 8), 'XXXXXXXX') * 1) % 9999 < 9998 THEN (TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 7291 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 8), 'XXXXXXXX') * 1897 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 17, 8), 'XXXXXXXX') * 6835 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 25, 8), 'XXXXXXXX') * 1) % 9999 WHEN (TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 7291 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 8), 'XXXXXXXX') * 1897 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 17, 8), 'XXXXXXXX') * 6835 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 25, 8), 'XXXXXXXX') * 1) % 9999 < 9998 THEN (TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 7291 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 8), 'XXXXXXXX') * 1897 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 17, 8), 'XXXXXXXX') * 6835 + TO_NUMBER(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')), 25, 8), 'XXXXXXXX') * 1) % 9999 END
-- confidence
/* refused: snowflake has no SQL for confidence */
-- planout
(TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 15), 'XXXXXXXXXXXXXXX') % 10000)
-- planout-weighted
CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 10000 + CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 10000) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 10000) % 268435456) / 268435456 AS DECIMAL(38, 0))) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 1, 8), 'XXXXXXXX') * 10000 + CAST(((TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 10000) - (TO_NUMBER(SUBSTRING(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')), 9, 7), 'XXXXXXX') * 10000) % 268435456) / 268435456 AS DECIMAL(38, 0))) % 4294967296) / 4294967296 AS DECIMAL(38, 0))
-- amplitude
/* refused: snowflake has no SQL for amplitude */
-- amplitude-allocation
/* refused: snowflake has no SQL for amplitude-allocation */
-- flagd
/* refused: snowflake has no SQL for flagd */
-- flagd-v1
/* refused: snowflake has no SQL for flagd-v1 */
-- flagd-v3
/* refused: snowflake has no SQL for flagd-v3 */
-- flagd-v3-text
/* refused: snowflake has no SQL for flagd-v3-text */
-- go-feature-flag
/* refused: snowflake has no SQL for go-feature-flag */
-- flipt
/* refused: snowflake has no SQL for flipt */
-- flipt-boolean
/* refused: snowflake has no SQL for flipt-boolean */
-- devcycle
/* refused: snowflake has no SQL for devcycle */
-- devcycle-rollout
/* refused: snowflake has no SQL for devcycle-rollout */
CREATE OR REPLACE FUNCTION steelyard.steelyard_bucket(salt VARCHAR, unit VARCHAR) RETURNS NUMBER
IMMUTABLE AS $$
  ((TO_NUMBER(SUBSTRING(SHA2(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 1, 8), 'XXXXXXXX') * 9216 + TO_NUMBER(SUBSTRING(SHA2(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 9, 8), 'XXXXXXXX') * 2896 + TO_NUMBER(SUBSTRING(SHA2(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 17, 8), 'XXXXXXXX') * 2976 + TO_NUMBER(SUBSTRING(SHA2(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 25, 8), 'XXXXXXXX') * 1456 + TO_NUMBER(SUBSTRING(SHA2(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 33, 8), 'XXXXXXXX') * 336 + TO_NUMBER(SUBSTRING(SHA2(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 41, 8), 'XXXXXXXX') * 1616 + TO_NUMBER(SUBSTRING(SHA2(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 49, 8), 'XXXXXXXX') * 7296 + TO_NUMBER(SUBSTRING(SHA2(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 57, 8), 'XXXXXXXX') * 1) % 10000)
$$;
DROP FUNCTION IF EXISTS steelyard.steelyard_bucket(VARCHAR, VARCHAR);
CREATE OR REPLACE FUNCTION steelyard.steelyard_variant(experiment VARCHAR, unit VARCHAR) RETURNS VARCHAR
IMMUTABLE AS $$
  CASE WHEN experiment = 'it\'s one' THEN CASE WHEN (TO_NUMBER(SUBSTRING(SHA2('it\'s one:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 1, 15), 'XXXXXXXXXXXXXXX') % 10000) < 5000 THEN 'control' WHEN (TO_NUMBER(SUBSTRING(SHA2('it\'s one:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 1, 15), 'XXXXXXXXXXXXXXX') % 10000) < 10000 THEN 'it\'s \\' END WHEN experiment = 'two' THEN CASE WHEN (TO_NUMBER(SUBSTRING(SHA2('pool:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 1, 15), 'XXXXXXXXXXXXXXX') % 100) IN (1, 3, 99) AND NOT (TO_NUMBER(SUBSTRING(SHA2('pool:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 1, 15), 'XXXXXXXXXXXXXXX') % 100) BETWEEN 10 AND 19 THEN CASE WHEN ((TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 1, 8), 'XXXXXXXX') * 9216 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 9, 8), 'XXXXXXXX') * 2896 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 17, 8), 'XXXXXXXX') * 2976 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 25, 8), 'XXXXXXXX') * 1456 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 33, 8), 'XXXXXXXX') * 336 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 41, 8), 'XXXXXXXX') * 1616 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 49, 8), 'XXXXXXXX') * 7296 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 57, 8), 'XXXXXXXX') * 1) % 10000) < 3334 THEN 'a' WHEN ((TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 1, 8), 'XXXXXXXX') * 9216 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 9, 8), 'XXXXXXXX') * 2896 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 17, 8), 'XXXXXXXX') * 2976 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 25, 8), 'XXXXXXXX') * 1456 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 33, 8), 'XXXXXXXX') * 336 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 41, 8), 'XXXXXXXX') * 1616 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 49, 8), 'XXXXXXXX') * 7296 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 57, 8), 'XXXXXXXX') * 1) % 10000) < 6667 THEN 'b' WHEN ((TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 1, 8), 'XXXXXXXX') * 9216 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 9, 8), 'XXXXXXXX') * 2896 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 17, 8), 'XXXXXXXX') * 2976 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 25, 8), 'XXXXXXXX') * 1456 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 33, 8), 'XXXXXXXX') * 336 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 41, 8), 'XXXXXXXX') * 1616 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 49, 8), 'XXXXXXXX') * 7296 + TO_NUMBER(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS VARCHAR), ''), 256), 57, 8), 'XXXXXXXX') * 1) % 10000) < 10000 THEN 'c' END END END
$$;
DROP FUNCTION IF EXISTS steelyard.steelyard_variant(VARCHAR, VARCHAR);
