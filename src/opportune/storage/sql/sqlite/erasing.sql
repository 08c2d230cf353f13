-- name: list_share_events
-- Whole events of a stretch of one key, replaced versions too.
SELECT bodies.seq, bodies.key, bodies.class, bodies.name, bodies.source, bodies.occurred_at, events.until_seq, body
FROM events JOIN bodies ON bodies.seq = events.seq
WHERE events.lane = ? AND events.key = ? AND events.class IN (0, 1, 2) AND events.seq >= ? AND events.seq < ?
ORDER BY events.seq;

-- name: list_share_traits
-- Traits of a stretch, those that were replaced too.
SELECT seq, name, line, NULL AS until_seq FROM traits WHERE lane = ?1 AND key = ?2 AND seq >= ?3 AND seq < ?4
UNION ALL
SELECT seq, name, line, until_seq FROM past_traits WHERE lane = ?1 AND key = ?2 AND seq >= ?3 AND seq < ?4
ORDER BY 1;

-- name: list_share_assignments
-- Arms given in a stretch.
SELECT first_seq, line FROM assignments WHERE lane = ? AND unit = ? AND first_seq >= ? AND first_seq < ?
ORDER BY first_seq;

-- name: list_share_exposures
-- Exposures of a stretch, with receipts.
SELECT subject, unit, slot, rule, rule_hash, arm, session, first_at, shown_at, count,
    (SELECT receipt FROM receipts WHERE receipts.seq = exposures.seq) AS receipt
FROM exposures WHERE lane = ? AND unit = ? AND seq >= ? AND seq < ?
ORDER BY seq;

-- name: list_share_opportunities
-- Places asked for in a stretch.
SELECT key, slot, session, seq, at, outcome, context, revision
FROM opportunities WHERE lane = ? AND key = ? AND record_seq >= ? AND record_seq < ?
ORDER BY record_seq;

-- name: list_share_business_keys
-- Order numbers and the like that events of a stretch carry.
SELECT event, value, key, class, occurred_at, seq, is_verified FROM business_keys
WHERE key = ? AND seq >= ? AND seq < ?
ORDER BY seq, value;

-- name: has_trait
-- Whether anybody has a trait of that name.
SELECT EXISTS (SELECT 1 FROM traits WHERE name = ?);

-- name: list_addressed
-- Keys with a trait whose text has an address in it.
SELECT key, seq, line FROM traits WHERE name = ? AND instr(lower(line), ?) > 0;

-- name: list_keys_of_lane
-- Every key that anything is kept about, of one lane.
SELECT key FROM keys WHERE lane = :lane
UNION SELECT key FROM links WHERE lane = :lane
UNION SELECT key FROM events WHERE lane = :lane
UNION SELECT key FROM traits WHERE lane = :lane
UNION SELECT key FROM opportunities WHERE lane = :lane
UNION SELECT unit FROM exposures WHERE lane = :lane
UNION SELECT unit FROM assignments WHERE lane = :lane;

-- name: erase_events
-- A bounded step of a stretch; what left, to take the bodies and to note the sums.
DELETE FROM events WHERE (lane, key, class, occurred_at, seq) IN (
    SELECT lane, key, class, occurred_at, seq FROM events
    WHERE lane = ? AND key = ? AND class IN (0, 1, 2) AND seq >= ? AND seq < ? LIMIT ?)
RETURNING class, occurred_at, seq, name, value, until_seq;

-- name: erase_body
-- The whole event.
DELETE FROM bodies WHERE seq = ?;

-- name: add_erased_total
-- What an erased event had added to its day.
INSERT INTO erased_totals (day, name, count, value) VALUES (?, ?, 1, ?)
ON CONFLICT (day, name) DO UPDATE SET count = count + 1, value = value + excluded.value;

-- name: add_erased_totals
-- Totals made anew count those, too.
INSERT INTO totals (day, name, count, value) SELECT day, name, count, value FROM erased_totals WHERE day >= ?
ON CONFLICT (day, name) DO UPDATE SET count = count + excluded.count, value = value + excluded.value;

-- name: erase_past_traits
-- A bounded step of a stretch.
DELETE FROM past_traits WHERE (lane, key, name, seq) IN (
    SELECT lane, key, name, seq FROM past_traits WHERE lane = ? AND key = ? AND seq >= ? AND seq < ? LIMIT ?);

-- name: erase_traits
-- A stretch's.
DELETE FROM traits WHERE lane = ? AND key = ? AND seq >= ? AND seq < ?;

-- name: erase_opportunities
-- A bounded step of a stretch.
DELETE FROM opportunities WHERE (lane, key, session, slot) IN (
    SELECT lane, key, session, slot FROM opportunities
    WHERE lane = ? AND key = ? AND record_seq >= ? AND record_seq < ? LIMIT ?);

-- name: erase_exposures
-- A bounded step of a stretch; what left, to take the receipts.
DELETE FROM exposures WHERE (lane, unit, session, subject, slot, rule, rule_hash, arm) IN (
    SELECT lane, unit, session, subject, slot, rule, rule_hash, arm FROM exposures
    WHERE lane = ? AND unit = ? AND seq >= ? AND seq < ? LIMIT ?)
RETURNING seq;

-- name: erase_receipt
-- A receipt dies with its visitor.
DELETE FROM receipts WHERE seq = ?;

-- name: erase_assignments
-- A bounded step of a stretch; what left, to be counted.
DELETE FROM assignments WHERE (lane, unit, experiment, phase) IN (
    SELECT lane, unit, experiment, phase FROM assignments
    WHERE lane = ? AND unit = ? AND first_seq >= ? AND first_seq < ? LIMIT ?)
RETURNING experiment, phase, arm;

-- name: add_erased_unit
-- One more visitor of this arm was erased.
INSERT INTO erased_units (experiment, phase, arm, count) VALUES (?, ?, ?, 1)
ON CONFLICT (experiment, phase, arm) DO UPDATE SET count = count + 1;

-- name: list_erased_units
-- How many visitors of each arm were erased.
SELECT experiment, phase, arm, count FROM erased_units ORDER BY experiment, phase, arm;

-- name: erase_business_keys
-- A bounded step of a stretch.
DELETE FROM business_keys WHERE (event, value) IN (
    SELECT event, value FROM business_keys WHERE key = ? AND seq >= ? AND seq < ? LIMIT ?);

-- name: remove_link
-- One link, for good.
DELETE FROM links WHERE lane = ? AND key = ? AND person = ? AND from_seq = ? AND since_seq = ?;

-- name: remove_person_key
-- That two were ever linked.
DELETE FROM person_keys WHERE lane = ? AND person = ? AND key = ?;

-- name: remove_person
-- The person.
DELETE FROM persons WHERE lane = ? AND person = ?;

-- name: remove_key
-- The id.
DELETE FROM keys WHERE lane = ? AND key = ?;

-- name: remove_set_aside
-- An event that was kept aside.
DELETE FROM set_aside WHERE id = ?;

-- name: list_audit_of
-- Acts of one kind.
SELECT id, what FROM audit WHERE act = ?;

-- name: erase_audit
-- The act stays, whom it named goes.
UPDATE audit SET what = ? WHERE id = ?;

-- name: find_newest_erasure
-- When anybody was erased last; 0 when nobody ever was.
SELECT value FROM counters WHERE name = 'newest erasure';

-- name: note_newest_erasure
-- Whoever takes in something older looks whom it is about.
UPDATE counters SET value = max(value, ?) WHERE name = 'newest erasure';

-- name: find_erasure
-- Whether somebody was erased, and when.
SELECT lane, mark, erased_at, is_unsubscribed, dropped FROM erasures WHERE lane = ? AND mark = ?;

-- name: put_erasure
-- Once more erased, the newer date counts.
INSERT INTO erasures (lane, mark, erased_at, is_unsubscribed) VALUES (?, ?, ?, ?)
ON CONFLICT (lane, mark) DO UPDATE SET erased_at = max(erased_at, excluded.erased_at),
    is_unsubscribed = max(is_unsubscribed, excluded.is_unsubscribed);

-- name: count_dropped
-- One more event of theirs came late.
UPDATE erasures SET dropped = dropped + ? WHERE lane = ? AND mark = ?;

-- name: list_erasures
-- A page of the list.
SELECT lane, mark, erased_at, is_unsubscribed, dropped FROM erasures WHERE (lane, mark) > (?, ?)
ORDER BY lane, mark LIMIT ?;
