-- name: note_retired
-- Of days before this moment some events may have left: their totals cannot be counted anew.
UPDATE counters SET value = %(at)s WHERE name = 'whole since' AND value < %(at)s;

-- name: hold_whole_since
-- The moment from which on every event taken is still there; it stays so until the end of this transaction.
SELECT value FROM counters WHERE name = 'whole since' FOR SHARE;

-- name: find_old_lane
-- The next lane that holds something from before a moment, outside of all quarters.
SELECT lane FROM :table_other WHERE lane >= %s AND occurred_at < %s ORDER BY lane LIMIT 1;

-- name: retire_rows
-- A bounded step of one lane's oldest.
DELETE FROM :table_other WHERE lane = %(lane)s AND (key, class, occurred_at, seq) IN (
    SELECT key, class, occurred_at, seq FROM :table_other WHERE lane = %(lane)s AND occurred_at < %(before_at)s
    ORDER BY occurred_at, seq LIMIT %(most)s);

-- name: find_lanes_of_old_keys
-- Lanes with business keys of behaviour from before a moment.
SELECT DISTINCT lane FROM business_keys WHERE class > 0 AND occurred_at < %s ORDER BY lane;

-- name: retire_business_keys
-- Those of one lane.
DELETE FROM business_keys WHERE lane = %s AND class > 0 AND occurred_at < %s;

-- name: list_parts
-- Tables that hold a quarter of a year, and whether they are (still) part of the whole.
SELECT relname, relispartition FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname ~ '^(events|bodies)_[12]_[0-9]{4}_q[1-4]$'
ORDER BY relname;

-- name: may_make_part
-- Whether nothing of it lies outside of all quarters, and so little does that looking through it keeps nobody waiting.
SELECT pg_relation_size(':table_other') <= %s
    AND NOT EXISTS (SELECT 1 FROM :table_other WHERE class = %s AND occurred_at >= %s AND occurred_at < %s);

-- name: hold_layout
-- One process at a time changes tables.
SELECT pg_advisory_xact_lock(%s);

-- name: wait_briefly
-- Whoever waits for a table keeps all others waiting who come after: better to give up and try again.
SELECT set_config('lock_timeout', %s, true);

-- name: make_part
-- Of events that leave together.
CREATE TABLE IF NOT EXISTS :part PARTITION OF :table FOR VALUES FROM (:class, :since_at) TO (:class, :until_at);

-- name: count_part
-- How many rows it has: exactly while they are few, else as the database's statistics have it.
SELECT greatest((SELECT count(*) FROM (SELECT 1 FROM :part LIMIT 100000) AS first_rows),
    (SELECT reltuples FROM pg_class WHERE oid = ':part'::regclass), pg_stat_get_live_tuples(':part'::regclass))::bigint;

-- name: detach_part
-- Nobody reads it from now on. (CONCURRENTLY is refused where there is a table for the rest.)
ALTER TABLE :table DETACH PARTITION :part;

-- name: drop_part
-- Its room is free again.
DROP TABLE :part;
