-- Notes for whoever runs the installation, each once: `once` says of what it is.
CREATE TABLE notes (
    once TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    note TEXT NOT NULL
) WITHOUT ROWID;

-- What became of a rule's answers hour by hour, as sums that name nobody; no rule: of all that was asked for in a place.
CREATE TABLE rule_counts (
    hour INTEGER NOT NULL,
    rule TEXT NOT NULL,
    slot TEXT NOT NULL,
    what TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, rule, slot, what)
) WITHOUT ROWID;
