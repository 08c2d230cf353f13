-- name: find_key_columns
-- The columns of a table's primary key, in their order.
SELECT attname FROM pg_index
CROSS JOIN unnest(indkey) WITH ORDINALITY AS keyed (number, place)
JOIN pg_attribute ON attrelid = indrelid AND attnum = keyed.number
WHERE indrelid = %s::regclass AND indisprimary
ORDER BY place;

-- name: first_rows
-- The first page of a table in its order.
SELECT :columns FROM :table ORDER BY :key LIMIT %s;

-- name: next_rows
-- The page after some place.
SELECT :columns FROM :table WHERE (:key) > (:after) ORDER BY :key LIMIT %s;

-- name: count_rows
-- How many rows a table has.
SELECT count(*) FROM :table;

-- name: put_rows
-- Rows of another store, with its numbers, unless they are here already.
INSERT INTO :table (:columns) OVERRIDING SYSTEM VALUE VALUES :rows ON CONFLICT DO NOTHING;

-- name: derive_persons
-- Everybody of one lane anything is known about, as if all of it had been written last.
INSERT INTO persons (lane, person, seq)
SELECT %(lane)s, person, %(seq)s FROM (
    SELECT key AS person FROM keys WHERE lane = %(lane)s
    UNION SELECT key FROM links WHERE lane = %(lane)s
    UNION SELECT person FROM person_keys WHERE lane = %(lane)s
    UNION SELECT key FROM events WHERE lane = %(lane)s
    UNION SELECT key FROM traits WHERE lane = %(lane)s
    UNION SELECT key FROM opportunities WHERE lane = %(lane)s
    UNION SELECT unit FROM exposures WHERE lane = %(lane)s
    UNION SELECT unit FROM assignments WHERE lane = %(lane)s) AS known
ON CONFLICT (lane, person) DO UPDATE SET seq = greatest(persons.seq, excluded.seq);

-- name: raise_commits
-- The next block of numbers begins after the other store's newest.
SELECT setval('commits', %s);

-- name: continue_ids
-- The next row of a table is numbered after those that were moved.
SELECT setval(pg_get_serial_sequence(':table', 'id'), max(id)) FROM :table HAVING max(id) IS NOT NULL;

-- name: list_counters
-- All of the store's counters.
SELECT name, value FROM counters;

-- name: raise_counter
-- Goes on after the other store's.
INSERT INTO counters (name, value) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET value = greatest(counters.value, excluded.value);

-- name: hold_move
-- One move at a time works on a database; ends with its connection.
SELECT pg_try_advisory_lock(%s);

-- name: find_servers
-- How many connections other processes of Opportune hold.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'opportune %%' AND pid <> pg_backend_pid();

-- name: take_stock
-- The planner learns how much there is before the first question is asked.
ANALYZE;
