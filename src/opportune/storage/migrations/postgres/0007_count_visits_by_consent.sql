-- Visits of a day by whether they let us measure, nobody's own: no id, no address, only sums. `answer` says how a visit
-- began (`yes`, `no`) or what it changed to later (`later yes`, `later no`).
CREATE TABLE consent_days (
    day text COLLATE "C" NOT NULL,
    banner text COLLATE "C" NOT NULL,
    has_gpc bigint NOT NULL,
    answer text COLLATE "C" NOT NULL,
    visits bigint NOT NULL,
    PRIMARY KEY (day, banner, has_gpc, answer)
);
