-- name: next_block
-- A block of numbers for one transaction's records, drawn after everybody it is about was locked.
SELECT nextval('commits');

-- name: find_head
-- The newest number that can have been given out.
SELECT CASE WHEN is_called THEN last_value + 999 ELSE 0 END FROM commits;

-- name: put_playbook
-- The new head.
INSERT INTO playbooks (revision, published_at, by, based_on, files) VALUES (%s, %s, %s, %s, %s);

-- name: find_playbook
-- The newest of that revision, or of all.
SELECT revision, published_at, by, based_on, files FROM playbooks
WHERE %(revision)s::text IS NULL OR revision = %(revision)s
ORDER BY id DESC LIMIT 1;

-- name: list_playbooks
-- Newest first.
SELECT revision, published_at, by, based_on, files FROM playbooks ORDER BY id DESC LIMIT %s;

-- name: put_run_state
-- A rule's run state, whole.
INSERT INTO run_states (rule, state) VALUES (%s, %s) ON CONFLICT (rule) DO UPDATE SET state = excluded.state;

-- name: list_run_states
-- Of every rule that was ever published.
SELECT state FROM run_states;

-- name: put_experiment
-- An experiment, whole.
INSERT INTO experiments (id, started_at, ended_at, experiment) VALUES (%s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE
SET started_at = excluded.started_at, ended_at = excluded.ended_at, experiment = excluded.experiment;

-- name: list_experiments
-- As they were started, those that ended, too.
SELECT experiment FROM experiments ORDER BY started_at, id;

-- name: list_open_experiments
-- As they were started, without those that ended.
SELECT experiment FROM experiments WHERE ended_at IS NULL ORDER BY started_at, id;

-- name: put_draft
-- A learning; what was said of it stays.
INSERT INTO learnings (id, draft, said) VALUES (%s, %s, %s)
ON CONFLICT (id) DO UPDATE SET draft = excluded.draft;

-- name: put_said
-- What people say of a learning.
UPDATE learnings SET said = %s WHERE id = %s;

-- name: list_learnings
-- All there are.
SELECT draft, said FROM learnings ORDER BY id;

-- name: put_setting
-- Small operator state.
INSERT INTO settings (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: remove_setting
-- As if it had never been set.
DELETE FROM settings WHERE name = %s;

-- name: find_setting
-- One of them.
SELECT value FROM settings WHERE name = %s;

-- name: list_settings
-- Those whose names begin alike.
SELECT name, value FROM settings WHERE starts_with(name, %s) ORDER BY name;

-- name: put_api_key
-- A key of the API, whole.
INSERT INTO api_keys (digest, created_at, api_key) VALUES (%s, %s, %s)
ON CONFLICT (digest) DO UPDATE SET created_at = excluded.created_at, api_key = excluded.api_key;

-- name: list_api_keys
-- Oldest first.
SELECT api_key FROM api_keys ORDER BY created_at, digest;

-- name: add_audit
-- One act of an operator.
INSERT INTO audit (at, by, act, what, detail) VALUES (%s, %s, %s, %s, %s);

-- name: list_audit
-- Newest first.
SELECT at, by, act, what, detail FROM audit ORDER BY id DESC LIMIT %s;

-- name: changed_at
-- How many changes operators have made.
SELECT value FROM counters WHERE name = 'changed';

-- name: take_turn
-- Operators' acts take turns; it ends with the connection.
SELECT pg_advisory_lock(5707265233);

-- name: count_change
-- Playbook, run states, settings or keys changed in this commit.
UPDATE counters SET value = value + %s WHERE name = 'changed';

-- name: tell_changed
-- Every process that listens reads them again once this is committed.
SELECT pg_notify('opportune_changed', '');

-- name: take_lease
-- Background work becomes this holder's, unless another one's time is not over.
INSERT INTO leases (work, holder, until_at) VALUES (%(work)s, %(holder)s, %(until_at)s)
ON CONFLICT (work) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at
WHERE leases.holder = excluded.holder OR leases.until_at <= %(now)s
RETURNING work;
