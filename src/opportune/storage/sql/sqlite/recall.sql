-- name: recall_key
-- All a decision reads of one key as it is now, as one row of JSON texts. Parameters: lane, key, the earliest
-- moment of behaviour, then how many key events, behaviour, exposures and opportunities to read at most.
SELECT
    (SELECT value FROM counters WHERE name = 'seq'),
    (SELECT '[' || group_concat('[' || key || ',' || person || ',' || from_seq || ',' || to_seq || ','
            || since_seq || ',' || until_seq || ']') || ']'
        FROM links WHERE lane = ?1 AND key = ?2),
    (SELECT '[' || group_concat(key) || ']' FROM person_keys WHERE lane = ?1 AND person = ?2),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM events
        WHERE lane = ?1 AND key = ?2 AND class = 0 AND until_seq IS NULL
        ORDER BY occurred_at DESC, seq DESC LIMIT ?4)),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM events
        WHERE lane = ?1 AND key = ?2 AND class = 1 AND occurred_at >= ?3 AND until_seq IS NULL
        ORDER BY occurred_at DESC, seq DESC LIMIT ?5)),
    (SELECT '[' || group_concat(line) || ']' FROM traits WHERE lane = ?1 AND key = ?2),
    (SELECT '[' || group_concat(line) || ']' FROM assignments WHERE lane = ?1 AND unit = ?2),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM exposures WHERE lane = ?1 AND unit = ?2
        ORDER BY session DESC, subject DESC, slot DESC, rule DESC, rule_hash DESC, arm DESC LIMIT ?6)),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM opportunities WHERE lane = ?1 AND key = ?2
        ORDER BY session DESC, slot DESC LIMIT ?7));

-- name: recall_key_as_of
-- The same as of an earlier commit (the eighth parameter); an exposure comes with whether it was shown by then.
SELECT
    min((SELECT value FROM counters WHERE name = 'seq'), ?8),
    (SELECT '[' || group_concat('[' || key || ',' || person || ',' || from_seq || ',' || to_seq || ','
            || since_seq || ',' || until_seq || ']') || ']'
        FROM links WHERE lane = ?1 AND key = ?2),
    (SELECT '[' || group_concat(key) || ']' FROM person_keys WHERE lane = ?1 AND person = ?2),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM events
        WHERE lane = ?1 AND key = ?2 AND class = 0 AND seq <= ?8 AND (until_seq IS NULL OR until_seq > ?8)
        ORDER BY occurred_at DESC, seq DESC LIMIT ?4)),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM events
        WHERE lane = ?1 AND key = ?2 AND class = 1 AND occurred_at >= ?3
            AND seq <= ?8 AND (until_seq IS NULL OR until_seq > ?8)
        ORDER BY occurred_at DESC, seq DESC LIMIT ?5)),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM traits WHERE lane = ?1 AND key = ?2 AND seq <= ?8
        UNION ALL
        SELECT line FROM past_traits WHERE lane = ?1 AND key = ?2 AND seq <= ?8 AND until_seq > ?8)),
    (SELECT '[' || group_concat(line) || ']' FROM assignments
        WHERE lane = ?1 AND unit = ?2 AND first_seq <= ?8),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT '[' || line || ',' || (shown_seq IS NOT NULL AND shown_seq <= ?8) || ']' AS line
        FROM exposures WHERE lane = ?1 AND unit = ?2 AND seq <= ?8
        ORDER BY session DESC, subject DESC, slot DESC, rule DESC, rule_hash DESC, arm DESC LIMIT ?6)),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM opportunities WHERE lane = ?1 AND key = ?2 AND record_seq <= ?8
        ORDER BY session DESC, slot DESC LIMIT ?7));

-- name: recall_stretches
-- Timeline and traits of a shared key, cut to the stretches of `seq` (JSON pairs, the sixth parameter, which
-- follow lane, key, the earliest moment of behaviour and the two bounds) as of a commit (the seventh).
SELECT
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM events
        WHERE lane = ?1 AND key = ?2 AND class = 0 AND seq <= ?7 AND (until_seq IS NULL OR until_seq > ?7)
            AND EXISTS (SELECT 1 FROM json_each(?6)
                WHERE seq >= json_extract(json_each.value, '$[0]') AND seq < json_extract(json_each.value, '$[1]'))
        ORDER BY occurred_at DESC, seq DESC LIMIT ?4)),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT line FROM events
        WHERE lane = ?1 AND key = ?2 AND class = 1 AND occurred_at >= ?3
            AND seq <= ?7 AND (until_seq IS NULL OR until_seq > ?7)
            AND EXISTS (SELECT 1 FROM json_each(?6)
                WHERE seq >= json_extract(json_each.value, '$[0]') AND seq < json_extract(json_each.value, '$[1]'))
        ORDER BY occurred_at DESC, seq DESC LIMIT ?5)),
    (SELECT '[' || group_concat(line) || ']' FROM (
        SELECT seq, line FROM traits WHERE lane = ?1 AND key = ?2
        UNION ALL
        SELECT seq, line FROM past_traits WHERE lane = ?1 AND key = ?2)
        WHERE seq <= ?7 AND EXISTS (SELECT 1 FROM json_each(?6)
            WHERE seq >= json_extract(json_each.value, '$[0]') AND seq < json_extract(json_each.value, '$[1]')));

-- name: recall_assignments
-- Arms given to further keys of a person (a JSON list), as of a commit.
SELECT '[' || group_concat(line) || ']' FROM json_each(?1) AS asked
JOIN assignments ON assignments.lane = asked.value % 256 AND assignments.unit = asked.value
WHERE first_seq <= ?2;
