-- What experiments came to, as sums by day of first exposure: nobody's own, and made anew from the events once a
-- minute while an experiment is open. `sums` is JSON, as whole numbers may be larger than a column takes.
CREATE TABLE measured (
    experiment text COLLATE "C" PRIMARY KEY,
    made_at bigint NOT NULL,
    seq bigint NOT NULL,
    is_frozen boolean NOT NULL,
    not_counted text NOT NULL
);

CREATE TABLE measured_days (
    experiment text COLLATE "C" NOT NULL,
    phase bigint NOT NULL,
    arm text COLLATE "C" NOT NULL,
    day text COLLATE "C" NOT NULL,
    part text COLLATE "C" NOT NULL,
    units bigint NOT NULL,
    sums text NOT NULL,
    PRIMARY KEY (experiment, phase, arm, day, part)
);

-- What visitors had added who were erased since: it stays, and names nobody.
CREATE TABLE erased_days (
    experiment text COLLATE "C" NOT NULL,
    phase bigint NOT NULL,
    arm text COLLATE "C" NOT NULL,
    day text COLLATE "C" NOT NULL,
    part text COLLATE "C" NOT NULL,
    units bigint NOT NULL,
    sums text NOT NULL,
    PRIMARY KEY (experiment, phase, arm, day, part)
);
