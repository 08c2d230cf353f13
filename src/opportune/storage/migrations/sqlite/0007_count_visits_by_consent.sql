-- Visits of a day by whether they let us measure, nobody's own: no id, no address, only sums. `answer` says how a visit
-- began (`yes`, `no`) or what it changed to later (`later yes`, `later no`).
CREATE TABLE consent_days (
    day TEXT NOT NULL,
    banner TEXT NOT NULL,
    has_gpc INTEGER NOT NULL,
    answer TEXT NOT NULL,
    visits INTEGER NOT NULL,
    PRIMARY KEY (day, banner, has_gpc, answer)
) WITHOUT ROWID;
