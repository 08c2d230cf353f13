-- name: recall_keys
-- All a decision reads of some keys as they are now: a row of JSON texts each. Every row asked with has lane, key,
-- and the earliest moment of behaviour; `:behaviour` and the like stand for how many of them are read at most.
SELECT asked.key,
    coalesce((SELECT seq FROM persons WHERE persons.lane = asked.lane AND persons.person = asked.key), 0),
    (SELECT '[' || string_agg('[' || links.key || ',' || links.person || ',' || from_seq || ',' || to_seq || ','
            || since_seq || ',' || until_seq || ']', ',') || ']'
        FROM links WHERE links.lane = asked.lane AND links.key = asked.key),
    (SELECT '[' || string_agg(person_keys.key::text, ',' ORDER BY person_keys.key) || ']'
        FROM person_keys WHERE person_keys.lane = asked.lane AND person_keys.person = asked.key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM events
        WHERE events.lane = asked.lane AND events.key = asked.key AND class = 0 AND until_seq IS NULL
        ORDER BY occurred_at DESC, seq DESC LIMIT :key_events) AS of_key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM events
        WHERE events.lane = asked.lane AND events.key = asked.key AND class = 1 AND occurred_at >= asked.since_at
            AND until_seq IS NULL
        ORDER BY occurred_at DESC, seq DESC LIMIT :behaviour) AS of_key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM traits
        WHERE traits.lane = asked.lane AND traits.key = asked.key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM assignments
        WHERE assignments.lane = asked.lane AND assignments.unit = asked.key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM exposures WHERE exposures.lane = asked.lane AND exposures.unit = asked.key
        ORDER BY session DESC, subject DESC, slot DESC, rule DESC, rule_hash DESC, arm DESC
        LIMIT :exposures) AS of_key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM opportunities WHERE opportunities.lane = asked.lane AND opportunities.key = asked.key
        ORDER BY session DESC, slot DESC LIMIT :opportunities) AS of_key),
    EXISTS (SELECT 1 FROM met WHERE met.lane = asked.lane AND met.key = asked.key)
FROM (VALUES :rows) AS asked (lane, key, since_at);

-- name: recall_keys_as_of
-- The same as of an earlier commit (the fourth value of a row); an exposure comes with whether it was shown by then.
SELECT asked.key,
    least(coalesce((SELECT seq FROM persons WHERE persons.lane = asked.lane AND persons.person = asked.key), 0),
        asked.as_of),
    (SELECT '[' || string_agg('[' || links.key || ',' || links.person || ',' || from_seq || ',' || to_seq || ','
            || since_seq || ',' || until_seq || ']', ',') || ']'
        FROM links WHERE links.lane = asked.lane AND links.key = asked.key),
    (SELECT '[' || string_agg(person_keys.key::text, ',' ORDER BY person_keys.key) || ']'
        FROM person_keys WHERE person_keys.lane = asked.lane AND person_keys.person = asked.key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM events
        WHERE events.lane = asked.lane AND events.key = asked.key AND class = 0
            AND seq <= asked.as_of AND (until_seq IS NULL OR until_seq > asked.as_of)
        ORDER BY occurred_at DESC, seq DESC LIMIT :key_events) AS of_key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM events
        WHERE events.lane = asked.lane AND events.key = asked.key AND class = 1 AND occurred_at >= asked.since_at
            AND seq <= asked.as_of AND (until_seq IS NULL OR until_seq > asked.as_of)
        ORDER BY occurred_at DESC, seq DESC LIMIT :behaviour) AS of_key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM traits
        WHERE traits.lane = asked.lane AND traits.key = asked.key AND seq <= asked.as_of
        UNION ALL
        SELECT line FROM past_traits
        WHERE past_traits.lane = asked.lane AND past_traits.key = asked.key AND seq <= asked.as_of
            AND until_seq > asked.as_of) AS of_key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM assignments
        WHERE assignments.lane = asked.lane AND assignments.unit = asked.key AND first_seq <= asked.as_of),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT '[' || line || ','
            || CASE WHEN shown_seq IS NOT NULL AND shown_seq <= asked.as_of THEN 1 ELSE 0 END || ']' AS line
        FROM exposures
        WHERE exposures.lane = asked.lane AND exposures.unit = asked.key AND seq <= asked.as_of
        ORDER BY session DESC, subject DESC, slot DESC, rule DESC, rule_hash DESC, arm DESC
        LIMIT :exposures) AS of_key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM opportunities
        WHERE opportunities.lane = asked.lane AND opportunities.key = asked.key AND record_seq <= asked.as_of
        ORDER BY session DESC, slot DESC LIMIT :opportunities) AS of_key)
FROM (VALUES :rows) AS asked (lane, key, since_at, as_of);

-- name: recall_stretches
-- Timeline and traits of a shared key, cut to stretches of `seq`, as of a commit.
SELECT
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM events
        WHERE events.lane = asked.lane AND events.key = asked.key AND class = 0 AND seq <= asked.as_of
            AND (until_seq IS NULL OR until_seq > asked.as_of) AND seq <@ asked.stretches::int8multirange
        ORDER BY occurred_at DESC, seq DESC LIMIT :key_events) AS of_key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT line FROM events
        WHERE events.lane = asked.lane AND events.key = asked.key AND class = 1 AND occurred_at >= asked.since_at AND seq <= asked.as_of
            AND (until_seq IS NULL OR until_seq > asked.as_of) AND seq <@ asked.stretches::int8multirange
        ORDER BY occurred_at DESC, seq DESC LIMIT :behaviour) AS of_key),
    (SELECT '[' || string_agg(line, ',') || ']' FROM (
        SELECT seq, line FROM traits WHERE traits.lane = asked.lane AND traits.key = asked.key
        UNION ALL
        SELECT seq, line FROM past_traits WHERE past_traits.lane = asked.lane AND past_traits.key = asked.key) AS of_key
        WHERE seq <= asked.as_of AND seq <@ asked.stretches::int8multirange)
FROM (VALUES :rows) AS asked (lane, key, since_at, stretches, as_of);

-- name: recall_assignments
-- Arms given to further keys of a person, as of a commit.
SELECT '[' || string_agg(line, ',') || ']'
FROM (VALUES :rows) AS asked (lane, key, as_of)
JOIN assignments ON assignments.lane = asked.lane AND assignments.unit = asked.key
WHERE first_seq <= asked.as_of;
