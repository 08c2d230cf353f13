-- What tests taught, as JSON: a draft that may be made anew, and what people said of it, which stays.
CREATE TABLE learnings (
    id text COLLATE "C" PRIMARY KEY,
    draft text NOT NULL,
    said text NOT NULL
);
