-- What the shop sells, a row a product, as JSON. `version` goes up with every change of the catalogue, so that a
-- process reads only what it does not know yet.
CREATE TABLE products (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    product TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX products_by_version ON products (version, id);
INSERT INTO counters VALUES ('catalogue', 0);

-- Orders of a week, to count what was sold.
CREATE INDEX bodies_of_key_events ON bodies (name, occurred_at, seq) WHERE class = 0;
