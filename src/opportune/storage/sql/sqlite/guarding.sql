-- name: add_note
-- One of each kind; the first stands.
INSERT INTO notes (once, at, note) VALUES (?, ?, ?) ON CONFLICT (once) DO NOTHING RETURNING once;

-- name: list_notes
-- The newest first, from one moment to before another.
SELECT note FROM notes WHERE at >= ? AND at < ? ORDER BY at DESC, once LIMIT ?;

-- name: add_rule_counts
-- Added to those of their hour.
INSERT INTO rule_counts (hour, rule, slot, what, count) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (hour, rule, slot, what) DO UPDATE SET count = count + excluded.count;

-- name: list_rule_counts
-- Summed over the hours from one to before another.
SELECT rule, slot, what, sum(count) FROM rule_counts WHERE hour >= ? AND hour < ?
GROUP BY rule, slot, what ORDER BY rule, slot, what;

-- name: list_hours
-- What is said of a place or an event alone, by the hour.
SELECT hour, count FROM rule_counts WHERE hour >= ? AND hour < ? AND rule = '' AND slot = ? AND what = ? ORDER BY hour;

-- name: list_counted_hours
-- Hours in which anything was counted, and how much.
SELECT hour, sum(count) FROM rule_counts WHERE hour >= ? AND hour < ? GROUP BY hour ORDER BY hour;

-- name: retire_rule_counts
-- Hours before this one leave.
DELETE FROM rule_counts WHERE hour < ?;
