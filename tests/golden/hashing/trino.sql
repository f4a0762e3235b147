-- sha256
((FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験:' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 9216 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験:' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 8), 16) * 2896 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験:' || NULLIF(CAST(user_id AS VARCHAR), '')))), 17, 8), 16) * 2976 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験:' || NULLIF(CAST(user_id AS VARCHAR), '')))), 25, 8), 16) * 1456 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験:' || NULLIF(CAST(user_id AS VARCHAR), '')))), 33, 8), 16) * 336 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験:' || NULLIF(CAST(user_id AS VARCHAR), '')))), 41, 8), 16) * 1616 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験:' || NULLIF(CAST(user_id AS VARCHAR), '')))), 49, 8), 16) * 7296 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験:' || NULLIF(CAST(user_id AS VARCHAR), '')))), 57, 8), 16) * 1) % 10000)
-- sha256-60
(FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験:' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 15), 16) % 10000)
-- growthbook-v1
/* refused: trino has no SQL for growthbook-v1 */
-- growthbook-v2
/* refused: trino has no SQL for growthbook-v2 */
-- growthbook-v1-utf8
/* refused: trino has no SQL for growthbook-v1-utf8 */
-- growthbook-v2-utf8
/* refused: trino has no SQL for growthbook-v2-utf8 */
-- growthbook-v1-utf32
/* refused: trino has no SQL for growthbook-v1-utf32 */
-- growthbook-v2-utf32
/* refused: trino has no SQL for growthbook-v2-utf32 */
-- statsig
((FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 7296 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 8), 16) * 1) % 10000)
-- statsig-layer
((FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 296 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 8), 16) * 1) % 1000)
-- eppo
(FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験-' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) % 10000)
-- eppo-exposure
(FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('exposure-' || NULLIF(CAST(user_id AS VARCHAR), '') || '-it''s \ 実験'))), 1, 8), 16) % 10000)
-- eppo-assignment
(FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('assignment-' || NULLIF(CAST(user_id AS VARCHAR), '') || '-it''s \ 実験'))), 1, 8), 16) % 10000)
-- launchdarkly
((FROM_BASE(SUBSTR(TO_HEX(SHA1(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 100000 + (FROM_BASE(SUBSTR(TO_HEX(SHA1(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 7), 16) * 100000) / 268435456) / 4294967296)
-- posthog
((FROM_BASE(SUBSTR(TO_HEX(SHA1(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '') || 'variant'))), 1, 8), 16) * 10000 + (FROM_BASE(SUBSTR(TO_HEX(SHA1(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '') || 'variant'))), 9, 7), 16) * 10000) / 268435456) / 4294967296)
-- posthog-rollout
((FROM_BASE(SUBSTR(TO_HEX(SHA1(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 10000 + (FROM_BASE(SUBSTR(TO_HEX(SHA1(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 7), 16) * 10000) / 268435456) / 4294967296)
-- optimizely
/* refused: trino has no SQL for optimizely */
-- unleash
/* refused: trino has no SQL for unleash */
-- unleash-rollout
/* refused: trino has no SQL for unleash-rollout */
-- split
/* refused: trino has no SQL for split */
-- split-legacy
/* refused: trino has no SQL for split-legacy */
-- flagsmith
CASE WHEN (FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 7291 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 8), 16) * 1897 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 17, 8), 16) * 6835 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 25, 8), 16) * 1) % 9999 < 9998 THEN (FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 7291 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 8), 16) * 1897 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 17, 8), 16) * 6835 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 25, 8), 16) * 1) % 9999 WHEN (FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 7291 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 8), 16) * 1897 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 17, 8), 16) * 6835 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 25, 8), 16) * 1) % 9999 < 9998 THEN (FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 7291 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 8), 16) * 1897 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 17, 8), 16) * 6835 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 25, 8), 16) * 1) % 9999 WHEN (FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 7291 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 8), 16) * 1897 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 17, 8), 16) * 6835 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 25, 8), 16) * 1) % 9999 < 9998 THEN (FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 7291 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 8), 16) * 1897 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 17, 8), 16) * 6835 + FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8('it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS VARCHAR), '')))), 25, 8), 16) * 1) % 9999 END
-- confidence
/* refused: trino has no SQL for confidence */
-- planout
(FROM_BASE(SUBSTR(TO_HEX(SHA1(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 15), 16) % 10000)
-- planout-weighted
((FROM_BASE(SUBSTR(TO_HEX(SHA1(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 1, 8), 16) * 10000 + (FROM_BASE(SUBSTR(TO_HEX(SHA1(TO_UTF8('it''s \ 実験.' || NULLIF(CAST(user_id AS VARCHAR), '')))), 9, 7), 16) * 10000) / 268435456) / 4294967296)
-- amplitude
/* refused: trino has no SQL for amplitude */
-- amplitude-allocation
/* refused: trino has no SQL for amplitude-allocation */
-- flagd
/* refused: trino has no SQL for flagd */
-- flagd-v1
/* refused: trino has no SQL for flagd-v1 */
-- flagd-v3
/* refused: trino has no SQL for flagd-v3 */
-- flagd-v3-text
/* refused: trino has no SQL for flagd-v3-text */
-- go-feature-flag
/* refused: trino has no SQL for go-feature-flag */
-- flipt
((CRC32(TO_UTF8('it''s \ 実験' || NULLIF(CAST(user_id AS VARCHAR), '')))) % 1000)
-- flipt-boolean
((CRC32(TO_UTF8(NULLIF(CAST(user_id AS VARCHAR), '') || 'it''s \ 実験'))) % 100)
-- devcycle
/* refused: trino has no SQL for devcycle */
-- devcycle-rollout
/* refused: trino has no SQL for devcycle-rollout */
CREATE OR REPLACE FUNCTION steelyard.steelyard_bucket(salt VARCHAR, unit VARCHAR) RETURNS BIGINT
RETURN ((FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), '')))), 1, 8), 16) * 9216 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), '')))), 9, 8), 16) * 2896 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), '')))), 17, 8), 16) * 2976 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), '')))), 25, 8), 16) * 1456 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), '')))), 33, 8), 16) * 336 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), '')))), 41, 8), 16) * 1616 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), '')))), 49, 8), 16) * 7296 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8(CAST(salt AS VARCHAR) || ':' || NULLIF(CAST(unit AS VARCHAR), '')))), 57, 8), 16) * 1) % 10000);
DROP FUNCTION IF EXISTS steelyard.steelyard_bucket(VARCHAR, VARCHAR);
CREATE OR REPLACE FUNCTION steelyard.steelyard_variant(experiment VARCHAR, unit VARCHAR) RETURNS VARCHAR
RETURN CASE WHEN experiment = 'it''s one' THEN CASE WHEN (FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s one:' || NULLIF(CAST(unit AS VARCHAR), '')))), 1, 15), 16) % 10000) < 5000 THEN 'control' WHEN (FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('it''s one:' || NULLIF(CAST(unit AS VARCHAR), '')))), 1, 15), 16) % 10000) < 10000 THEN 'it''s \' END WHEN experiment = 'two' THEN CASE WHEN (FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('pool:' || NULLIF(CAST(unit AS VARCHAR), '')))), 1, 15), 16) % 100) IN (1, 3, 99) AND NOT (FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('pool:' || NULLIF(CAST(unit AS VARCHAR), '')))), 1, 15), 16) % 100) BETWEEN 10 AND 19 THEN CASE WHEN ((FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 1, 8), 16) * 9216 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 9, 8), 16) * 2896 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 17, 8), 16) * 2976 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 25, 8), 16) * 1456 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 33, 8), 16) * 336 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 41, 8), 16) * 1616 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 49, 8), 16) * 7296 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 57, 8), 16) * 1) % 10000) < 3334 THEN 'a' WHEN ((FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 1, 8), 16) * 9216 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 9, 8), 16) * 2896 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 17, 8), 16) * 2976 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 25, 8), 16) * 1456 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 33, 8), 16) * 336 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 41, 8), 16) * 1616 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 49, 8), 16) * 7296 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 57, 8), 16) * 1) % 10000) < 6667 THEN 'b' WHEN ((FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 1, 8), 16) * 9216 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 9, 8), 16) * 2896 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 17, 8), 16) * 2976 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 25, 8), 16) * 1456 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 33, 8), 16) * 336 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 41, 8), 16) * 1616 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 49, 8), 16) * 7296 + FROM_BASE(SUBSTR(TO_HEX(SHA256(TO_UTF8('salt:' || NULLIF(CAST(unit AS VARCHAR), '')))), 57, 8), 16) * 1) % 10000) < 10000 THEN 'c' END END END;
DROP FUNCTION IF EXISTS steelyard.steelyard_variant(VARCHAR, VARCHAR);
