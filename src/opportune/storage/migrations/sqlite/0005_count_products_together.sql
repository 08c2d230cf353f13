-- What all visitors together did with products: nobody's own, small, and made anew from the events at any time. Weights
-- grow instead of fading (`core/recommending/counting.py`). `version` goes up with every step of counting, so that a
-- process reads only what it does not know yet.
CREATE TABLE product_pairs (
    product TEXT NOT NULL,
    basis TEXT NOT NULL,
    other TEXT NOT NULL,
    weight REAL NOT NULL,
    times INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (product, basis, other)
) WITHOUT ROWID;
CREATE INDEX product_pairs_by_version ON product_pairs (version);

CREATE TABLE product_counts (
    product TEXT NOT NULL,
    basis TEXT NOT NULL,
    weight REAL NOT NULL,
    times INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (product, basis)
) WITHOUT ROWID;
CREATE INDEX product_counts_by_version ON product_counts (version);

-- The newest version; when everything was last counted anew, up to which event, and until when that holds others back.
CREATE TABLE recounts (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO recounts VALUES ('version', 0), ('made', 0), ('counted', 0), ('held', 0);
