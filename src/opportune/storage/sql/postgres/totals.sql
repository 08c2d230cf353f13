-- name: add_change
-- What one commit added to days' totals of events.
INSERT INTO changes (lane, seq, day, name, count, value, seen, first_at, last_at) VALUES :rows;

-- name: find_changes
-- A bounded step of one lane's feed, taken out; whoever else folds passes by.
DELETE FROM changes WHERE lane = %(lane)s AND (seq, day, name) IN (
    SELECT seq, day, name FROM changes WHERE lane = %(lane)s ORDER BY seq LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING seq, day, name, count, value, seen, first_at, last_at;

-- name: find_lanes
-- Lanes with something in the feed.
SELECT DISTINCT lane FROM changes ORDER BY lane;

-- name: put_totals
-- Added to what was there.
INSERT INTO totals (day, name, count, value) VALUES :rows
ON CONFLICT (day, name) DO UPDATE SET count = totals.count + excluded.count, value = totals.value + excluded.value;

-- name: put_seen_events
-- These names were taken (again).
INSERT INTO seen_events (name, first_at, last_at, count) VALUES :rows
ON CONFLICT (name) DO UPDATE SET first_at = least(seen_events.first_at, excluded.first_at),
    last_at = greatest(seen_events.last_at, excluded.last_at), count = seen_events.count + excluded.count;

-- name: list_seen_events
-- Every name ever taken, with what waits to be folded.
SELECT name, min(first_at), max(last_at), sum(count)::bigint
FROM (
    SELECT name, first_at, last_at, count FROM seen_events
    UNION ALL
    SELECT name, first_at, last_at, seen FROM changes WHERE seen > 0) AS seen
GROUP BY name;

-- name: list_totals
-- Totals and what waits to be folded, by day and event.
SELECT day, name, sum(count)::bigint, sum(value)::bigint FROM (
    SELECT day, name, count, value FROM totals WHERE day BETWEEN %(since)s AND %(until)s
    UNION ALL
    SELECT day, name, count, value FROM changes WHERE day BETWEEN %(since)s AND %(until)s) AS counted
GROUP BY day, name
HAVING sum(count) <> 0 OR sum(value) <> 0
ORDER BY day, name;

-- name: hold_totals
-- Nothing is folded or added while they are made again.
LOCK TABLE changes, totals IN SHARE ROW EXCLUSIVE MODE;

-- name: forget_totals
-- From a day on, before they are made again.
DELETE FROM totals WHERE day >= %s;

-- name: forget_changes
-- The events they came from are counted anew; that they were seen stays.
UPDATE changes SET count = 0, value = 0 WHERE day >= %s;

-- name: rebuild_totals
-- From the events since a moment alone.
INSERT INTO totals (day, name, count, value)
SELECT to_char(to_timestamp(occurred_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD'), name, count(*), sum(value)
FROM events WHERE until_seq IS NULL AND occurred_at >= %s
GROUP BY 1, 2;
