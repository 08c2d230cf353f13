-- What tests taught, as JSON: a draft that may be made anew, and what people said of it, which stays.
CREATE TABLE learnings (
    id TEXT PRIMARY KEY,
    draft TEXT NOT NULL,
    said TEXT NOT NULL
) WITHOUT ROWID;
