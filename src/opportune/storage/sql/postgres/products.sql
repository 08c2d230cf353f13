-- name: next_catalogue
-- The version of the catalogue that this transaction makes; others wait for its commit.
UPDATE counters SET value = value + 1 WHERE name = 'catalogue' RETURNING value;

-- name: put_products
-- Products, whole.
INSERT INTO products (id, version, product) VALUES :rows
ON CONFLICT (id) DO UPDATE SET version = excluded.version, product = excluded.product;

-- name: find_products
-- Those of some ids.
SELECT product FROM products WHERE id = ANY(%s) ORDER BY id;

-- name: list_products
-- Those changed after a place, as they were changed.
SELECT version, product FROM products WHERE (version, id) > (%s, %s) ORDER BY version, id LIMIT %s;
