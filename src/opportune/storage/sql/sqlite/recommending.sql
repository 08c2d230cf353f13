-- name: next_count
-- The version that this step of counting makes.
UPDATE recounts SET value = value + 1 WHERE name = 'version' RETURNING value;

-- name: list_recounts
-- How far counting is.
SELECT name, value FROM recounts;

-- name: put_recount
-- One of them.
UPDATE recounts SET value = ? WHERE name = ?;

-- name: add_pair
-- Added to what was there.
INSERT INTO product_pairs (product, basis, other, weight, times, version) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (product, basis, other) DO UPDATE SET weight = weight + excluded.weight, times = times + excluded.times,
    version = excluded.version;

-- name: add_product_count
-- Added to what was there.
INSERT INTO product_counts (product, basis, weight, times, version) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (product, basis) DO UPDATE SET weight = weight + excluded.weight, times = times + excluded.times,
    version = excluded.version;

-- name: put_pair
-- Instead of what was there.
INSERT OR REPLACE INTO product_pairs (product, basis, other, weight, times, version) VALUES (?, ?, ?, ?, ?, ?);

-- name: put_product_count
-- Instead of what was there.
INSERT OR REPLACE INTO product_counts (product, basis, weight, times, version) VALUES (?, ?, ?, ?, ?);

-- name: forget_pairs
-- Those that counting anew did not find again.
DELETE FROM product_pairs WHERE version <= ?;

-- name: forget_product_counts
-- Those that counting anew did not find again.
DELETE FROM product_counts WHERE version <= ?;

-- name: list_pairs
-- Those of some versions.
SELECT product, basis, other, weight, times FROM product_pairs WHERE version > ? AND version <= ?;

-- name: list_product_counts
-- Those of some versions.
SELECT product, basis, weight, times FROM product_counts WHERE version > ? AND version <= ?;

-- name: list_lane
-- Events of some names in one lane, key by key, after a place; behaviour since a moment, key events of all times.
SELECT key, class, line FROM events
WHERE lane = ?1 AND (key, class, occurred_at, seq) > (?4, ?5, ?6, ?7) AND until_seq IS NULL
    AND name IN (SELECT value FROM json_each(?2)) AND (class = 0 OR occurred_at >= ?3)
ORDER BY key, class, occurred_at, seq LIMIT ?8;
