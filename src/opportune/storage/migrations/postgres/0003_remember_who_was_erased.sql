-- Who was erased: keyed hashes of ids and e-mail addresses, so that what arrives late about them is dropped. `lane` is
-- that of the key behind the hash.
CREATE TABLE erasures (
    lane bigint NOT NULL,
    mark text COLLATE "C" NOT NULL,
    erased_at bigint NOT NULL,
    is_unsubscribed boolean NOT NULL,
    dropped bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (lane, mark)
);
INSERT INTO counters (name, value) VALUES ('newest erasure', 0);

-- What left with them, as sums that name nobody: visitors by test, and what their events had added to days' totals.
CREATE TABLE erased_units (
    experiment text COLLATE "C" NOT NULL,
    phase bigint NOT NULL,
    arm text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (experiment, phase, arm)
);

CREATE TABLE erased_totals (
    day text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (day, name)
);

CREATE INDEX business_keys_by_key ON business_keys (key);
