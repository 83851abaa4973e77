-- Many small tables, in 40 schemas: each with a primary key, another index and ten rows. Needs the variable tables.
SELECT format('CREATE SCHEMA app_%s', n) FROM generate_series(0, 39) n
\gexec

SELECT format($$
    CREATE TABLE app_%1$s.item_%2$s (id int PRIMARY KEY, name text, made timestamptz);
    INSERT INTO app_%1$s.item_%2$s SELECT g, 'item ' || g, timestamptz '2024-01-01 00:00+00' + g * interval '1 day' FROM generate_series(1, 10) g;
    CREATE INDEX ON app_%1$s.item_%2$s (name)$$, n % 40, n)
FROM generate_series(1, :tables) n
\gexec
