-- name: find_key_columns
-- The columns a table is kept in order by.
SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk;

-- name: first_rows
-- The first page of a table in its order.
SELECT :columns FROM :table ORDER BY :key LIMIT ?;

-- name: next_rows
-- The page after some place.
SELECT :columns FROM :table WHERE (:key) > (:after) ORDER BY :key LIMIT ?;

-- name: count_rows
-- How many rows a table has.
SELECT count(*) FROM :table;

-- name: put_row
-- A row of another store, unless it is here already.
INSERT OR IGNORE INTO :table (:columns) VALUES (:values);

-- name: show_bodies
-- Whole events with their lane, as PostgreSQL keeps them.
CREATE TEMP VIEW moved_bodies AS
SELECT key % 256 AS lane, seq, key, class, occurred_at, until_seq, name, source, body FROM main.bodies;

-- name: take_bodies
-- And back without it.
CREATE TEMP TRIGGER take_bodies INSTEAD OF INSERT ON moved_bodies BEGIN
    INSERT INTO bodies (seq, key, class, occurred_at, until_seq, name, source, body)
    VALUES (new.seq, new.key, new.class, new.occurred_at, new.until_seq, new.name, new.source, new.body);
END;

-- name: show_business_keys
-- Business keys with the lane of the order's own key.
CREATE TEMP VIEW moved_business_keys AS
SELECT lane_of_order(event, value) AS lane, event, value, key, class, occurred_at, seq, is_verified
FROM main.business_keys;

-- name: take_business_keys
-- And back without it.
CREATE TEMP TRIGGER take_business_keys INSTEAD OF INSERT ON moved_business_keys BEGIN
    INSERT INTO business_keys (event, value, key, class, occurred_at, seq, is_verified)
    VALUES (new.event, new.value, new.key, new.class, new.occurred_at, new.seq, new.is_verified);
END;

-- name: show_exposures
-- Exposures with their receipts, empty where there is none.
CREATE TEMP VIEW moved_exposures AS
SELECT lane, unit, session, subject, slot, rule, rule_hash, arm, seq, first_at, shown_at, shown_seq, count, line,
    coalesce((SELECT receipt FROM main.receipts WHERE receipts.seq = exposures.seq), x'') AS receipt
FROM main.exposures;

-- name: take_exposures
-- And back into two tables.
CREATE TEMP TRIGGER take_exposures INSTEAD OF INSERT ON moved_exposures BEGIN
    INSERT INTO exposures (lane, unit, session, subject, slot, rule, rule_hash, arm, seq, line, first_at,
        shown_at, shown_seq, count)
    VALUES (new.lane, new.unit, new.session, new.subject, new.slot, new.rule, new.rule_hash, new.arm, new.seq,
        new.line, new.first_at, new.shown_at, new.shown_seq, new.count);
    INSERT INTO receipts (seq, receipt) SELECT new.seq, new.receipt WHERE length(new.receipt) > 0;
END;

-- name: derive_persons
-- Everybody a key was ever linked to, with their first link.
INSERT OR IGNORE INTO persons (lane, person, since_seq)
SELECT person % 256, person, min(since_seq) FROM links GROUP BY person;

-- name: list_counters
-- All of the store's counters.
SELECT name, value FROM counters;

-- name: raise_counter
-- Goes on after the other store's.
INSERT INTO counters (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value);

-- name: describe_store
-- What tells one backup from another.
SELECT (SELECT count(*) FROM bodies), (SELECT count(*) FROM keys), (SELECT count(*) FROM playbooks),
    (SELECT max(occurred_at) FROM bodies);
