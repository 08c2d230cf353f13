-- name: add_opportunity
-- The first time a slot was asked for in a session.
INSERT INTO opportunities (lane, key, session, slot, record_seq, seq, at, line, outcome, revision, context)
VALUES :rows ON CONFLICT (lane, key, session, slot) DO NOTHING;

-- name: list_opportunities
-- All of some keys, in any order.
SELECT opportunities.key, slot, session, seq, at, outcome, context, revision, record_seq
FROM (VALUES :rows) AS asked (lane, key)
JOIN opportunities ON opportunities.lane = asked.lane AND opportunities.key = asked.key;

-- name: list_lane_opportunities
-- Those of one lane for some slots since a moment, by key, session and slot, after a place.
SELECT key, slot, session, seq, at, outcome, context, revision FROM opportunities
WHERE lane = %s AND slot = ANY(%s) AND at >= %s AND (key, session, slot) > (%s, %s, %s)
ORDER BY key, session, slot LIMIT %s;

-- name: add_exposure
-- A unit was given an arm; once a session. The receipt stands last, so that reading the others passes it by.
INSERT INTO exposures (lane, unit, session, subject, slot, rule, rule_hash, arm, seq, first_at, line, receipt)
VALUES :rows ON CONFLICT (lane, unit, session, subject, slot, rule, rule_hash, arm) DO NOTHING;

-- name: find_exposure
-- What became of it so far.
SELECT first_at, shown_at, shown_seq, count FROM exposures
WHERE lane = %s AND unit = %s AND session = %s AND subject = %s AND slot = %s AND rule = %s AND rule_hash = %s
    AND arm = %s;

-- name: mark_shown
-- One more verified view.
UPDATE exposures SET shown_at = %s, shown_seq = %s, count = %s, line = %s
WHERE lane = %s AND unit = %s AND session = %s AND subject = %s AND slot = %s AND rule = %s AND rule_hash = %s
    AND arm = %s;

-- name: list_exposures
-- All of some keys with receipts, in any order.
SELECT subject, unit, slot, rule, rule_hash, arm, session, first_at, shown_at, count, receipt, seq
FROM (VALUES :rows) AS asked (lane, key)
JOIN exposures ON exposures.lane = asked.lane AND exposures.unit = asked.key;

-- name: list_decided
-- Whom rules of one lane were decided for since a moment, control groups too.
SELECT DISTINCT rule, unit FROM exposures
WHERE lane = %s AND subject IN ('rule', 'hide') AND first_at >= %s;

-- name: list_acted
-- In which visits of some lanes rules acted since a moment, and when first.
SELECT rule, unit, min(first_at) FROM exposures
WHERE lane >= %s AND lane < %s AND rule = ANY(%s) AND subject IN ('rule', 'hide') AND arm <> %s AND first_at >= %s
GROUP BY rule, lane, unit, session;

-- name: list_hidden
-- What rules hid since a moment, by rule and place.
SELECT rule, slot, count(DISTINCT unit), count(*) FROM exposures
WHERE subject = 'hide' AND arm <> %(control)s AND first_at >= %(since)s
GROUP BY rule, slot;

-- name: add_assignment
-- The arm given first in a phase stands.
INSERT INTO assignments (lane, unit, experiment, phase, first_seq, arm, line) VALUES :rows
ON CONFLICT (lane, unit, experiment, phase) DO NOTHING;
