-- sha256
toInt64(reinterpretAsUInt256(reverse(SUBSTRING(SHA256('it''s \\ 実験:' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 32))) % 10000)
-- sha256-60
toInt64(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA256('it''s \\ 実験:' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 8))), 4) % 10000)
-- growthbook-v1
/* refused: clickhouse has no SQL for growthbook-v1 */
-- growthbook-v2
/* refused: clickhouse has no SQL for growthbook-v2 */
-- growthbook-v1-utf8
/* refused: clickhouse has no SQL for growthbook-v1-utf8 */
-- growthbook-v2-utf8
/* refused: clickhouse has no SQL for growthbook-v2-utf8 */
-- growthbook-v1-utf32
/* refused: clickhouse has no SQL for growthbook-v1-utf32 */
-- growthbook-v2-utf32
/* refused: clickhouse has no SQL for growthbook-v2-utf32 */
-- statsig
toInt64(reinterpretAsUInt64(reverse(SUBSTRING(SHA256('it''s \\ 実験.' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 8))) % 10000)
-- statsig-layer
toInt64(reinterpretAsUInt64(reverse(SUBSTRING(SHA256('it''s \\ 実験.' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 8))) % 1000)
-- eppo
toInt64(reinterpretAsUInt32(reverse(SUBSTRING(MD5('it''s \\ 実験-' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 4))) % 10000)
-- eppo-exposure
toInt64(reinterpretAsUInt32(reverse(SUBSTRING(MD5('exposure-' || nullIf(CAST(user_id AS Nullable(String)), '') || '-it''s \\ 実験'), 1, 4))) % 10000)
-- eppo-assignment
toInt64(reinterpretAsUInt32(reverse(SUBSTRING(MD5('assignment-' || nullIf(CAST(user_id AS Nullable(String)), '') || '-it''s \\ 実験'), 1, 4))) % 10000)
-- launchdarkly
toInt64(bitShiftRight(toUInt128(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA1('it''s \\ 実験.' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 8))), 4)) * 100000, 60))
-- posthog
toInt64(bitShiftRight(toUInt128(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA1('it''s \\ 実験.' || nullIf(CAST(user_id AS Nullable(String)), '') || 'variant'), 1, 8))), 4)) * 10000, 60))
-- posthog-rollout
toInt64(bitShiftRight(toUInt128(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA1('it''s \\ 実験.' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 8))), 4)) * 10000, 60))
-- optimizely
/* refused: clickhouse has no SQL for optimizely */
-- unleash
/* refused: clickhouse has no SQL for unleash */
-- unleash-rollout
((toInt64(murmurHash3_32('it''s \\ 実験:' || nullIf(CAST(user_id AS Nullable(String)), '')))) % 100)
-- split
/* refused: clickhouse has no SQL for split */
-- split-legacy
/* refused: clickhouse has no SQL for split-legacy */
-- flagsmith
CASE WHEN toInt64(reinterpretAsUInt128(reverse(SUBSTRING(MD5('it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 16))) % 9999) < 9998 THEN toInt64(reinterpretAsUInt128(reverse(SUBSTRING(MD5('it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 16))) % 9999) WHEN toInt64(reinterpretAsUInt128(reverse(SUBSTRING(MD5('it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '') || ',' || 'it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 16))) % 9999) < 9998 THEN toInt64(reinterpretAsUInt128(reverse(SUBSTRING(MD5('it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '') || ',' || 'it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 16))) % 9999) WHEN toInt64(reinterpretAsUInt128(reverse(SUBSTRING(MD5('it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '') || ',' || 'it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '') || ',' || 'it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 16))) % 9999) < 9998 THEN toInt64(reinterpretAsUInt128(reverse(SUBSTRING(MD5('it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '') || ',' || 'it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '') || ',' || 'it''s \\ 実験,' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 16))) % 9999) END
-- confidence
((toInt64(bitShiftRight(reinterpretAsUInt64(SUBSTRING(murmurHash3_128('it''s \\ 実験|' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 8)), 4))) % 1000000)
-- planout
toInt64(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA1('it''s \\ 実験.' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 8))), 4) % 10000)
-- planout-weighted
toInt64(bitShiftRight(toUInt128(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA1('it''s \\ 実験.' || nullIf(CAST(user_id AS Nullable(String)), '')), 1, 8))), 4)) * 10000, 60))
-- amplitude
intDiv(toInt64(murmurHash3_32('it''s \\ 実験/' || nullIf(CAST(user_id AS Nullable(String)), ''))), 100)
-- amplitude-allocation
((toInt64(murmurHash3_32('it''s \\ 実験/' || nullIf(CAST(user_id AS Nullable(String)), '')))) % 100)
-- flagd
intDiv((toInt64(murmurHash3_32('it''s \\ 実験' || nullIf(CAST(user_id AS Nullable(String)), '')))) * 10000, 4294967296)
-- flagd-v1
intDiv((CASE WHEN toInt64(murmurHash3_32('it''s \\ 実験' || nullIf(CAST(user_id AS Nullable(String)), ''))) < 2147483647 THEN toInt64(murmurHash3_32('it''s \\ 実験' || nullIf(CAST(user_id AS Nullable(String)), ''))) WHEN toInt64(murmurHash3_32('it''s \\ 実験' || nullIf(CAST(user_id AS Nullable(String)), ''))) <= 2147483649 THEN 2147483647 ELSE 4294967296 - toInt64(murmurHash3_32('it''s \\ 実験' || nullIf(CAST(user_id AS Nullable(String)), ''))) END) * 10000, 2147483647)
-- flagd-v3
/* refused: clickhouse has no SQL for flagd-v3 */
-- flagd-v3-text
/* refused: clickhouse has no SQL for flagd-v3-text */
-- go-feature-flag
/* refused: clickhouse has no SQL for go-feature-flag */
-- flipt
((toInt64(CRC32('it''s \\ 実験' || nullIf(CAST(user_id AS Nullable(String)), '')))) % 1000)
-- flipt-boolean
((toInt64(CRC32(nullIf(CAST(user_id AS Nullable(String)), '') || 'it''s \\ 実験'))) % 100)
-- devcycle
/* refused: clickhouse has no SQL for devcycle */
-- devcycle-rollout
/* refused: clickhouse has no SQL for devcycle-rollout */
CREATE OR REPLACE FUNCTION steelyard_bucket AS (salt, unit) -> toInt64(reinterpretAsUInt256(reverse(SUBSTRING(SHA256(CAST(salt AS Nullable(String)) || ':' || nullIf(CAST(unit AS Nullable(String)), '')), 1, 32))) % 10000);
DROP FUNCTION IF EXISTS steelyard_bucket;
CREATE OR REPLACE FUNCTION steelyard_variant AS (experiment, unit) -> CASE WHEN experiment = 'it''s one' THEN CASE WHEN toInt64(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA256('it''s one:' || nullIf(CAST(unit AS Nullable(String)), '')), 1, 8))), 4) % 10000) < 5000 THEN 'control' WHEN toInt64(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA256('it''s one:' || nullIf(CAST(unit AS Nullable(String)), '')), 1, 8))), 4) % 10000) < 10000 THEN 'it''s \\' END WHEN experiment = 'two' THEN CASE WHEN toInt64(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA256('pool:' || nullIf(CAST(unit AS Nullable(String)), '')), 1, 8))), 4) % 100) IN (1, 3, 99) AND NOT toInt64(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(SHA256('pool:' || nullIf(CAST(unit AS Nullable(String)), '')), 1, 8))), 4) % 100) BETWEEN 10 AND 19 THEN CASE WHEN toInt64(reinterpretAsUInt256(reverse(SUBSTRING(SHA256('salt:' || nullIf(CAST(unit AS Nullable(String)), '')), 1, 32))) % 10000) < 3334 THEN 'a' WHEN toInt64(reinterpretAsUInt256(reverse(SUBSTRING(SHA256('salt:' || nullIf(CAST(unit AS Nullable(String)), '')), 1, 32))) % 10000) < 6667 THEN 'b' WHEN toInt64(reinterpretAsUInt256(reverse(SUBSTRING(SHA256('salt:' || nullIf(CAST(unit AS Nullable(String)), '')), 1, 32))) % 10000) < 10000 THEN 'c' END END END;
DROP FUNCTION IF EXISTS steelyard_variant;
