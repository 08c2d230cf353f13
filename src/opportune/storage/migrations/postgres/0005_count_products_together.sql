-- What all visitors together did with products: nobody's own, small, and made anew from the events at any time. Weights
-- grow instead of fading (`core/recommending/counting.py`). `version` goes up with every step of counting, so that a
-- process reads only what it does not know yet.
CREATE TABLE product_pairs (
    product text COLLATE "C" NOT NULL,
    basis text COLLATE "C" NOT NULL,
    other text COLLATE "C" NOT NULL,
    weight double precision NOT NULL,
    times bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (product, basis, other)
);
CREATE INDEX product_pairs_by_version ON product_pairs (version);

CREATE TABLE product_counts (
    product text COLLATE "C" NOT NULL,
    basis text COLLATE "C" NOT NULL,
    weight double precision NOT NULL,
    times bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (product, basis)
);
CREATE INDEX product_counts_by_version ON product_counts (version);

-- The newest version; when everything was last counted anew, up to which event, and until when that holds others back.
CREATE TABLE recounts (
    name text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO recounts (name, value) VALUES ('version', 0), ('made', 0), ('counted', 0), ('held', 0);
