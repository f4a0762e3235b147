-- sha256
((STRTOL(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 8), 16) * 9216 + STRTOL(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 9 FOR 8), 16) * 2896 + STRTOL(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 17 FOR 8), 16) * 2976 + STRTOL(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 25 FOR 8), 16) * 1456 + STRTOL(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 33 FOR 8), 16) * 336 + STRTOL(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 41 FOR 8), 16) * 1616 + STRTOL(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 49 FOR 8), 16) * 7296 + STRTOL(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 57 FOR 8), 16) * 1) % 10000)
-- sha256-60
(STRTOL(SUBSTRING(SHA2('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 15), 16) % 10000)
-- growthbook-v1
/* refused: redshift has no SQL for growthbook-v1 */
-- growthbook-v2
/* refused: redshift has no SQL for growthbook-v2 */
-- growthbook-v1-utf8
/* refused: redshift has no SQL for growthbook-v1-utf8 */
-- growthbook-v2-utf8
/* refused: redshift has no SQL for growthbook-v2-utf8 */
-- growthbook-v1-utf32
/* refused: redshift has no SQL for growthbook-v1-utf32 */
-- growthbook-v2-utf32
/* refused: redshift has no SQL for growthbook-v2-utf32 */
-- statsig
((STRTOL(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 8), 16) * 7296 + STRTOL(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 9 FOR 8), 16) * 1) % 10000)
-- statsig-layer
((STRTOL(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 8), 16) * 296 + STRTOL(SUBSTRING(SHA2('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 256) FROM 9 FOR 8), 16) * 1) % 1000)
-- eppo
(STRTOL(SUBSTRING(MD5('it\'s \\ 実験-' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) % 10000)
-- eppo-exposure
(STRTOL(SUBSTRING(MD5('exposure-' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || '-it\'s \\ 実験') FROM 1 FOR 8), 16) % 10000)
-- eppo-assignment
(STRTOL(SUBSTRING(MD5('assignment-' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || '-it\'s \\ 実験') FROM 1 FOR 8), 16) % 10000)
-- launchdarkly
((STRTOL(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) * 100000 + (STRTOL(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 9 FOR 7), 16) * 100000) / 268435456) / 4294967296)
-- posthog
((STRTOL(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || 'variant') FROM 1 FOR 8), 16) * 10000 + (STRTOL(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || 'variant') FROM 9 FOR 7), 16) * 10000) / 268435456) / 4294967296)
-- posthog-rollout
((STRTOL(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) * 10000 + (STRTOL(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 9 FOR 7), 16) * 10000) / 268435456) / 4294967296)
-- optimizely
((((MURMUR3_32_HASH(NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || 'it\'s \\ 実験', 1) + 4294967296) % 4294967296) * 10000) / 4294967296)
-- unleash
(((MURMUR3_32_HASH('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 86028157) + 4294967296) % 4294967296) % 1000)
-- unleash-rollout
(((MURMUR3_32_HASH('it\'s \\ 実験:' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 0) + 4294967296) % 4294967296) % 100)
-- split
(((MURMUR3_32_HASH(NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 467569525) + 4294967296) % 4294967296) % 100)
-- split-legacy
/* refused: redshift has no SQL for split-legacy */
-- flagsmith
CASE WHEN (STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) * 7291 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 9 FOR 8), 16) * 1897 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 17 FOR 8), 16) * 6835 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 25 FOR 8), 16) * 1) % 9999 < 9998 THEN (STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) * 7291 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 9 FOR 8), 16) * 1897 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 17 FOR 8), 16) * 6835 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 25 FOR 8), 16) * 1) % 9999 WHEN (STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) * 7291 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 9 FOR 8), 16) * 1897 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 17 FOR 8), 16) * 6835 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 25 FOR 8), 16) * 1) % 9999 < 9998 THEN (STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) * 7291 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 9 FOR 8), 16) * 1897 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 17 FOR 8), 16) * 6835 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 25 FOR 8), 16) * 1) % 9999 WHEN (STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) * 7291 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 9 FOR 8), 16) * 1897 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 17 FOR 8), 16) * 6835 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 25 FOR 8), 16) * 1) % 9999 < 9998 THEN (STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) * 7291 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 9 FOR 8), 16) * 1897 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 17 FOR 8), 16) * 6835 + STRTOL(SUBSTRING(MD5('it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '') || ',' || 'it\'s \\ 実験,' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 25 FOR 8), 16) * 1) % 9999 END
-- confidence
/* refused: redshift has no SQL for confidence */
-- planout
(STRTOL(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 15), 16) % 10000)
-- planout-weighted
((STRTOL(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 1 FOR 8), 16) * 10000 + (STRTOL(SUBSTRING(SHA('it\'s \\ 実験.' || NULLIF(CAST(user_id AS VARCHAR(MAX)), '')) FROM 9 FOR 7), 16) * 10000) / 268435456) / 4294967296)
-- amplitude
(((MURMUR3_32_HASH('it\'s \\ 実験/' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 0) + 4294967296) % 4294967296) / 100)
-- amplitude-allocation
(((MURMUR3_32_HASH('it\'s \\ 実験/' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 0) + 4294967296) % 4294967296) % 100)
-- flagd
((((MURMUR3_32_HASH('it\'s \\ 実験' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 0) + 4294967296) % 4294967296) * 10000) / 4294967296)
-- flagd-v1
(((CASE WHEN (MURMUR3_32_HASH('it\'s \\ 実験' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 0) + 4294967296) % 4294967296 < 2147483647 THEN (MURMUR3_32_HASH('it\'s \\ 実験' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 0) + 4294967296) % 4294967296 WHEN (MURMUR3_32_HASH('it\'s \\ 実験' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 0) + 4294967296) % 4294967296 <= 2147483649 THEN 2147483647 ELSE 4294967296 - (MURMUR3_32_HASH('it\'s \\ 実験' || NULLIF(CAST(user_id AS VARCHAR(MAX)), ''), 0) + 4294967296) % 4294967296 END) * 10000) / 2147483647)
-- flagd-v3
/* refused: redshift has no SQL for flagd-v3 */
-- flagd-v3-text
/* refused: redshift has no SQL for flagd-v3-text */
-- go-feature-flag
/* refused: redshift has no SQL for go-feature-flag */
-- flipt
/* refused: redshift has no SQL for flipt */
-- flipt-boolean
/* refused: redshift has no SQL for flipt-boolean */
-- devcycle
/* refused: redshift has no SQL for devcycle */
-- devcycle-rollout
/* refused: redshift has no SQL for devcycle-rollout */
CREATE OR REPLACE FUNCTION steelyard.steelyard_bucket(VARCHAR(MAX), VARCHAR(MAX)) RETURNS BIGINT
IMMUTABLE AS $$
  SELECT ((STRTOL(SUBSTRING(SHA2(CAST($1 AS VARCHAR(MAX)) || ':' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 8), 16) * 9216 + STRTOL(SUBSTRING(SHA2(CAST($1 AS VARCHAR(MAX)) || ':' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 9 FOR 8), 16) * 2896 + STRTOL(SUBSTRING(SHA2(CAST($1 AS VARCHAR(MAX)) || ':' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 17 FOR 8), 16) * 2976 + STRTOL(SUBSTRING(SHA2(CAST($1 AS VARCHAR(MAX)) || ':' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 25 FOR 8), 16) * 1456 + STRTOL(SUBSTRING(SHA2(CAST($1 AS VARCHAR(MAX)) || ':' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 33 FOR 8), 16) * 336 + STRTOL(SUBSTRING(SHA2(CAST($1 AS VARCHAR(MAX)) || ':' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 41 FOR 8), 16) * 1616 + STRTOL(SUBSTRING(SHA2(CAST($1 AS VARCHAR(MAX)) || ':' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 49 FOR 8), 16) * 7296 + STRTOL(SUBSTRING(SHA2(CAST($1 AS VARCHAR(MAX)) || ':' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 57 FOR 8), 16) * 1) % 10000)
$$ LANGUAGE SQL;
DROP FUNCTION steelyard.steelyard_bucket(VARCHAR(MAX), VARCHAR(MAX));
CREATE OR REPLACE FUNCTION steelyard.steelyard_variant(VARCHAR(MAX), VARCHAR(MAX)) RETURNS VARCHAR(MAX)
IMMUTABLE AS $$
  SELECT CASE WHEN $1 = 'it\'s one' THEN CASE WHEN (STRTOL(SUBSTRING(SHA2('it\'s one:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 15), 16) % 10000) < 5000 THEN 'control' WHEN (STRTOL(SUBSTRING(SHA2('it\'s one:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 15), 16) % 10000) < 10000 THEN 'it\'s \\' END WHEN $1 = 'two' THEN CASE WHEN (STRTOL(SUBSTRING(SHA2('pool:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 15), 16) % 100) IN (1, 3, 99) AND NOT (STRTOL(SUBSTRING(SHA2('pool:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 15), 16) % 100) BETWEEN 10 AND 19 THEN CASE WHEN ((STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 8), 16) * 9216 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 9 FOR 8), 16) * 2896 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 17 FOR 8), 16) * 2976 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 25 FOR 8), 16) * 1456 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 33 FOR 8), 16) * 336 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 41 FOR 8), 16) * 1616 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 49 FOR 8), 16) * 7296 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 57 FOR 8), 16) * 1) % 10000) < 3334 THEN 'a' WHEN ((STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 8), 16) * 9216 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 9 FOR 8), 16) * 2896 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 17 FOR 8), 16) * 2976 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 25 FOR 8), 16) * 1456 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 33 FOR 8), 16) * 336 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 41 FOR 8), 16) * 1616 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 49 FOR 8), 16) * 7296 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 57 FOR 8), 16) * 1) % 10000) < 6667 THEN 'b' WHEN ((STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 1 FOR 8), 16) * 9216 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 9 FOR 8), 16) * 2896 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 17 FOR 8), 16) * 2976 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 25 FOR 8), 16) * 1456 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 33 FOR 8), 16) * 336 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 41 FOR 8), 16) * 1616 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 49 FOR 8), 16) * 7296 + STRTOL(SUBSTRING(SHA2('salt:' || NULLIF(CAST($2 AS VARCHAR(MAX)), ''), 256) FROM 57 FOR 8), 16) * 1) % 10000) < 10000 THEN 'c' END END END
$$ LANGUAGE SQL;
DROP FUNCTION steelyard.steelyard_variant(VARCHAR(MAX), VARCHAR(MAX));
