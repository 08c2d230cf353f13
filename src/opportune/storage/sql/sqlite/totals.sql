-- name: find_head
-- The newest `seq` given out.
SELECT value FROM counters WHERE name = 'seq';

-- name: put_head
-- The newest `seq` given out by this commit.
UPDATE counters SET value = ? WHERE name = 'seq';

-- name: count_change
-- Playbook, run states, settings or keys changed in this commit.
UPDATE counters SET value = value + ? WHERE name = 'changed';

-- name: put_seen_event
-- This name was taken (again).
INSERT INTO seen_events (name, first_at, last_at, count) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET first_at = min(first_at, excluded.first_at),
    last_at = max(last_at, excluded.last_at), count = count + excluded.count;

-- name: list_seen_events
-- Every name ever taken.
SELECT name, first_at, last_at, count FROM seen_events;

-- name: add_change
-- What one commit added to a day's total of one event.
INSERT INTO changes (seq, day, name, count, value) VALUES (?, ?, ?, ?, ?);

-- name: find_fold
-- The end of the next bounded step, and how many changes it has.
SELECT max(id), count(*) FROM (SELECT id FROM changes ORDER BY id LIMIT ?);

-- name: fold_totals
-- Adds a step of changes to the totals.
INSERT INTO totals (day, name, count, value)
SELECT day, name, sum(count), sum(value) FROM changes WHERE id <= ? GROUP BY day, name
ON CONFLICT (day, name) DO UPDATE SET count = count + excluded.count, value = value + excluded.value;

-- name: forget_changes
-- They are in the totals now.
DELETE FROM changes WHERE id <= ?;

-- name: list_totals
-- Totals and what waits to be folded, by day and event.
SELECT day, name, sum(count), sum(value) FROM (
    SELECT day, name, count, value FROM totals WHERE day BETWEEN :since AND :until
    UNION ALL
    SELECT day, name, count, value FROM changes WHERE day BETWEEN :since AND :until)
GROUP BY day, name
HAVING sum(count) <> 0 OR sum(value) <> 0
ORDER BY day, name;

-- name: forget_totals
-- From a day on, before they are made again.
DELETE FROM totals WHERE day >= ?;

-- name: forget_changes_since
-- The events they came from are counted anew.
DELETE FROM changes WHERE day >= ?;

-- name: rebuild_totals
-- From the events since a moment alone.
INSERT INTO totals (day, name, count, value)
SELECT date(occurred_at / 1000, 'unixepoch'), name, count(*), sum(value)
FROM events WHERE until_seq IS NULL AND occurred_at >= ?
GROUP BY 1, 2;
