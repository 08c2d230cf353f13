-- name: add_opportunity
-- The first time a slot was asked for in a session.
INSERT OR IGNORE INTO opportunities
    (lane, key, session, slot, record_seq, line, seq, at, outcome, revision, context)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: list_opportunities
-- Newest first.
SELECT opportunities.key, slot, session, seq, at, outcome, context, revision
FROM json_each(?) AS asked
JOIN opportunities ON opportunities.lane = asked.value % 256 AND opportunities.key = asked.value
ORDER BY record_seq DESC LIMIT ?;

-- name: list_lane_opportunities
-- Those of one lane for some slots since a moment, by key, session and slot, after a place.
SELECT key, slot, session, seq, at, outcome, context, revision FROM opportunities
WHERE lane = ?1 AND (key, session, slot) > (?4, ?5, ?6) AND slot IN (SELECT value FROM json_each(?2)) AND at >= ?3
ORDER BY key, session, slot LIMIT ?7;

-- name: add_exposure
-- A unit was given an arm; once a session.
INSERT OR IGNORE INTO exposures
    (lane, unit, session, subject, slot, rule, rule_hash, arm, seq, line, first_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_receipt
-- Why, kept apart so that exposures stay slim.
INSERT INTO receipts (seq, receipt) VALUES (?, ?);

-- name: find_exposure
-- What became of it so far.
SELECT first_at, shown_at, shown_seq, count FROM exposures
WHERE lane = ? AND unit = ? AND session = ? AND subject = ? AND slot = ? AND rule = ? AND rule_hash = ? AND arm = ?;

-- name: mark_shown
-- One more verified view.
UPDATE exposures SET shown_at = ?, shown_seq = ?, count = ?, line = ?
WHERE lane = ? AND unit = ? AND session = ? AND subject = ? AND slot = ? AND rule = ? AND rule_hash = ? AND arm = ?;

-- name: list_exposures
-- Newest first, with receipts.
SELECT subject, unit, slot, rule, rule_hash, arm, session, first_at, shown_at, count, receipt
FROM json_each(?) AS asked
JOIN exposures ON exposures.lane = asked.value % 256 AND exposures.unit = asked.value
LEFT JOIN receipts ON receipts.seq = exposures.seq
ORDER BY exposures.seq DESC LIMIT ?;

-- name: add_assignment
-- The arm given first in a phase stands.
INSERT OR IGNORE INTO assignments (lane, unit, experiment, phase, first_seq, arm, line)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: list_decided
-- Whom rules of one lane were decided for since a moment, control groups too.
SELECT DISTINCT rule, unit FROM exposures
WHERE lane = ? AND subject IN ('rule', 'hide') AND first_at >= ?;

-- name: list_acted
-- In which visits of some lanes rules acted since a moment, and when first.
SELECT rule, unit, min(first_at) FROM exposures
WHERE lane >= ? AND lane < ? AND rule IN (SELECT value FROM json_each(?)) AND subject IN ('rule', 'hide')
    AND arm <> ? AND first_at >= ?
GROUP BY rule, unit, session;

-- name: list_hidden
-- What rules hid since a moment, by rule and place.
SELECT rule, slot, count(DISTINCT unit), count(*) FROM exposures
WHERE subject = 'hide' AND arm <> :control AND first_at >= :since
GROUP BY rule, slot;
