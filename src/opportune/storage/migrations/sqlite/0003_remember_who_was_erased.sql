-- Who was erased: keyed hashes of ids and e-mail addresses, so that what arrives late about them is dropped. `lane` is
-- that of the key behind the hash.
CREATE TABLE erasures (
    lane INTEGER NOT NULL,
    mark TEXT NOT NULL,
    erased_at INTEGER NOT NULL,
    is_unsubscribed INTEGER NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (lane, mark)
) WITHOUT ROWID;
INSERT INTO counters VALUES ('newest erasure', 0);

-- What left with them, as sums that name nobody: visitors by test, and what their events had added to days' totals.
CREATE TABLE erased_units (
    experiment TEXT NOT NULL,
    phase INTEGER NOT NULL,
    arm TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (experiment, phase, arm)
) WITHOUT ROWID;

CREATE TABLE erased_totals (
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (day, name)
) WITHOUT ROWID;

CREATE INDEX business_keys_by_key ON business_keys (key);
