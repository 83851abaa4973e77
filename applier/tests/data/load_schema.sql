-- Beside pgbench's own tables: one that is only inserted into, and one whose rows come, change, move and go.
CREATE TABLE ledger (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), amount numeric, note text);
CREATE TABLE stock (place int, item int, amount int NOT NULL, note text, PRIMARY KEY (place, item));
INSERT INTO stock SELECT n % 100, n, 10, repeat('stock ', n % 50) FROM generate_series(1, 20000) AS n;
