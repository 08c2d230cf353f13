-- name: list_exposed
-- Everybody exposed to a rule in one lane, with a sign between that no arm's name has: the arm and, in one number,
-- whatever else counts; of whoever was not exposed as assigned the unit instead. An assignment of the first phase stands;
-- `phase` says it where there is only one. One text of a lane is read a third faster than a row for each.
SELECT group_concat(iif(is_as_assigned,
    arm || ' ' || ((first_at / :stretch_ms * 65536 + phase) * 2 + (shown_at IS NOT NULL)), unit), char(31))
FROM (
    SELECT exposures.unit, given.phase, given.arm, min(exposures.first_at) AS first_at,
        max(exposures.shown_at) AS shown_at, max(given.phase IS NULL) = 0 AS is_as_assigned
    FROM exposures
    LEFT JOIN assignments AS given ON given.lane = :lane AND given.unit = exposures.unit
        AND given.experiment = :experiment AND given.arm = exposures.arm AND given.phase = coalesce(:phase, (
            SELECT min(phase) FROM assignments
            WHERE lane = :lane AND unit = exposures.unit AND experiment = :experiment))
    WHERE exposures.lane = :lane AND exposures.rule = :rule
        AND exposures.first_at >= :since_at AND exposures.first_at < :until_at
    GROUP BY exposures.unit);

-- name: list_exposed_units
-- The same of some units, one by one.
SELECT exposures.unit, given.phase, given.arm, min(exposures.arm), max(exposures.arm), min(exposures.first_at),
    min(exposures.seq), max(exposures.shown_at) IS NOT NULL
FROM json_each(:units) AS asked
JOIN exposures ON exposures.lane = asked.value % 256 AND exposures.unit = asked.value AND exposures.rule = :rule
    AND exposures.first_at >= :since_at AND exposures.first_at < :until_at
LEFT JOIN assignments AS given ON given.lane = exposures.lane AND given.unit = exposures.unit
    AND given.experiment = :experiment AND given.phase = (
        SELECT min(phase) FROM assignments
        WHERE lane = exposures.lane AND unit = exposures.unit AND experiment = :experiment)
WHERE exposures.lane >= :first AND exposures.lane < :end
GROUP BY exposures.lane, exposures.unit;

-- name: list_exposed_keys
-- Whom a rule was shown to or kept from in some lanes.
SELECT DISTINCT unit FROM exposures
WHERE lane >= :first AND lane < :end AND rule = :rule AND first_at >= :since_at AND first_at < :until_at;

-- name: list_key_facts
-- Key events of one name as they happened, with their facts, between a place and a moment.
SELECT events.key, events.class, events.line
FROM bodies INDEXED BY bodies_of_key_events
JOIN events ON events.lane = bodies.key % 256 AND events.key = bodies.key AND events.class = 0
    AND events.occurred_at = bodies.occurred_at AND events.seq = bodies.seq
WHERE bodies.class = 0 AND bodies.name = ? AND (bodies.occurred_at, bodies.seq) > (?, ?) AND bodies.occurred_at < ?
    AND bodies.until_seq IS NULL
ORDER BY bodies.occurred_at, bodies.seq LIMIT ?;

-- name: list_facts_of
-- Events of some names of a few keys.
SELECT events.key, events.class, events.line
FROM json_each(?1) AS asked
JOIN events ON events.lane = asked.value % 256 AND events.key = asked.value AND events.class IN (0, 1, 2)
WHERE events.name IN (SELECT value FROM json_each(?2)) AND events.until_seq IS NULL
ORDER BY events.key, events.class, events.occurred_at, events.seq;

-- name: list_first_contexts
-- What each of these visitors looked with when they first came since a moment.
SELECT value, (
    SELECT context FROM opportunities WHERE lane = asked.value % 256 AND key = asked.value AND at >= ?2
    ORDER BY session, slot LIMIT 1)
FROM json_each(?1) AS asked;

-- name: list_links_in_force
-- Of some lanes, whose each key is today.
SELECT key, person, from_seq, to_seq, since_seq, until_seq FROM links
WHERE lane >= ? AND lane < ? AND until_seq = 4611686018427387904
ORDER BY key, from_seq, since_seq;

-- name: find_measured
-- When an experiment was measured.
SELECT experiment, made_at, seq, is_frozen, not_counted FROM measured WHERE experiment = ?;

-- name: put_measured
-- It was measured anew.
INSERT OR REPLACE INTO measured (experiment, made_at, seq, is_frozen, not_counted) VALUES (?, ?, ?, ?, ?);

-- name: list_measured_days
-- What it came to.
SELECT phase, arm, day, part, units, sums FROM measured_days WHERE experiment = ?;

-- name: put_measured_day
-- One cell of it.
INSERT OR REPLACE INTO measured_days (experiment, phase, arm, day, part, units, sums) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: remove_measured_day
-- Nobody is in that cell any more.
DELETE FROM measured_days WHERE experiment = ? AND phase = ? AND arm = ? AND day = ? AND part = ?;

-- name: list_erased_days
-- What visitors had added who were erased since.
SELECT phase, arm, day, part, units, sums FROM erased_days WHERE experiment = ?;

-- name: put_erased_day
-- One cell of it, with what one more had added.
INSERT OR REPLACE INTO erased_days (experiment, phase, arm, day, part, units, sums) VALUES (?, ?, ?, ?, ?, ?, ?);
