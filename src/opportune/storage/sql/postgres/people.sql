-- name: hold_persons
-- Locks everybody a transaction is about, in the order given, and makes those who were never written about.
INSERT INTO persons (lane, person, seq) VALUES :rows
ON CONFLICT (lane, person) DO UPDATE SET seq = greatest(persons.seq, excluded.seq);

-- name: find_known
-- What a transaction needs of the keys it holds: the ids behind them.
SELECT keys.key, namespace, id FROM (VALUES :rows) AS asked (lane, key)
JOIN keys ON keys.lane = asked.lane AND keys.key = asked.key;

-- name: find_links
-- Every link of these keys, oldest first.
SELECT links.key, person, from_seq, to_seq, since_seq, until_seq FROM (VALUES :rows) AS asked (lane, key)
JOIN links ON links.lane = asked.lane AND links.key = asked.key
ORDER BY since_seq, from_seq, person;

-- name: list_person_keys
-- Every key ever linked to a person.
SELECT key FROM person_keys WHERE lane = %s AND person = %s ORDER BY key;

-- name: find_key_id
-- The id behind a key.
SELECT namespace, id FROM keys WHERE lane = %s AND key = %s;

-- name: put_key
-- Remembered once.
INSERT INTO keys (lane, key, namespace, id) VALUES :rows ON CONFLICT (lane, key) DO NOTHING;

-- name: add_link
-- A key becomes a person's, over a stretch of the log.
INSERT INTO links (lane, key, person, from_seq, to_seq, since_seq, until_seq) VALUES :rows
ON CONFLICT (lane, key, person, from_seq, since_seq)
DO UPDATE SET to_seq = excluded.to_seq, until_seq = excluded.until_seq;

-- name: add_person_key
-- The key, at the first link between the two; it stays when the link is closed.
INSERT INTO person_keys (lane, person, key) VALUES :rows ON CONFLICT (lane, person, key) DO NOTHING;

-- name: close_link
-- Not known any more from a commit on.
UPDATE links SET until_seq = %s
WHERE lane = %s AND key = %s AND person = %s AND from_seq = %s AND since_seq = %s;

-- name: find_traits
-- The traits in force of one key.
SELECT name, seq, line FROM traits WHERE lane = %s AND key = %s;

-- name: put_trait
-- The trait in force from now on.
INSERT INTO traits (lane, key, name, seq, line) VALUES :rows
ON CONFLICT (lane, key, name) DO UPDATE SET seq = excluded.seq, line = excluded.line;

-- name: add_past_trait
-- The one it replaced.
INSERT INTO past_traits (lane, key, name, seq, until_seq, line) VALUES :rows;

-- name: meet
-- Asked for once; the first time counts.
INSERT INTO met (lane, key, at) VALUES :rows ON CONFLICT (lane, key) DO NOTHING;

-- name: forget_met
-- Who never came again, of one lane.
DELETE FROM met WHERE lane = %s AND at < %s;
