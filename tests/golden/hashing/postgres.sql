-- sha256
(SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 9216 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 2896 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 17 FOR 8)) AS BIT(32)) AS BIGINT) * 2976 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 25 FOR 8)) AS BIT(32)) AS BIGINT) * 1456 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 33 FOR 8)) AS BIT(32)) AS BIGINT) * 336 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 41 FOR 8)) AS BIT(32)) AS BIGINT) * 1616 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 49 FOR 8)) AS BIT(32)) AS BIGINT) * 7296 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 57 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 10000 FROM (SELECT ENCODE(SHA256(CONVERT_TO('it''s \ 実験:' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')), 'hex') AS steelyard_digest OFFSET 0) AS hashed)
-- sha256-60
(CAST(CAST(('x' || SUBSTRING(ENCODE(SHA256(CONVERT_TO('it''s \ 実験:' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')), 'hex') FROM 1 FOR 15)) AS BIT(60)) AS BIGINT) % 10000)
-- growthbook-v1
/* refused: postgres has no SQL for growthbook-v1 */
-- growthbook-v2
/* refused: postgres has no SQL for growthbook-v2 */
-- growthbook-v1-utf8
/* refused: postgres has no SQL for growthbook-v1-utf8 */
-- growthbook-v2-utf8
/* refused: postgres has no SQL for growthbook-v2-utf8 */
-- growthbook-v1-utf32
/* refused: postgres has no SQL for growthbook-v1-utf32 */
-- growthbook-v2-utf32
/* refused: postgres has no SQL for growthbook-v2-utf32 */
-- statsig
(SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 7296 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 10000 FROM (SELECT ENCODE(SHA256(CONVERT_TO('it''s \ 実験.' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')), 'hex') AS steelyard_digest OFFSET 0) AS hashed)
-- statsig-layer
(SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 296 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 1000 FROM (SELECT ENCODE(SHA256(CONVERT_TO('it''s \ 実験.' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')), 'hex') AS steelyard_digest OFFSET 0) AS hashed)
-- eppo
(CAST(CAST(('x' || SUBSTRING(MD5(CONVERT_TO('it''s \ 実験-' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')) FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) % 10000)
-- eppo-exposure
(CAST(CAST(('x' || SUBSTRING(MD5(CONVERT_TO('exposure-' || NULLIF(CAST(user_id AS TEXT), '') || '-it''s \ 実験', 'UTF8')) FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) % 10000)
-- eppo-assignment
(CAST(CAST(('x' || SUBSTRING(MD5(CONVERT_TO('assignment-' || NULLIF(CAST(user_id AS TEXT), '') || '-it''s \ 実験', 'UTF8')) FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) % 10000)
-- launchdarkly
(SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 100000 + (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 7)) AS BIT(28)) AS BIGINT) * 100000) / 268435456) / 4294967296 FROM (SELECT ENCODE(DIGEST(CONVERT_TO('it''s \ 実験.' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8'), 'sha1'), 'hex') AS steelyard_digest OFFSET 0) AS hashed)
-- posthog
(SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 10000 + (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 7)) AS BIT(28)) AS BIGINT) * 10000) / 268435456) / 4294967296 FROM (SELECT ENCODE(DIGEST(CONVERT_TO('it''s \ 実験.' || NULLIF(CAST(user_id AS TEXT), '') || 'variant', 'UTF8'), 'sha1'), 'hex') AS steelyard_digest OFFSET 0) AS hashed)
-- posthog-rollout
(SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 10000 + (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 7)) AS BIT(28)) AS BIGINT) * 10000) / 268435456) / 4294967296 FROM (SELECT ENCODE(DIGEST(CONVERT_TO('it''s \ 実験.' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8'), 'sha1'), 'hex') AS steelyard_digest OFFSET 0) AS hashed)
-- optimizely
/* refused: postgres has no SQL for optimizely */
-- unleash
/* refused: postgres has no SQL for unleash */
-- unleash-rollout
/* refused: postgres has no SQL for unleash-rollout */
-- split
/* refused: postgres has no SQL for split */
-- split-legacy
/* refused: postgres has no SQL for split-legacy */
-- flagsmith
CASE WHEN (SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 7291 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 1897 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 17 FOR 8)) AS BIT(32)) AS BIGINT) * 6835 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 25 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 9999 FROM (SELECT MD5(CONVERT_TO('it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')) AS steelyard_digest OFFSET 0) AS hashed) < 9998 THEN (SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 7291 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 1897 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 17 FOR 8)) AS BIT(32)) AS BIGINT) * 6835 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 25 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 9999 FROM (SELECT MD5(CONVERT_TO('it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')) AS steelyard_digest OFFSET 0) AS hashed) WHEN (SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 7291 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 1897 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 17 FOR 8)) AS BIT(32)) AS BIGINT) * 6835 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 25 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 9999 FROM (SELECT MD5(CONVERT_TO('it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')) AS steelyard_digest OFFSET 0) AS hashed) < 9998 THEN (SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 7291 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 1897 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 17 FOR 8)) AS BIT(32)) AS BIGINT) * 6835 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 25 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 9999 FROM (SELECT MD5(CONVERT_TO('it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')) AS steelyard_digest OFFSET 0) AS hashed) WHEN (SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 7291 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 1897 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 17 FOR 8)) AS BIT(32)) AS BIGINT) * 6835 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 25 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 9999 FROM (SELECT MD5(CONVERT_TO('it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')) AS steelyard_digest OFFSET 0) AS hashed) < 9998 THEN (SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 7291 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 1897 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 17 FOR 8)) AS BIT(32)) AS BIGINT) * 6835 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 25 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 9999 FROM (SELECT MD5(CONVERT_TO('it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), '') || ',' || 'it''s \ 実験,' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8')) AS steelyard_digest OFFSET 0) AS hashed) END
-- confidence
/* refused: postgres has no SQL for confidence */
-- planout
(CAST(CAST(('x' || SUBSTRING(ENCODE(DIGEST(CONVERT_TO('it''s \ 実験.' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8'), 'sha1'), 'hex') FROM 1 FOR 15)) AS BIT(60)) AS BIGINT) % 10000)
-- planout-weighted
(SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 10000 + (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 7)) AS BIT(28)) AS BIGINT) * 10000) / 268435456) / 4294967296 FROM (SELECT ENCODE(DIGEST(CONVERT_TO('it''s \ 実験.' || NULLIF(CAST(user_id AS TEXT), ''), 'UTF8'), 'sha1'), 'hex') AS steelyard_digest OFFSET 0) AS hashed)
-- amplitude
/* refused: postgres has no SQL for amplitude */
-- amplitude-allocation
/* refused: postgres has no SQL for amplitude-allocation */
-- flagd
/* refused: postgres has no SQL for flagd */
-- flagd-v1
/* refused: postgres has no SQL for flagd-v1 */
-- flagd-v3
/* refused: postgres has no SQL for flagd-v3 */
-- flagd-v3-text
/* refused: postgres has no SQL for flagd-v3-text */
-- go-feature-flag
/* refused: postgres has no SQL for go-feature-flag */
-- flipt
/* refused: postgres has no SQL for flipt */
-- flipt-boolean
/* refused: postgres has no SQL for flipt-boolean */
-- devcycle
/* refused: postgres has no SQL for devcycle */
-- devcycle-rollout
/* refused: postgres has no SQL for devcycle-rollout */
CREATE OR REPLACE FUNCTION steelyard.steelyard_bucket(salt TEXT, unit TEXT) RETURNS BIGINT
LANGUAGE SQL IMMUTABLE PARALLEL SAFE AS $$
  SELECT (SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 9216 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 2896 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 17 FOR 8)) AS BIT(32)) AS BIGINT) * 2976 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 25 FOR 8)) AS BIT(32)) AS BIGINT) * 1456 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 33 FOR 8)) AS BIT(32)) AS BIGINT) * 336 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 41 FOR 8)) AS BIT(32)) AS BIGINT) * 1616 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 49 FOR 8)) AS BIT(32)) AS BIGINT) * 7296 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 57 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 10000 FROM (SELECT ENCODE(SHA256(CONVERT_TO(CAST(salt AS TEXT) || ':' || NULLIF(CAST(unit AS TEXT), ''), 'UTF8')), 'hex') AS steelyard_digest OFFSET 0) AS hashed)
$$;
DROP FUNCTION IF EXISTS steelyard.steelyard_bucket(TEXT, TEXT);
CREATE OR REPLACE FUNCTION steelyard.steelyard_variant(experiment TEXT, unit TEXT) RETURNS TEXT
LANGUAGE SQL IMMUTABLE PARALLEL SAFE AS $steelyard$
  SELECT CASE WHEN experiment = 'it''s one' THEN (SELECT CASE WHEN b_ < 5000 THEN 'control' WHEN b_ < 10000 THEN 'it''s \' END FROM (SELECT (CAST(CAST(('x' || SUBSTRING(ENCODE(SHA256(CONVERT_TO('it''s one:' || NULLIF(CAST(unit AS TEXT), ''), 'UTF8')), 'hex') FROM 1 FOR 15)) AS BIT(60)) AS BIGINT) % 10000) AS b_ OFFSET 0) AS hashed) WHEN experiment = 'two' THEN CASE WHEN (CAST(CAST(('x' || SUBSTRING(ENCODE(SHA256(CONVERT_TO('pool:' || NULLIF(CAST(unit AS TEXT), ''), 'UTF8')), 'hex') FROM 1 FOR 15)) AS BIT(60)) AS BIGINT) % 100) IN (1, 3, 99) AND NOT (CAST(CAST(('x' || SUBSTRING(ENCODE(SHA256(CONVERT_TO('pool:' || NULLIF(CAST(unit AS TEXT), ''), 'UTF8')), 'hex') FROM 1 FOR 15)) AS BIT(60)) AS BIGINT) % 100) BETWEEN 10 AND 19 THEN (SELECT CASE WHEN b_ < 3334 THEN 'a' WHEN b_ < 6667 THEN 'b' WHEN b_ < 10000 THEN 'c' END FROM (SELECT (SELECT (CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 1 FOR 8)) AS BIT(32)) AS BIGINT) * 9216 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 9 FOR 8)) AS BIT(32)) AS BIGINT) * 2896 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 17 FOR 8)) AS BIT(32)) AS BIGINT) * 2976 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 25 FOR 8)) AS BIT(32)) AS BIGINT) * 1456 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 33 FOR 8)) AS BIT(32)) AS BIGINT) * 336 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 41 FOR 8)) AS BIT(32)) AS BIGINT) * 1616 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 49 FOR 8)) AS BIT(32)) AS BIGINT) * 7296 + CAST(CAST(('x' || SUBSTRING(steelyard_digest FROM 57 FOR 8)) AS BIT(32)) AS BIGINT) * 1) % 10000 FROM (SELECT ENCODE(SHA256(CONVERT_TO('salt:' || NULLIF(CAST(unit AS TEXT), ''), 'UTF8')), 'hex') AS steelyard_digest OFFSET 0) AS hashed) AS b_ OFFSET 0) AS hashed) END END
$steelyard$;
DROP FUNCTION IF EXISTS steelyard.steelyard_variant(TEXT, TEXT);
