-- name: has_citus
-- Whether this database can be spread over several machines.
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus');

-- name: find_distributed
-- The tables Citus knows already.
SELECT logicalrelid::regclass::text FROM pg_dist_partition;

-- name: distribute_first
-- The table whose lanes say where everything lies.
SELECT create_distributed_table(%s, 'lane', colocate_with => 'none');

-- name: distribute_beside
-- A further one: a lane's rows lie where those of the first table do.
SELECT create_distributed_table(%s, 'lane', colocate_with => %s);

-- name: copy_everywhere
-- A small table, whole on every machine.
SELECT create_reference_table(%s);
