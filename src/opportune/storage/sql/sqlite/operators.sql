-- name: put_playbook
-- The new head.
INSERT INTO playbooks (revision, published_at, by, based_on, files) VALUES (?, ?, ?, ?, ?);

-- name: find_playbook
-- The newest of that revision, or of all.
SELECT revision, published_at, by, based_on, files FROM playbooks
WHERE :revision IS NULL OR revision = :revision
ORDER BY id DESC LIMIT 1;

-- name: list_playbooks
-- Newest first.
SELECT revision, published_at, by, based_on, files FROM playbooks ORDER BY id DESC LIMIT ?;

-- name: put_run_state
-- A rule's run state, whole.
INSERT OR REPLACE INTO run_states (rule, state) VALUES (?, ?);

-- name: list_run_states
-- Of every rule that was ever published.
SELECT state FROM run_states;

-- name: put_experiment
-- An experiment, whole.
INSERT OR REPLACE INTO experiments (id, started_at, ended_at, experiment) VALUES (?, ?, ?, ?);

-- name: list_experiments
-- As they were started, those that ended, too.
SELECT experiment FROM experiments ORDER BY started_at, id;

-- name: list_open_experiments
-- As they were started, without those that ended.
SELECT experiment FROM experiments WHERE ended_at IS NULL ORDER BY started_at, id;

-- name: put_draft
-- A learning; what was said of it stays.
INSERT INTO learnings (id, draft, said) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET draft = excluded.draft;

-- name: put_said
-- What people say of a learning.
UPDATE learnings SET said = ? WHERE id = ?;

-- name: list_learnings
-- All there are.
SELECT draft, said FROM learnings ORDER BY id;

-- name: put_setting
-- Small operator state.
INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?);

-- name: remove_setting
-- As if it had never been set.
DELETE FROM settings WHERE name = ?;

-- name: find_setting
-- One of them.
SELECT value FROM settings WHERE name = ?;

-- name: list_settings
-- Those whose names begin alike.
SELECT name, value FROM settings WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name;

-- name: put_api_key
-- A key of the API, whole.
INSERT OR REPLACE INTO api_keys (digest, created_at, api_key) VALUES (?, ?, ?);

-- name: list_api_keys
-- Oldest first.
SELECT api_key FROM api_keys ORDER BY created_at, digest;

-- name: add_audit
-- One act of an operator.
INSERT INTO audit (at, by, act, what, detail) VALUES (?, ?, ?, ?, ?);

-- name: list_audit
-- Newest first.
SELECT at, by, act, what, detail FROM audit ORDER BY id DESC LIMIT ?;

-- name: changed_at
-- How many changes operators have made.
SELECT value FROM counters WHERE name = 'changed';
