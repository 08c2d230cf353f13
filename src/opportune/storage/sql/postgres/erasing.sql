-- name: list_share_events
-- Whole events of a stretch of one key, replaced versions too.
SELECT bodies.seq, bodies.key, bodies.class, bodies.name, bodies.source, bodies.occurred_at, events.until_seq, body
FROM events JOIN bodies ON bodies.lane = events.lane AND bodies.seq = events.seq AND bodies.class = events.class
    AND bodies.occurred_at = events.occurred_at
WHERE events.lane = %s AND events.key = %s AND events.class IN (0, 1, 2) AND events.seq >= %s AND events.seq < %s
ORDER BY events.seq;

-- name: list_share_traits
-- Traits of a stretch, those that were replaced too.
SELECT seq, name, line, NULL::bigint AS until_seq FROM traits
WHERE lane = %(lane)s AND key = %(key)s AND seq >= %(first)s AND seq < %(end)s
UNION ALL
SELECT seq, name, line, until_seq FROM past_traits
WHERE lane = %(lane)s AND key = %(key)s AND seq >= %(first)s AND seq < %(end)s
ORDER BY 1;

-- name: list_share_assignments
-- Arms given in a stretch.
SELECT first_seq, line FROM assignments WHERE lane = %s AND unit = %s AND first_seq >= %s AND first_seq < %s
ORDER BY first_seq;

-- name: list_share_exposures
-- Exposures of a stretch, with receipts.
SELECT subject, unit, slot, rule, rule_hash, arm, session, first_at, shown_at, count, receipt
FROM exposures WHERE lane = %s AND unit = %s AND seq >= %s AND seq < %s
ORDER BY seq;

-- name: list_share_opportunities
-- Places asked for in a stretch.
SELECT key, slot, session, seq, at, outcome, context, revision
FROM opportunities WHERE lane = %s AND key = %s AND record_seq >= %s AND record_seq < %s
ORDER BY record_seq;

-- name: list_share_business_keys
-- Order numbers and the like that events of a stretch carry.
SELECT event, value, key, class, occurred_at, seq, is_verified FROM business_keys
WHERE key = %s AND seq >= %s AND seq < %s
ORDER BY seq, value;

-- name: has_trait
-- Whether anybody has a trait of that name.
SELECT EXISTS (SELECT 1 FROM traits WHERE name = %s);

-- name: list_addressed
-- Keys with a trait whose text has an address in it.
SELECT key, seq, line FROM traits WHERE name = %s AND position(%s in lower(line)) > 0;

-- name: list_keys_of_lane
-- Every key that anything is kept about, of one lane.
SELECT key FROM keys WHERE lane = %(lane)s
UNION SELECT key FROM links WHERE lane = %(lane)s
UNION SELECT key FROM events WHERE lane = %(lane)s
UNION SELECT key FROM traits WHERE lane = %(lane)s
UNION SELECT key FROM opportunities WHERE lane = %(lane)s
UNION SELECT unit FROM exposures WHERE lane = %(lane)s
UNION SELECT unit FROM assignments WHERE lane = %(lane)s;

-- name: erase_events
-- A bounded step of a stretch; what left, to take the bodies and to note the sums.
DELETE FROM events WHERE lane = %(lane)s AND key = %(key)s AND class IN (0, 1, 2)
    AND (class, occurred_at, seq) IN (
        SELECT class, occurred_at, seq FROM events
        WHERE lane = %(lane)s AND key = %(key)s AND class IN (0, 1, 2) AND seq >= %(first)s AND seq < %(end)s
        LIMIT %(most)s)
RETURNING class, occurred_at, seq, name, value, until_seq;

-- name: erase_body
-- The whole event.
DELETE FROM bodies WHERE lane = %s AND class = %s AND occurred_at = %s AND seq = %s;

-- name: add_erased_total
-- What an erased event had added to its day.
INSERT INTO erased_totals (day, name, count, value) VALUES (%s, %s, 1, %s)
ON CONFLICT (day, name) DO UPDATE SET count = erased_totals.count + 1, value = erased_totals.value + excluded.value;

-- name: add_erased_totals
-- Totals made anew count those, too.
INSERT INTO totals (day, name, count, value) SELECT day, name, count, value FROM erased_totals WHERE day >= %s
ON CONFLICT (day, name) DO UPDATE SET count = totals.count + excluded.count, value = totals.value + excluded.value;

-- name: erase_past_traits
-- A bounded step of a stretch.
DELETE FROM past_traits WHERE lane = %(lane)s AND key = %(key)s AND (name, seq) IN (
    SELECT name, seq FROM past_traits
    WHERE lane = %(lane)s AND key = %(key)s AND seq >= %(first)s AND seq < %(end)s LIMIT %(most)s)
RETURNING 1;

-- name: erase_traits
-- A stretch's.
DELETE FROM traits WHERE lane = %s AND key = %s AND seq >= %s AND seq < %s RETURNING 1;

-- name: erase_opportunities
-- A bounded step of a stretch.
DELETE FROM opportunities WHERE lane = %(lane)s AND key = %(key)s AND (session, slot) IN (
    SELECT session, slot FROM opportunities
    WHERE lane = %(lane)s AND key = %(key)s AND record_seq >= %(first)s AND record_seq < %(end)s LIMIT %(most)s)
RETURNING 1;

-- name: erase_exposures
-- A bounded step of a stretch.
DELETE FROM exposures WHERE lane = %(lane)s AND unit = %(key)s AND (session, subject, slot, rule, rule_hash, arm) IN (
    SELECT session, subject, slot, rule, rule_hash, arm FROM exposures
    WHERE lane = %(lane)s AND unit = %(key)s AND seq >= %(first)s AND seq < %(end)s LIMIT %(most)s)
RETURNING 1;

-- name: erase_assignments
-- A bounded step of a stretch; what left, to be counted.
DELETE FROM assignments WHERE lane = %(lane)s AND unit = %(key)s AND (experiment, phase) IN (
    SELECT experiment, phase FROM assignments
    WHERE lane = %(lane)s AND unit = %(key)s AND first_seq >= %(first)s AND first_seq < %(end)s LIMIT %(most)s)
RETURNING experiment, phase, arm;

-- name: add_erased_unit
-- One more visitor of this arm was erased.
INSERT INTO erased_units (experiment, phase, arm, count) VALUES (%s, %s, %s, 1)
ON CONFLICT (experiment, phase, arm) DO UPDATE SET count = erased_units.count + 1;

-- name: list_erased_units
-- How many visitors of each arm were erased.
SELECT experiment, phase, arm, count FROM erased_units ORDER BY experiment, phase, arm;

-- name: erase_business_keys
-- One of them, by its own lane.
DELETE FROM business_keys WHERE lane = %s AND event = %s AND value = %s AND key = %s;

-- name: remove_link
-- One link, for good.
DELETE FROM links WHERE lane = %s AND key = %s AND person = %s AND from_seq = %s AND since_seq = %s;

-- name: remove_person_key
-- That two were ever linked.
DELETE FROM person_keys WHERE lane = %s AND person = %s AND key = %s;

-- name: remove_person
-- The person.
DELETE FROM persons WHERE lane = %s AND person = %s;

-- name: remove_unwritten
-- Somebody who was held, and of whom nothing is kept.
DELETE FROM persons WHERE lane = %(lane)s AND person = %(key)s
    AND NOT EXISTS (SELECT FROM keys WHERE lane = %(lane)s AND key = %(key)s)
    AND NOT EXISTS (SELECT FROM links WHERE lane = %(lane)s AND key = %(key)s)
    AND NOT EXISTS (SELECT FROM opportunities WHERE lane = %(lane)s AND key = %(key)s)
    AND NOT EXISTS (SELECT FROM exposures WHERE lane = %(lane)s AND unit = %(key)s)
    AND NOT EXISTS (SELECT FROM assignments WHERE lane = %(lane)s AND unit = %(key)s);

-- name: remove_met
-- That a device was asked for.
DELETE FROM met WHERE lane = %s AND key = %s;

-- name: remove_key
-- The id.
DELETE FROM keys WHERE lane = %s AND key = %s;

-- name: remove_set_aside
-- An event that was kept aside.
DELETE FROM set_aside WHERE id = %s RETURNING 1;

-- name: list_audit_of
-- Acts of one kind.
SELECT id, what FROM audit WHERE act = %s;

-- name: erase_audit
-- The act stays, whom it named goes.
UPDATE audit SET what = %s WHERE id = %s;

-- name: find_newest_erasure
-- When anybody was erased last; 0 when nobody ever was.
SELECT value FROM counters WHERE name = 'newest erasure';

-- name: note_newest_erasure
-- Whoever takes in something older looks whom it is about.
UPDATE counters SET value = greatest(value, %s) WHERE name = 'newest erasure';

-- name: find_erasure
-- Whether somebody was erased, and when.
SELECT lane, mark, erased_at, is_unsubscribed, dropped FROM erasures WHERE lane = %s AND mark = %s;

-- name: put_erasure
-- Once more erased, the newer date counts.
INSERT INTO erasures (lane, mark, erased_at, is_unsubscribed) VALUES :rows
ON CONFLICT (lane, mark) DO UPDATE SET erased_at = greatest(erasures.erased_at, excluded.erased_at),
    is_unsubscribed = erasures.is_unsubscribed OR excluded.is_unsubscribed;

-- name: count_dropped
-- One more event of theirs came late.
UPDATE erasures SET dropped = dropped + %s WHERE lane = %s AND mark = %s;

-- name: list_erasures
-- A page of the list.
SELECT lane, mark, erased_at, is_unsubscribed, dropped FROM erasures WHERE (lane, mark) > (%s, %s)
ORDER BY lane, mark LIMIT %s;
