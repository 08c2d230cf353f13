-- Tests with their design and course, as JSON; what visitors did in them is derived from what was recorded.
CREATE TABLE experiments (
    id TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    experiment TEXT NOT NULL
) WITHOUT ROWID;
