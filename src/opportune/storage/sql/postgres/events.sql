-- name: append_event
-- Timeline rows.
INSERT INTO events (lane, key, class, occurred_at, seq, value, message, line, name, source) VALUES :rows;

-- name: append_body
-- The whole events beside them.
INSERT INTO bodies (lane, seq, key, class, occurred_at, name, source, body) VALUES :rows;

-- name: find_recent
-- Message hashes of keys' events between two moments, class by class, so that only the quarters that matter are read.
SELECT asked.number, recent.message
FROM (VALUES :rows) AS asked (number, lane, key, since_at, until_at, bound)
CROSS JOIN LATERAL (
    SELECT message FROM events
    WHERE events.lane = asked.lane AND events.key = asked.key AND events.class = 0
        AND events.occurred_at >= asked.since_at AND events.occurred_at < asked.until_at
    UNION ALL
    SELECT message FROM events
    WHERE events.lane = asked.lane AND events.key = asked.key AND events.class = 1
        AND events.occurred_at >= asked.since_at AND events.occurred_at < asked.until_at
    UNION ALL
    SELECT message FROM events
    WHERE events.lane = asked.lane AND events.key = asked.key AND events.class = 2
        AND events.occurred_at >= asked.since_at AND events.occurred_at < asked.until_at
    LIMIT asked.bound
) AS recent;

-- name: find_event
-- What totals need of one stored row.
SELECT name, source, value, until_seq FROM events
WHERE lane = %s AND key = %s AND class = %s AND occurred_at = %s AND seq = %s;

-- name: find_event_of_any_class
-- What back-fill needs of one stored row: how long its kind of event counts may have changed since it came in.
SELECT class, name, source FROM events
WHERE lane = %s AND key = %s AND class IN (0, 1, 2) AND occurred_at = %s AND seq = %s;

-- name: supersede_event
-- From this commit on the row is not read any more.
UPDATE events SET until_seq = %s
WHERE lane = %s AND key = %s AND class = %s AND occurred_at = %s AND seq = %s;

-- name: supersede_body
-- The inspector leaves it out too; the body stays for explanations as of an earlier commit.
UPDATE bodies SET until_seq = %s
WHERE lane = %s AND class = %s AND occurred_at = %s AND seq = %s;

-- name: update_facts
-- The same row with other facts.
UPDATE events SET line = %s
WHERE lane = %s AND key = %s AND class = %s AND occurred_at = %s AND seq = %s;

-- name: find_business_key
-- The event that carries a business key.
SELECT event, value, key, class, occurred_at, seq, is_verified FROM business_keys
WHERE lane = %s AND event = %s AND value = %s;

-- name: find_stored
-- That event, whole.
SELECT seq, key, name, source, occurred_at, body FROM bodies
WHERE lane = %s AND class = %s AND occurred_at = %s AND seq = %s AND until_seq IS NULL;

-- name: put_business_key
-- The event that carries it from now on.
INSERT INTO business_keys (lane, event, value, key, class, occurred_at, seq, is_verified) VALUES :rows
ON CONFLICT (lane, event, value) DO UPDATE SET key = excluded.key, class = excluded.class,
    occurred_at = excluded.occurred_at, seq = excluded.seq, is_verified = excluded.is_verified;

-- name: list_key_events
-- Key events of one name as they happened, between a place and a moment.
SELECT seq, key, name, source, occurred_at, body FROM bodies
WHERE class = 0 AND name = %s AND (occurred_at, seq) > (%s, %s) AND occurred_at < %s AND until_seq IS NULL
ORDER BY occurred_at, seq LIMIT %s;

-- name: list_events
-- Newest commits first, filtered; without keys it walks the log.
SELECT seq, key, name, source, occurred_at, body FROM bodies
WHERE until_seq IS NULL
    AND seq < %(before_seq)s
    AND (%(name)s::text IS NULL OR name = %(name)s)
    AND (%(source)s::text IS NULL OR source = %(source)s)
    AND occurred_at >= %(since_at)s AND occurred_at < %(until_at)s
ORDER BY seq DESC LIMIT %(limit)s;

-- name: list_events_of_keys
-- The same for a few keys, found through their timelines.
SELECT bodies.seq, bodies.key, bodies.name, bodies.source, bodies.occurred_at, bodies.body
FROM (VALUES :rows) AS asked (lane, key)
JOIN events ON events.lane = asked.lane AND events.key = asked.key AND events.class IN (0, 1, 2)
JOIN bodies ON bodies.seq = events.seq AND bodies.lane = events.lane AND bodies.class = events.class
    AND bodies.occurred_at = events.occurred_at
WHERE events.until_seq IS NULL
    AND events.seq < %s
    AND events.name = coalesce(%s::text, events.name)
    AND events.source = coalesce(%s::text, events.source)
    AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.seq DESC LIMIT %s;

-- name: list_versions
-- Key events of a name, newest first, those that were replaced among them.
SELECT seq, key, source, occurred_at, body, until_seq IS NULL FROM bodies
WHERE class = 0 AND name = %s AND occurred_at >= %s
ORDER BY occurred_at DESC, seq DESC LIMIT %s;

-- name: get_body
-- One whole event.
SELECT body FROM bodies WHERE seq = %s;

-- name: set_aside
-- Events kept aside.
INSERT INTO set_aside (state, reason, code, raw, message_id, name, source, received_at) VALUES :rows;

-- name: close_set_aside
-- What became of it.
UPDATE set_aside SET state = %s WHERE id = %s;

-- name: list_set_aside
-- Newest first, one state at a time.
SELECT id, state, reason, code, raw, message_id, name, source, received_at FROM set_aside
WHERE state = %s AND id < %s
ORDER BY id DESC LIMIT %s;
