-- name: find_whole_since
-- The moment from which on every event taken is still there.
SELECT value FROM counters WHERE name = 'whole since';

-- name: list_exposed
-- Everybody exposed to a rule in some lanes, counted by what counts alike; whom somebody asks for, and whoever was not
-- exposed as assigned, as JSON of its own. An assignment of the first phase stands.
SELECT phase, arm, stretch, is_shown, apart, count(*)
FROM (
    SELECT CASE WHEN is_apart THEN NULL ELSE phase END AS phase, CASE WHEN is_apart THEN NULL ELSE arm END AS arm,
        CASE WHEN is_apart THEN NULL ELSE first_at / %(stretch_ms)s END AS stretch,
        CASE WHEN is_apart THEN NULL ELSE is_shown END AS is_shown,
        CASE WHEN is_apart THEN
            json_build_array(unit, phase, arm, first_arm, last_arm, first_at, seq, is_shown)::text END AS apart
    FROM (
        SELECT found.*, given.phase, given.arm,
            first_arm IS DISTINCT FROM given.arm OR last_arm IS DISTINCT FROM given.arm
                OR asked.key IS NOT NULL OR %(everybody)s AS is_apart
        FROM (
            SELECT lane, unit, min(arm) AS first_arm, max(arm) AS last_arm, min(first_at) AS first_at,
                min(seq) AS seq, bool_or(shown_at IS NOT NULL) AS is_shown
            FROM exposures
            WHERE lane >= %(first)s AND lane < %(end)s AND rule = %(rule)s
                AND first_at >= %(since_at)s AND first_at < %(until_at)s
            GROUP BY lane, unit) AS found
        LEFT JOIN (
            SELECT DISTINCT ON (lane, unit) lane, unit, phase, arm FROM assignments
            WHERE lane >= %(first)s AND lane < %(end)s AND experiment = %(experiment)s
            ORDER BY lane, unit, phase) AS given ON given.lane = found.lane AND given.unit = found.unit
        LEFT JOIN (SELECT value::bigint AS key FROM json_array_elements_text(%(apart)s::json)) AS asked
            ON asked.key = found.unit) AS each) AS all_units
GROUP BY 1, 2, 3, 4, 5;

-- name: list_key_facts
-- Key events of one name as they happened, with their facts, between a place and a moment.
SELECT events.key, events.class, events.line
FROM bodies
JOIN events ON events.lane = bodies.lane AND events.key = bodies.key AND events.class = 0
    AND events.occurred_at = bodies.occurred_at AND events.seq = bodies.seq
WHERE bodies.class = 0 AND bodies.name = %s AND (bodies.occurred_at, bodies.seq) > (%s, %s)
    AND bodies.occurred_at < %s AND bodies.until_seq IS NULL
ORDER BY bodies.occurred_at, bodies.seq LIMIT %s;

-- name: list_facts_of
-- Events of some names of one key.
SELECT key, class, line FROM events
WHERE lane = %s AND key = %s AND class IN (0, 1, 2) AND name = ANY(%s) AND until_seq IS NULL
ORDER BY key, class, occurred_at, seq;

-- name: list_first_contexts
-- What each of these visitors looked with when they first came since a moment.
SELECT DISTINCT ON (opportunities.lane, opportunities.key) opportunities.key, context
FROM (VALUES :rows) AS asked (lane, key, since_at)
JOIN opportunities ON opportunities.lane = asked.lane AND opportunities.key = asked.key AND at >= asked.since_at
ORDER BY opportunities.lane, opportunities.key, session, slot;

-- name: list_links_in_force
-- Of some lanes, whose each key is today.
SELECT key, person, from_seq, to_seq, since_seq, until_seq FROM links
WHERE lane >= %s AND lane < %s AND until_seq = 4611686018427387904
ORDER BY key, from_seq, since_seq;

-- name: find_measured
-- When an experiment was measured.
SELECT experiment, made_at, seq, is_frozen, not_counted FROM measured WHERE experiment = %s;

-- name: put_measured
-- It was measured anew.
INSERT INTO measured (experiment, made_at, seq, is_frozen, not_counted) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (experiment) DO UPDATE SET made_at = excluded.made_at, seq = excluded.seq,
    is_frozen = excluded.is_frozen, not_counted = excluded.not_counted;

-- name: list_measured_days
-- What it came to.
SELECT phase, arm, day, part, units, sums FROM measured_days WHERE experiment = %s;

-- name: put_measured_day
-- One cell of it.
INSERT INTO measured_days (experiment, phase, arm, day, part, units, sums) VALUES :rows
ON CONFLICT (experiment, phase, arm, day, part) DO UPDATE SET units = excluded.units, sums = excluded.sums;

-- name: remove_measured_day
-- Nobody is in that cell any more.
DELETE FROM measured_days WHERE experiment = %s AND phase = %s AND arm = %s AND day = %s AND part = %s;

-- name: list_erased_days
-- What visitors had added who were erased since.
SELECT phase, arm, day, part, units, sums FROM erased_days WHERE experiment = %s;

-- name: hold_erased_day
-- One cell of it, made where it is not there yet and held until the commit, so that of two nobody's part is lost.
INSERT INTO erased_days (experiment, phase, arm, day, part, units, sums) VALUES (%s, %s, %s, %s, %s, 0, '')
ON CONFLICT (experiment, phase, arm, day, part) DO UPDATE SET units = erased_days.units
RETURNING phase, arm, day, part, units, sums;

-- name: put_erased_day
-- With what one more had added.
UPDATE erased_days SET units = %s, sums = %s
WHERE experiment = %s AND phase = %s AND arm = %s AND day = %s AND part = %s;
