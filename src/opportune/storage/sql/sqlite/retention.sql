-- name: note_retired
-- Of days before this moment some events may have left: their totals cannot be counted anew.
UPDATE counters SET value = max(value, ?) WHERE name = 'whole since';

-- name: find_whole_since
-- The moment from which on every event taken is still there.
SELECT value FROM counters WHERE name = 'whole since';

-- name: find_old_events
-- A bounded step of behaviour and telemetry from before a moment, oldest first.
SELECT key, class, occurred_at, seq FROM bodies WHERE class > 0 AND occurred_at < ?
ORDER BY occurred_at LIMIT ?;

-- name: retire_event
-- Its timeline row leaves.
DELETE FROM events WHERE lane = ? AND key = ? AND class = ? AND occurred_at = ? AND seq = ?;

-- name: retire_body
-- The whole event leaves.
DELETE FROM bodies WHERE seq = ?;

-- name: retire_business_keys
-- A bounded step of what remembers them by order number and the like.
DELETE FROM business_keys WHERE (event, value) IN (
    SELECT event, value FROM business_keys WHERE class > 0 AND occurred_at < ? ORDER BY occurred_at LIMIT ?);
