-- sha256
((CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''), 256), 1, 8), 16, 10) AS BIGINT) * 9216 + CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''), 256), 9, 8), 16, 10) AS BIGINT) * 2896 + CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''), 256), 17, 8), 16, 10) AS BIGINT) * 2976 + CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''), 256), 25, 8), 16, 10) AS BIGINT) * 1456 + CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''), 256), 33, 8), 16, 10) AS BIGINT) * 336 + CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''), 256), 41, 8), 16, 10) AS BIGINT) * 1616 + CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''), 256), 49, 8), 16, 10) AS BIGINT) * 7296 + CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''), 256), 57, 8), 16, 10) AS BIGINT) * 1) % 10000)
-- sha256-60
(CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''), 256), 1, 15), 16, 10) AS BIGINT) % 10000)
-- growthbook-v1
/* refused: databricks has no SQL for growthbook-v1 */
-- growthbook-v2
/* refused: databricks has no SQL for growthbook-v2 */
-- growthbook-v1-utf8
/* refused: databricks has no SQL for growthbook-v1-utf8 */
-- growthbook-v2-utf8
/* refused: databricks has no SQL for growthbook-v2-utf8 */
-- growthbook-v1-utf32
/* refused: databricks has no SQL for growthbook-v1-utf32 */
-- growthbook-v2-utf32
/* refused: databricks has no SQL for growthbook-v2-utf32 */
-- statsig
((CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''), 256), 1, 8), 16, 10) AS BIGINT) * 7296 + CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''), 256), 9, 8), 16, 10) AS BIGINT) * 1) % 10000)
-- statsig-layer
((CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''), 256), 1, 8), 16, 10) AS BIGINT) * 296 + CAST(CONV(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''), 256), 9, 8), 16, 10) AS BIGINT) * 1) % 1000)
-- eppo
(CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験-' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) % 10000)
-- eppo-exposure
(CAST(CONV(SUBSTRING(MD5('exposure-' || NULLIF(CAST(user_id AS STRING), '') || '-it\'s \\ 実験'), 1, 8), 16, 10) AS BIGINT) % 10000)
-- eppo-assignment
(CAST(CONV(SUBSTRING(MD5('assignment-' || NULLIF(CAST(user_id AS STRING), '') || '-it\'s \\ 実験'), 1, 8), 16, 10) AS BIGINT) % 10000)
-- launchdarkly
((CAST(CONV(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) * 100000 + (CAST(CONV(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '')), 9, 7), 16, 10) AS BIGINT) * 100000) DIV 268435456) DIV 4294967296)
-- posthog
((CAST(CONV(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '') || 'variant'), 1, 8), 16, 10) AS BIGINT) * 10000 + (CAST(CONV(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '') || 'variant'), 9, 7), 16, 10) AS BIGINT) * 10000) DIV 268435456) DIV 4294967296)
-- posthog-rollout
((CAST(CONV(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) * 10000 + (CAST(CONV(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '')), 9, 7), 16, 10) AS BIGINT) * 10000) DIV 268435456) DIV 4294967296)
-- optimizely
/* refused: databricks has no SQL for optimizely */
-- unleash
/* refused: databricks has no SQL for unleash */
-- unleash-rollout
/* refused: databricks has no SQL for unleash-rollout */
-- split
/* refused: databricks has no SQL for split */
-- split-legacy
/* refused: databricks has no SQL for split-legacy */
-- flagsmith
CASE WHEN (CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) * 7291 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 9, 8), 16, 10) AS BIGINT) * 1897 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 17, 8), 16, 10) AS BIGINT) * 6835 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 25, 8), 16, 10) AS BIGINT) * 1) % 9999 < 9998 THEN (CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) * 7291 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 9, 8), 16, 10) AS BIGINT) * 1897 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 17, 8), 16, 10) AS BIGINT) * 6835 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 25, 8), 16, 10) AS BIGINT) * 1) % 9999 WHEN (CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) * 7291 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 9, 8), 16, 10) AS BIGINT) * 1897 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 17, 8), 16, 10) AS BIGINT) * 6835 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 25, 8), 16, 10) AS BIGINT) * 1) % 9999 < 9998 THEN (CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) * 7291 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 9, 8), 16, 10) AS BIGINT) * 1897 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 17, 8), 16, 10) AS BIGINT) * 6835 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 25, 8), 16, 10) AS BIGINT) * 1) % 9999 WHEN (CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) * 7291 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 9, 8), 16, 10) AS BIGINT) * 1897 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 17, 8), 16, 10) AS BIGINT) * 6835 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 25, 8), 16, 10) AS BIGINT) * 1) % 9999 < 9998 THEN (CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) * 7291 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 9, 8), 16, 10) AS BIGINT) * 1897 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 17, 8), 16, 10) AS BIGINT) * 6835 + CAST(CONV(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '')), 25, 8), 16, 10) AS BIGINT) * 1) % 9999 END
-- confidence
/* refused: databricks has no SQL for confidence */
-- planout
(CAST(CONV(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '')), 1, 15), 16, 10) AS BIGINT) % 10000)
-- planout-weighted
((CAST(CONV(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '')), 1, 8), 16, 10) AS BIGINT) * 10000 + (CAST(CONV(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '')), 9, 7), 16, 10) AS BIGINT) * 10000) DIV 268435456) DIV 4294967296)
-- amplitude
/* refused: databricks has no SQL for amplitude */
-- amplitude-allocation
/* refused: databricks has no SQL for amplitude-allocation */
-- flagd
/* refused: databricks has no SQL for flagd */
-- flagd-v1
/* refused: databricks has no SQL for flagd-v1 */
-- flagd-v3
/* refused: databricks has no SQL for flagd-v3 */
-- flagd-v3-text
/* refused: databricks has no SQL for flagd-v3-text */
-- go-feature-flag
/* refused: databricks has no SQL for go-feature-flag */
-- flipt
((CRC32('it\'s \\ 実験' || NULLIF(CAST(user_id AS STRING), ''))) % 1000)
-- flipt-boolean
((CRC32(NULLIF(CAST(user_id AS STRING), '') || 'it\'s \\ 実験')) % 100)
-- devcycle
/* refused: databricks has no SQL for devcycle */
-- devcycle-rollout
/* refused: databricks has no SQL for devcycle-rollout */
CREATE OR REPLACE FUNCTION steelyard.steelyard_bucket(salt STRING, unit STRING) RETURNS BIGINT
RETURN ((CAST(CONV(SUBSTRING(SHA2(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''), 256), 1, 8), 16, 10) AS BIGINT) * 9216 + CAST(CONV(SUBSTRING(SHA2(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''), 256), 9, 8), 16, 10) AS BIGINT) * 2896 + CAST(CONV(SUBSTRING(SHA2(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''), 256), 17, 8), 16, 10) AS BIGINT) * 2976 + CAST(CONV(SUBSTRING(SHA2(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''), 256), 25, 8), 16, 10) AS BIGINT) * 1456 + CAST(CONV(SUBSTRING(SHA2(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''), 256), 33, 8), 16, 10) AS BIGINT) * 336 + CAST(CONV(SUBSTRING(SHA2(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''), 256), 41, 8), 16, 10) AS BIGINT) * 1616 + CAST(CONV(SUBSTRING(SHA2(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''), 256), 49, 8), 16, 10) AS BIGINT) * 7296 + CAST(CONV(SUBSTRING(SHA2(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''), 256), 57, 8), 16, 10) AS BIGINT) * 1) % 10000);
DROP FUNCTION IF EXISTS steelyard.steelyard_bucket;
CREATE OR REPLACE FUNCTION steelyard.steelyard_variant(experiment STRING, unit STRING) RETURNS STRING
RETURN CASE WHEN experiment = 'it\'s one' THEN CASE WHEN (CAST(CONV(SUBSTRING(SHA2('it\'s one:' || NULLIF(CAST(unit AS STRING), ''), 256), 1, 15), 16, 10) AS BIGINT) % 10000) < 5000 THEN 'control' WHEN (CAST(CONV(SUBSTRING(SHA2('it\'s one:' || NULLIF(CAST(unit AS STRING), ''), 256), 1, 15), 16, 10) AS BIGINT) % 10000) < 10000 THEN 'it\'s \\' END WHEN experiment = 'two' THEN CASE WHEN (CAST(CONV(SUBSTRING(SHA2('pool:' || NULLIF(CAST(unit AS STRING), ''), 256), 1, 15), 16, 10) AS BIGINT) % 100) IN (1, 3, 99) AND NOT (CAST(CONV(SUBSTRING(SHA2('pool:' || NULLIF(CAST(unit AS STRING), ''), 256), 1, 15), 16, 10) AS BIGINT) % 100) BETWEEN 10 AND 19 THEN CASE WHEN ((CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 1, 8), 16, 10) AS BIGINT) * 9216 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 9, 8), 16, 10) AS BIGINT) * 2896 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 17, 8), 16, 10) AS BIGINT) * 2976 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 25, 8), 16, 10) AS BIGINT) * 1456 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 33, 8), 16, 10) AS BIGINT) * 336 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 41, 8), 16, 10) AS BIGINT) * 1616 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 49, 8), 16, 10) AS BIGINT) * 7296 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 57, 8), 16, 10) AS BIGINT) * 1) % 10000) < 3334 THEN 'a' WHEN ((CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 1, 8), 16, 10) AS BIGINT) * 9216 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 9, 8), 16, 10) AS BIGINT) * 2896 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 17, 8), 16, 10) AS BIGINT) * 2976 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 25, 8), 16, 10) AS BIGINT) * 1456 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 33, 8), 16, 10) AS BIGINT) * 336 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 41, 8), 16, 10) AS BIGINT) * 1616 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 49, 8), 16, 10) AS BIGINT) * 7296 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 57, 8), 16, 10) AS BIGINT) * 1) % 10000) < 6667 THEN 'b' WHEN ((CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 1, 8), 16, 10) AS BIGINT) * 9216 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 9, 8), 16, 10) AS BIGINT) * 2896 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 17, 8), 16, 10) AS BIGINT) * 2976 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 25, 8), 16, 10) AS BIGINT) * 1456 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 33, 8), 16, 10) AS BIGINT) * 336 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 41, 8), 16, 10) AS BIGINT) * 1616 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 49, 8), 16, 10) AS BIGINT) * 7296 + CAST(CONV(SUBSTRING(SHA2('salt:' || NULLIF(CAST(unit AS STRING), ''), 256), 57, 8), 16, 10) AS BIGINT) * 1) % 10000) < 10000 THEN 'c' END END END;
DROP FUNCTION IF EXISTS steelyard.steelyard_variant;
