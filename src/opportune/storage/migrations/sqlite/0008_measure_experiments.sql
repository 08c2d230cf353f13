-- What experiments came to, as sums by day of first exposure: nobody's own, and made anew from the events once a
-- minute while an experiment is open. `sums` is JSON, as whole numbers may be larger than a column takes.
CREATE TABLE measured (
    experiment TEXT PRIMARY KEY,
    made_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    is_frozen INTEGER NOT NULL,
    not_counted TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE measured_days (
    experiment TEXT NOT NULL,
    phase INTEGER NOT NULL,
    arm TEXT NOT NULL,
    day TEXT NOT NULL,
    part TEXT NOT NULL,
    units INTEGER NOT NULL,
    sums TEXT NOT NULL,
    PRIMARY KEY (experiment, phase, arm, day, part)
) WITHOUT ROWID;

-- What visitors had added who were erased since: it stays, and names nobody.
CREATE TABLE erased_days (
    experiment TEXT NOT NULL,
    phase INTEGER NOT NULL,
    arm TEXT NOT NULL,
    day TEXT NOT NULL,
    part TEXT NOT NULL,
    units INTEGER NOT NULL,
    sums TEXT NOT NULL,
    PRIMARY KEY (experiment, phase, arm, day, part)
) WITHOUT ROWID;
