-- name: next_count
-- The version that this step of counting makes; other steps wait for its commit.
UPDATE recounts SET value = value + 1 WHERE name = 'version' RETURNING value;

-- name: list_recounts
-- How far counting is.
SELECT name, value FROM recounts;

-- name: put_recount
-- One of them.
UPDATE recounts SET value = %s WHERE name = %s;

-- name: add_pair
-- Added to what was there.
INSERT INTO product_pairs (product, basis, other, weight, times, version) VALUES :rows
ON CONFLICT (product, basis, other) DO UPDATE SET weight = product_pairs.weight + excluded.weight,
    times = product_pairs.times + excluded.times, version = excluded.version;

-- name: add_product_count
-- Added to what was there.
INSERT INTO product_counts (product, basis, weight, times, version) VALUES :rows
ON CONFLICT (product, basis) DO UPDATE SET weight = product_counts.weight + excluded.weight,
    times = product_counts.times + excluded.times, version = excluded.version;

-- name: put_pair
-- Instead of what was there.
INSERT INTO product_pairs (product, basis, other, weight, times, version) VALUES :rows
ON CONFLICT (product, basis, other) DO UPDATE SET weight = excluded.weight, times = excluded.times,
    version = excluded.version;

-- name: put_product_count
-- Instead of what was there.
INSERT INTO product_counts (product, basis, weight, times, version) VALUES :rows
ON CONFLICT (product, basis) DO UPDATE SET weight = excluded.weight, times = excluded.times,
    version = excluded.version;

-- name: forget_pairs
-- Those that counting anew did not find again.
DELETE FROM product_pairs WHERE version <= %s;

-- name: forget_product_counts
-- Those that counting anew did not find again.
DELETE FROM product_counts WHERE version <= %s;

-- name: list_pairs
-- Those of some versions.
SELECT product, basis, other, weight, times FROM product_pairs WHERE version > %s AND version <= %s;

-- name: list_product_counts
-- Those of some versions.
SELECT product, basis, weight, times FROM product_counts WHERE version > %s AND version <= %s;

-- name: list_lane
-- Events of some names in one lane, key by key, after a place; behaviour since a moment, key events of all times.
SELECT key, class, line FROM events
WHERE lane = %s AND name = ANY(%s) AND (class = 0 OR occurred_at >= %s)
    AND (key, class, occurred_at, seq) > (%s, %s, %s, %s) AND until_seq IS NULL
ORDER BY key, class, occurred_at, seq LIMIT %s;
