-- name: find_key_id
-- The id behind a key.
SELECT namespace, id FROM keys WHERE lane = ? AND key = ?;

-- name: put_key
-- Remembered once.
INSERT INTO keys (lane, key, namespace, id) VALUES (?, ?, ?, ?);

-- name: list_links
-- Every link of a key, oldest first.
SELECT key, person, from_seq, to_seq, since_seq, until_seq FROM links
WHERE lane = ? AND key = ?
ORDER BY since_seq, from_seq, person;

-- name: list_person_links
-- Every link to a person, key by key, oldest first.
SELECT links.key, links.person, from_seq, to_seq, since_seq, until_seq
FROM person_keys
JOIN links ON links.lane = person_keys.key % 256 AND links.key = person_keys.key
    AND links.person = person_keys.person
WHERE person_keys.lane = ? AND person_keys.person = ?
ORDER BY links.key, since_seq, from_seq;

-- name: add_link
-- A key becomes a person's, over a stretch of the log.
INSERT OR REPLACE INTO links (lane, key, person, from_seq, to_seq, since_seq, until_seq)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: add_person
-- The person, at the first link.
INSERT OR IGNORE INTO persons (lane, person, since_seq) VALUES (?, ?, ?);

-- name: add_person_key
-- The key, at the first link between the two; it stays when the link is closed.
INSERT OR IGNORE INTO person_keys (lane, person, key) VALUES (?, ?, ?);

-- name: close_link
-- Not known any more from a commit on.
UPDATE links SET until_seq = ?
WHERE lane = ? AND key = ? AND person = ? AND from_seq = ? AND since_seq = ?;

-- name: find_trait
-- The trait in force.
SELECT seq, line FROM traits WHERE lane = ? AND key = ? AND name = ?;

-- name: count_traits
-- How many names a key has.
SELECT count(*) FROM traits WHERE lane = ? AND key = ?;

-- name: put_trait
-- The trait in force from now on.
INSERT OR REPLACE INTO traits (lane, key, name, seq, line) VALUES (?, ?, ?, ?, ?);

-- name: add_past_trait
-- The one it replaced.
INSERT INTO past_traits (lane, key, name, seq, until_seq, line) VALUES (?, ?, ?, ?, ?, ?);
