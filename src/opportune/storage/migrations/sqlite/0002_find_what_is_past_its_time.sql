-- Behaviour and telemetry leave after a while, oldest first, and so does what remembers their business keys. Live
-- events come in about this order, so that adding one touches the page touched before.

CREATE INDEX bodies_that_leave ON bodies (occurred_at) WHERE class > 0;
CREATE INDEX business_keys_that_leave ON business_keys (occurred_at) WHERE class > 0;

-- The moment from which on every event taken is still there: days before it cannot be counted anew.
INSERT INTO counters VALUES ('whole since', 0);
