-- Notes for whoever runs the installation, each once: `once` says of what it is.
CREATE TABLE notes (
    once text COLLATE "C" PRIMARY KEY,
    at bigint NOT NULL,
    note text NOT NULL
);

-- What became of a rule's answers hour by hour, as sums that name nobody; no rule: of all that was asked for in a place.
CREATE TABLE rule_counts (
    hour bigint NOT NULL,
    rule text COLLATE "C" NOT NULL,
    slot text COLLATE "C" NOT NULL,
    what text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (hour, rule, slot, what)
);
