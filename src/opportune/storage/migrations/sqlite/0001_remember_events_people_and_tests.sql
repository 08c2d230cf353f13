-- The first layout. Tables that hold a person's things are clustered by lane and key, so that one
-- decision reads a few neighbouring pages. A `line` is the row as JSON text, ready to be handed over:
-- turning columns into values one by one would cost more than finding them.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters VALUES ('seq', 0), ('changed', 0);

-- Timeline rows. `until_seq` is set when a better version of the same event arrived.
CREATE TABLE events (
    lane INTEGER NOT NULL,
    key INTEGER NOT NULL,
    class INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    until_seq INTEGER,
    line TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    value INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (lane, key, class, occurred_at, seq)
) WITHOUT ROWID;

-- Whole events in commit order, the body last so that filters need not reach it.
CREATE TABLE bodies (
    seq INTEGER PRIMARY KEY,
    key INTEGER NOT NULL,
    class INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    until_seq INTEGER,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    body BLOB NOT NULL
);

CREATE TABLE keys (
    lane INTEGER NOT NULL,
    key INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (lane, key)
) WITHOUT ROWID;

-- `lane` is the key's here, the person's in the two tables below.
CREATE TABLE links (
    lane INTEGER NOT NULL,
    key INTEGER NOT NULL,
    person INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    since_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    until_seq INTEGER NOT NULL,
    PRIMARY KEY (lane, key, person, from_seq, since_seq)
) WITHOUT ROWID;

CREATE TABLE persons (
    lane INTEGER NOT NULL,
    person INTEGER NOT NULL,
    since_seq INTEGER NOT NULL,
    PRIMARY KEY (lane, person)
) WITHOUT ROWID;

CREATE TABLE person_keys (
    lane INTEGER NOT NULL,
    person INTEGER NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (lane, person, key)
) WITHOUT ROWID;

-- Traits in force, and those that were, for reading as of an earlier moment.
CREATE TABLE traits (
    lane INTEGER NOT NULL,
    key INTEGER NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (lane, key, name)
) WITHOUT ROWID;

CREATE TABLE past_traits (
    lane INTEGER NOT NULL,
    key INTEGER NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    until_seq INTEGER NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (lane, key, name, seq)
) WITHOUT ROWID;

-- Found by its value before any key is known, so it has no lane.
CREATE TABLE business_keys (
    event TEXT NOT NULL,
    value TEXT NOT NULL,
    key INTEGER NOT NULL,
    class INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    is_verified INTEGER NOT NULL,
    PRIMARY KEY (event, value)
) WITHOUT ROWID;

CREATE TABLE opportunities (
    lane INTEGER NOT NULL,
    key INTEGER NOT NULL,
    session INTEGER NOT NULL,
    slot TEXT NOT NULL,
    record_seq INTEGER NOT NULL,
    line TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    revision TEXT NOT NULL,
    context BLOB NOT NULL,
    PRIMARY KEY (lane, key, session, slot)
) WITHOUT ROWID;

-- The session stands early in the key, so that a unit's newest exposures are one range.
CREATE TABLE exposures (
    lane INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    session INTEGER NOT NULL,
    subject TEXT NOT NULL,
    slot TEXT NOT NULL,
    rule TEXT NOT NULL,
    rule_hash TEXT NOT NULL,
    arm TEXT NOT NULL,
    seq INTEGER NOT NULL,
    line TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    shown_at INTEGER,
    shown_seq INTEGER,
    count INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (lane, unit, session, subject, slot, rule, rule_hash, arm)
) WITHOUT ROWID;

CREATE TABLE receipts (
    seq INTEGER PRIMARY KEY,
    receipt BLOB NOT NULL
);

CREATE TABLE assignments (
    lane INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    experiment TEXT NOT NULL,
    phase INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    arm TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (lane, unit, experiment, phase)
) WITHOUT ROWID;

CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    code TEXT NOT NULL,
    raw BLOB NOT NULL,
    message_id TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    received_at INTEGER NOT NULL
);
CREATE INDEX set_aside_by_state ON set_aside (state, id);

CREATE TABLE playbooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    revision TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    by TEXT NOT NULL,
    based_on TEXT NOT NULL,
    files BLOB NOT NULL
);
CREATE INDEX playbooks_by_revision ON playbooks (revision, id);

CREATE TABLE run_states (
    rule TEXT PRIMARY KEY,
    state TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE api_keys (
    digest TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    api_key TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    act TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE TABLE seen_events (
    name TEXT PRIMARY KEY,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    count INTEGER NOT NULL
) WITHOUT ROWID;

-- The change feed, and what was folded from it. `day` is in UTC.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    value INTEGER NOT NULL
);

CREATE TABLE totals (
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (day, name)
) WITHOUT ROWID;
