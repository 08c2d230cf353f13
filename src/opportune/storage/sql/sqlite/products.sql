-- name: next_catalogue
-- The version of the catalogue that this job makes.
UPDATE counters SET value = value + 1 WHERE name = 'catalogue' RETURNING value;

-- name: put_product
-- A product, whole.
INSERT OR REPLACE INTO products (id, version, product) VALUES (?, ?, ?);

-- name: find_products
-- Those of some ids.
SELECT product FROM products WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id;

-- name: list_products
-- Those changed after a place, as they were changed.
SELECT version, product FROM products WHERE (version, id) > (?, ?) ORDER BY version, id LIMIT ?;
