-- sha256
(MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 9216 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''))), 9, 8)) AS INT64) * 2896 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''))), 17, 8)) AS INT64) * 2976 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''))), 25, 8)) AS INT64) * 1456 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''))), 33, 8)) AS INT64) * 336 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''))), 41, 8)) AS INT64) * 1616 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''))), 49, 8)) AS INT64) * 7296 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''))), 57, 8)) AS INT64) * 1, 10000))
-- sha256-60
(MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験:' || NULLIF(CAST(user_id AS STRING), ''))), 1, 15)) AS INT64), 10000))
-- growthbook-v1
/* refused: bigquery has no SQL for growthbook-v1 */
-- growthbook-v2
/* refused: bigquery has no SQL for growthbook-v2 */
-- growthbook-v1-utf8
/* refused: bigquery has no SQL for growthbook-v1-utf8 */
-- growthbook-v2-utf8
/* refused: bigquery has no SQL for growthbook-v2-utf8 */
-- growthbook-v1-utf32
/* refused: bigquery has no SQL for growthbook-v1-utf32 */
-- growthbook-v2-utf32
/* refused: bigquery has no SQL for growthbook-v2-utf32 */
-- statsig
(MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 7296 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 9, 8)) AS INT64) * 1, 10000))
-- statsig-layer
(MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 296 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 9, 8)) AS INT64) * 1, 1000))
-- eppo
(MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験-' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64), 10000))
-- eppo-exposure
(MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('exposure-' || NULLIF(CAST(user_id AS STRING), '') || '-it\'s \\ 実験')), 1, 8)) AS INT64), 10000))
-- eppo-assignment
(MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('assignment-' || NULLIF(CAST(user_id AS STRING), '') || '-it\'s \\ 実験')), 1, 8)) AS INT64), 10000))
-- launchdarkly
(DIV(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 100000 + DIV(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 9, 7)) AS INT64) * 100000, 268435456), 4294967296))
-- posthog
(DIV(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '') || 'variant')), 1, 8)) AS INT64) * 10000 + DIV(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), '') || 'variant')), 9, 7)) AS INT64) * 10000, 268435456), 4294967296))
-- posthog-rollout
(DIV(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 10000 + DIV(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 9, 7)) AS INT64) * 10000, 268435456), 4294967296))
-- optimizely
/* refused: bigquery has no SQL for optimizely */
-- unleash
/* refused: bigquery has no SQL for unleash */
-- unleash-rollout
/* refused: bigquery has no SQL for unleash-rollout */
-- split
/* refused: bigquery has no SQL for split */
-- split-legacy
/* refused: bigquery has no SQL for split-legacy */
-- flagsmith
CASE WHEN MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 7291 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 9, 8)) AS INT64) * 1897 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 17, 8)) AS INT64) * 6835 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 25, 8)) AS INT64) * 1, 9999) < 9998 THEN MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 7291 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 9, 8)) AS INT64) * 1897 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 17, 8)) AS INT64) * 6835 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 25, 8)) AS INT64) * 1, 9999) WHEN MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 7291 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 9, 8)) AS INT64) * 1897 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 17, 8)) AS INT64) * 6835 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 25, 8)) AS INT64) * 1, 9999) < 9998 THEN MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 7291 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 9, 8)) AS INT64) * 1897 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 17, 8)) AS INT64) * 6835 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 25, 8)) AS INT64) * 1, 9999) WHEN MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 7291 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 9, 8)) AS INT64) * 1897 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 17, 8)) AS INT64) * 6835 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 25, 8)) AS INT64) * 1, 9999) < 9998 THEN MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 7291 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 9, 8)) AS INT64) * 1897 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 17, 8)) AS INT64) * 6835 + CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS STRING), ''))), 25, 8)) AS INT64) * 1, 9999) END
-- confidence
/* refused: bigquery has no SQL for confidence */
-- planout
(MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 1, 15)) AS INT64), 10000))
-- planout-weighted
(DIV(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 1, 8)) AS INT64) * 10000 + DIV(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA1('it\'s \\ 実験.' || NULLIF(CAST(user_id AS STRING), ''))), 9, 7)) AS INT64) * 10000, 268435456), 4294967296))
-- amplitude
/* refused: bigquery has no SQL for amplitude */
-- amplitude-allocation
/* refused: bigquery has no SQL for amplitude-allocation */
-- flagd
/* refused: bigquery has no SQL for flagd */
-- flagd-v1
/* refused: bigquery has no SQL for flagd-v1 */
-- flagd-v3
/* refused: bigquery has no SQL for flagd-v3 */
-- flagd-v3-text
/* refused: bigquery has no SQL for flagd-v3-text */
-- go-feature-flag
/* refused: bigquery has no SQL for go-feature-flag */
-- flipt
/* refused: bigquery has no SQL for flipt */
-- flipt-boolean
/* refused: bigquery has no SQL for flipt-boolean */
-- devcycle
/* refused: bigquery has no SQL for devcycle */
-- devcycle-rollout
/* refused: bigquery has no SQL for devcycle-rollout */
CREATE OR REPLACE FUNCTION steelyard.steelyard_bucket(salt STRING, unit STRING) RETURNS INT64 AS (
  (MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''))), 1, 8)) AS INT64) * 9216 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''))), 9, 8)) AS INT64) * 2896 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''))), 17, 8)) AS INT64) * 2976 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''))), 25, 8)) AS INT64) * 1456 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''))), 33, 8)) AS INT64) * 336 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''))), 41, 8)) AS INT64) * 1616 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''))), 49, 8)) AS INT64) * 7296 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CAST(salt AS STRING) || ':' || NULLIF(CAST(unit AS STRING), ''))), 57, 8)) AS INT64) * 1, 10000))
);
DROP FUNCTION IF EXISTS steelyard.steelyard_bucket;
CREATE OR REPLACE FUNCTION steelyard.steelyard_variant(experiment STRING, unit STRING) RETURNS STRING AS (
  CASE WHEN experiment = 'it\'s one' THEN CASE WHEN (MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s one:' || NULLIF(CAST(unit AS STRING), ''))), 1, 15)) AS INT64), 10000)) < 5000 THEN 'control' WHEN (MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('it\'s one:' || NULLIF(CAST(unit AS STRING), ''))), 1, 15)) AS INT64), 10000)) < 10000 THEN 'it\'s \\' END WHEN experiment = 'two' THEN CASE WHEN (MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('pool:' || NULLIF(CAST(unit AS STRING), ''))), 1, 15)) AS INT64), 100)) IN (1, 3, 99) AND NOT (MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('pool:' || NULLIF(CAST(unit AS STRING), ''))), 1, 15)) AS INT64), 100)) BETWEEN 10 AND 19 THEN CASE WHEN (MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 1, 8)) AS INT64) * 9216 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 9, 8)) AS INT64) * 2896 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 17, 8)) AS INT64) * 2976 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 25, 8)) AS INT64) * 1456 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 33, 8)) AS INT64) * 336 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 41, 8)) AS INT64) * 1616 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 49, 8)) AS INT64) * 7296 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 57, 8)) AS INT64) * 1, 10000)) < 3334 THEN 'a' WHEN (MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 1, 8)) AS INT64) * 9216 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 9, 8)) AS INT64) * 2896 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 17, 8)) AS INT64) * 2976 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 25, 8)) AS INT64) * 1456 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 33, 8)) AS INT64) * 336 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 41, 8)) AS INT64) * 1616 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 49, 8)) AS INT64) * 7296 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 57, 8)) AS INT64) * 1, 10000)) < 6667 THEN 'b' WHEN (MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 1, 8)) AS INT64) * 9216 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 9, 8)) AS INT64) * 2896 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 17, 8)) AS INT64) * 2976 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 25, 8)) AS INT64) * 1456 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 33, 8)) AS INT64) * 336 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 41, 8)) AS INT64) * 1616 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 49, 8)) AS INT64) * 7296 + CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256('salt:' || NULLIF(CAST(unit AS STRING), ''))), 57, 8)) AS INT64) * 1, 10000)) < 10000 THEN 'c' END END END
);
DROP FUNCTION IF EXISTS steelyard.steelyard_variant;
