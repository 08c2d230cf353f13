-- Tests with their design and course, as JSON; what visitors did in them is derived from what was recorded.
CREATE TABLE experiments (
    id text COLLATE "C" PRIMARY KEY,
    started_at bigint NOT NULL,
    ended_at bigint,
    experiment text NOT NULL
);
