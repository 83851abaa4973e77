-- The table beside pgbench's in the benchmark of the initial copy: many types, some 450 bytes a row, and indexes whose build
-- costs as much as the rows do: a unique one on random values, one on two columns, and an inverted one. Its options must
-- arrive too, and a copier that sets one for the time of the copy must put it back. Needs the variable rows.
CREATE TABLE wide (
    id bigint PRIMARY KEY, key uuid NOT NULL, small smallint, number int, price numeric(12,2), exact numeric, ratio float8,
    flag boolean, code char(8), name varchar(40), note text, day date, moment timestamp, instant timestamptz, span interval,
    bytes bytea, document jsonb, numbers int[], words text[])
WITH (fillfactor = 90, autovacuum_enabled = false);

INSERT INTO wide
SELECT g, md5(g::text)::uuid, g % 30000, g * 7, (g % 1000000) * 1.25, g / 13::numeric, g / 7.0,
    g % 3 = 0, 'code ' || g % 1000, 'name ' || g,
    CASE WHEN g % 10 > 0 THEN md5((g * 3)::text) || repeat(' some words', (g % 9)::int) END, -- one row in ten has none
    date '2020-01-01' + (g % 3000)::int, timestamp '2020-01-01' + g * interval '1 minute',
    timestamptz '2020-01-01 00:00+00' + g * 7919 % 100000000 * interval '1 second', g * interval '1 second', sha256(g::text::bytea),
    jsonb_build_object('id', g, 'name', 'name ' || g, 'tags', jsonb_build_array('a', g % 10, NULL)),
    ARRAY[g, g + 1, g + 2]::int[], ARRAY['word ' || g % 100, NULL, 'word ' || g * 31 % 5000]
FROM generate_series(1::bigint, :rows) g;

CREATE UNIQUE INDEX wide_key ON wide (key);
CREATE INDEX wide_code_instant ON wide (code, instant DESC);
CREATE INDEX wide_words ON wide USING gin (words);
