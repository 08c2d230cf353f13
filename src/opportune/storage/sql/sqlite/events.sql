-- name: append_event
-- One timeline row.
INSERT INTO events (lane, key, class, occurred_at, seq, line, name, source, value, message)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: append_body
-- The whole event beside it.
INSERT INTO bodies (seq, key, class, occurred_at, name, source, body) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: list_key_events
-- Key events of one name as they happened, between a place and a moment.
SELECT seq, key, name, source, occurred_at, body FROM bodies INDEXED BY bodies_of_key_events
WHERE class = 0 AND name = ? AND (occurred_at, seq) > (?, ?) AND occurred_at < ? AND until_seq IS NULL
ORDER BY occurred_at, seq LIMIT ?;

-- name: find_recent
-- Message hashes of a key's events between two moments, whatever their class.
SELECT message FROM events
WHERE lane = ? AND key = ? AND class IN (0, 1, 2) AND occurred_at >= ? AND occurred_at < ?
LIMIT ?;

-- name: find_event
-- What totals need of one stored row.
SELECT name, source, value, until_seq FROM events
WHERE lane = ? AND key = ? AND class = ? AND occurred_at = ? AND seq = ?;

-- name: find_event_of_any_class
-- What back-fill needs of one stored row: how long its kind of event counts may have changed since it came in.
SELECT class, name, source FROM events
WHERE lane = ? AND key = ? AND class IN (0, 1, 2) AND occurred_at = ? AND seq = ?;

-- name: supersede_event
-- From this commit on the row is not read any more.
UPDATE events SET until_seq = ?
WHERE lane = ? AND key = ? AND class = ? AND occurred_at = ? AND seq = ?;

-- name: supersede_body
-- The inspector leaves it out too; the body stays for explanations as of an earlier commit.
UPDATE bodies SET until_seq = ? WHERE seq = ?;

-- name: update_facts
-- The same row with other facts.
UPDATE events SET line = ?
WHERE lane = ? AND key = ? AND class = ? AND occurred_at = ? AND seq = ?;

-- name: find_business_key
-- The event that carries a business key.
SELECT event, value, key, class, occurred_at, seq, is_verified FROM business_keys
WHERE event = ? AND value = ?;

-- name: find_stored
-- That event, whole.
SELECT seq, key, name, source, occurred_at, body FROM bodies WHERE seq = ? AND until_seq IS NULL;

-- name: put_business_key
-- The event that carries it from now on.
INSERT OR REPLACE INTO business_keys (event, value, key, class, occurred_at, seq, is_verified)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: list_events
-- Newest commits first, filtered; without keys it walks the log.
SELECT seq, key, name, source, occurred_at, body FROM bodies
WHERE until_seq IS NULL
    AND seq < :before_seq
    AND (:name IS NULL OR name = :name)
    AND (:source IS NULL OR source = :source)
    AND occurred_at >= :since_at AND occurred_at < :until_at
    AND (:text IS NULL OR body_holds(body, :text))
ORDER BY seq DESC LIMIT :limit;

-- name: list_events_of_keys
-- The same for a few keys, found through their timelines.
SELECT bodies.seq, bodies.key, bodies.name, bodies.source, bodies.occurred_at, bodies.body
FROM json_each(:keys) AS asked
JOIN events ON events.lane = asked.value % 256 AND events.key = asked.value AND events.class IN (0, 1, 2)
JOIN bodies ON bodies.seq = events.seq
WHERE events.until_seq IS NULL
    AND events.seq < :before_seq
    AND (:name IS NULL OR events.name = :name)
    AND (:source IS NULL OR events.source = :source)
    AND events.occurred_at >= :since_at AND events.occurred_at < :until_at
    AND (:text IS NULL OR body_holds(bodies.body, :text))
ORDER BY events.seq DESC LIMIT :limit;

-- name: list_versions
-- Key events of a name, newest first, those that were replaced among them.
SELECT seq, key, source, occurred_at, body, until_seq IS NULL FROM bodies
WHERE class = 0 AND name = ? AND occurred_at >= ?
ORDER BY occurred_at DESC, seq DESC LIMIT ?;

-- name: get_body
-- One whole event.
SELECT body FROM bodies WHERE seq = ?;

-- name: set_aside
-- One event kept aside.
INSERT INTO set_aside (state, reason, code, raw, message_id, name, source, received_at)
VALUES ('open', ?, ?, ?, ?, ?, ?, ?);

-- name: close_set_aside
-- What became of it.
UPDATE set_aside SET state = ? WHERE id = ?;

-- name: list_set_aside
-- Newest first, one state at a time.
SELECT id, state, reason, code, raw, message_id, name, source, received_at FROM set_aside
WHERE state = ? AND id < ?
ORDER BY id DESC LIMIT ?;
