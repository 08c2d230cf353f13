-- The first layout. Every table that holds a person's things carries `lane` (key % 256) and has it first in its
-- keys, so that a distributed PostgreSQL can be told to spread by it (`postgres/distribution.py`). A `line` is the
-- row as JSON text, ready to be handed over.

CREATE SEQUENCE commits INCREMENT BY 1000;

-- Everybody written about: locked before anything of theirs changes. `seq` is the newest record of theirs.
CREATE TABLE persons (
    lane bigint NOT NULL,
    person bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (lane, person)
) WITH (fillfactor = 80);

-- Timeline rows. `until_seq` is set when a better version of the same event arrived. Key events are kept for
-- good; the others leave by quarters of a year, see `postgres/partitions.py`, and one by one from where no quarter was
-- made for them. Partitions have one level, as a distributed PostgreSQL takes no more: `FROM (1, first moment)
-- TO (1, next quarter's)`.
CREATE TABLE events (
    lane bigint NOT NULL,
    key bigint NOT NULL,
    class bigint NOT NULL,
    occurred_at bigint NOT NULL,
    seq bigint NOT NULL,
    until_seq bigint,
    value bigint NOT NULL,
    message bigint NOT NULL,
    line text NOT NULL,
    name text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    PRIMARY KEY (lane, key, class, occurred_at, seq)
) PARTITION BY RANGE (class, occurred_at);
CREATE TABLE events_0 PARTITION OF events FOR VALUES FROM (0, MINVALUE) TO (1, MINVALUE);
CREATE TABLE events_other PARTITION OF events DEFAULT;
CREATE INDEX events_that_leave ON events_other (lane, occurred_at);

-- Whole events.
CREATE TABLE bodies (
    lane bigint NOT NULL,
    seq bigint NOT NULL,
    key bigint NOT NULL,
    class bigint NOT NULL,
    occurred_at bigint NOT NULL,
    until_seq bigint,
    name text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (seq, lane, class, occurred_at)
) PARTITION BY RANGE (class, occurred_at);
CREATE TABLE bodies_0 PARTITION OF bodies FOR VALUES FROM (0, MINVALUE) TO (1, MINVALUE);
CREATE TABLE bodies_other PARTITION OF bodies DEFAULT;
CREATE INDEX bodies_that_leave ON bodies_other (lane, occurred_at);

-- Devices that were asked for once and never written about. May be lost: then they are met anew.
CREATE UNLOGGED TABLE met (
    lane bigint NOT NULL,
    key bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (lane, key)
);

CREATE TABLE keys (
    lane bigint NOT NULL,
    key bigint NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (lane, key)
);

-- `lane` is the key's here, the person's in `person_keys`.
CREATE TABLE links (
    lane bigint NOT NULL,
    key bigint NOT NULL,
    person bigint NOT NULL,
    from_seq bigint NOT NULL,
    since_seq bigint NOT NULL,
    to_seq bigint NOT NULL,
    until_seq bigint NOT NULL,
    PRIMARY KEY (lane, key, person, from_seq, since_seq)
);

CREATE TABLE person_keys (
    lane bigint NOT NULL,
    person bigint NOT NULL,
    key bigint NOT NULL,
    PRIMARY KEY (lane, person, key)
);

-- Traits in force, and those that were, for reading as of an earlier moment.
CREATE TABLE traits (
    lane bigint NOT NULL,
    key bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    line text NOT NULL,
    PRIMARY KEY (lane, key, name)
);

CREATE TABLE past_traits (
    lane bigint NOT NULL,
    key bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    until_seq bigint NOT NULL,
    line text NOT NULL,
    PRIMARY KEY (lane, key, name, seq)
);

-- `lane` is that of the order's own key.
CREATE TABLE business_keys (
    lane bigint NOT NULL,
    event text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    key bigint NOT NULL,
    class bigint NOT NULL,
    occurred_at bigint NOT NULL,
    seq bigint NOT NULL,
    is_verified boolean NOT NULL,
    PRIMARY KEY (lane, event, value)
);
CREATE INDEX business_keys_that_leave ON business_keys (lane, occurred_at) WHERE class > 0;

CREATE TABLE opportunities (
    lane bigint NOT NULL,
    key bigint NOT NULL,
    session bigint NOT NULL,
    slot text COLLATE "C" NOT NULL,
    record_seq bigint NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    line text NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    revision text COLLATE "C" NOT NULL,
    context bytea NOT NULL,
    PRIMARY KEY (lane, key, session, slot)
);

CREATE TABLE exposures (
    lane bigint NOT NULL,
    unit bigint NOT NULL,
    session bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    slot text COLLATE "C" NOT NULL,
    rule text COLLATE "C" NOT NULL,
    rule_hash text COLLATE "C" NOT NULL,
    arm text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    first_at bigint NOT NULL,
    shown_at bigint,
    shown_seq bigint,
    count bigint NOT NULL DEFAULT 0,
    line text NOT NULL,
    receipt bytea NOT NULL,
    PRIMARY KEY (lane, unit, session, subject, slot, rule, rule_hash, arm)
);

CREATE TABLE assignments (
    lane bigint NOT NULL,
    unit bigint NOT NULL,
    experiment text COLLATE "C" NOT NULL,
    phase bigint NOT NULL,
    first_seq bigint NOT NULL,
    arm text COLLATE "C" NOT NULL,
    line text NOT NULL,
    PRIMARY KEY (lane, unit, experiment, phase)
);

-- The change feed: what each commit added to a day's totals of one event, and to the events seen. `day` is in UTC.
CREATE TABLE changes (
    lane bigint NOT NULL,
    seq bigint NOT NULL,
    day text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    value bigint NOT NULL,
    seen bigint NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    PRIMARY KEY (lane, seq, day, name)
);

CREATE TABLE totals (
    day text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (day, name)
);

CREATE TABLE seen_events (
    name text COLLATE "C" PRIMARY KEY,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    count bigint NOT NULL
);

CREATE TABLE set_aside (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    code text COLLATE "C" NOT NULL,
    raw bytea NOT NULL,
    message_id text NOT NULL,
    name text NOT NULL,
    source text COLLATE "C" NOT NULL,
    received_at bigint NOT NULL
);
CREATE INDEX set_aside_by_state ON set_aside (state, id);

CREATE TABLE playbooks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision text COLLATE "C" NOT NULL,
    published_at bigint NOT NULL,
    by text NOT NULL,
    based_on text COLLATE "C" NOT NULL,
    files bytea NOT NULL
);
CREATE INDEX playbooks_by_revision ON playbooks (revision, id);

CREATE TABLE run_states (
    rule text COLLATE "C" PRIMARY KEY,
    state text NOT NULL
);

CREATE TABLE settings (
    name text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE api_keys (
    digest text COLLATE "C" PRIMARY KEY,
    created_at bigint NOT NULL,
    api_key text NOT NULL
);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    by text NOT NULL,
    act text NOT NULL,
    what text NOT NULL,
    detail text NOT NULL
);

-- How often operators changed something: a process that sees another number reads their tables again. And the moment
-- from which on every event taken is still there: days before it cannot be counted anew.
CREATE TABLE counters (
    name text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO counters (name, value) VALUES ('changed', 0), ('whole since', 0);

-- Background work that one process at a time may do.
CREATE TABLE leases (
    work text COLLATE "C" PRIMARY KEY,
    holder text NOT NULL,
    until_at bigint NOT NULL
);
