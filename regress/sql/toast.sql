--
-- TOAST values: sent once if they changed, marked if an update left them alone
--
\t on
\a
-- values shown by their length and ends
CREATE FUNCTION short_stream() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(line, '(''[^'']{5})[^'']{90,}([^'']{5}'')', '\1..\2', 'g')
		|| CASE WHEN length(line) > 300 THEN ' (length ' || length(line) || ')' ELSE '' END
	FROM stream() line WHERE line !~ '^(BEGIN|COMMIT|RELATION)';
$$;
CREATE FUNCTION noise(seed int, size int) RETURNS text LANGUAGE sql AS $$
	SELECT left(string_agg(md5((seed + i)::text), ''), size) FROM generate_series(0, size / 32) i;
$$;
CREATE TABLE big (id int PRIMARY KEY, external text, compressed text, plain text, j jsonb);
ALTER TABLE big ALTER external SET STORAGE EXTERNAL;
SELECT start_slot();

INSERT INTO big VALUES (1, noise(1, 10000), repeat('c', 100000), 'p', jsonb_build_object('k', noise(2, 10000)));
SELECT short_stream();
UPDATE big SET plain = 'q';
SELECT short_stream();
UPDATE big SET external = noise(3, 9000);
SELECT short_stream();
UPDATE big SET external = 'small', compressed = noise(4, 500000);
SELECT short_stream();
UPDATE big SET compressed = NULL;
UPDATE big SET id = 2;
SELECT short_stream();
DELETE FROM big;
SELECT short_stream();

-- FULL: the old row is whole, the new one has the values that changed
ALTER TABLE big REPLICA IDENTITY FULL;
INSERT INTO big VALUES (1, noise(1, 10000), noise(5, 20000), 'p', '{}');
UPDATE big SET plain = 'q';
UPDATE big SET compressed = noise(6, 20000);
DELETE FROM big;
SELECT short_stream();
ALTER TABLE big REPLICA IDENTITY DEFAULT;

-- several rows and their chunks in one transaction, also rolled back in part
BEGIN;
INSERT INTO big SELECT i, noise(i, 3000 + i), NULL, NULL, NULL FROM generate_series(1, 3) i;
SAVEPOINT s;
INSERT INTO big SELECT i, noise(i, 3000 + i), NULL, NULL, NULL FROM generate_series(4, 5) i;
ROLLBACK TO s;
UPDATE big SET plain = 'x' WHERE id = 1;
INSERT INTO big VALUES (1, noise(9, 3000)) ON CONFLICT (id) DO UPDATE SET external = excluded.external;
INSERT INTO big VALUES (10, noise(10, 3000)) ON CONFLICT (id) DO NOTHING;
COMMIT;
SELECT short_stream();

-- a key so long that it is toasted comes with every update
CREATE TABLE long_key (k text, v int);
ALTER TABLE long_key ALTER k SET STORAGE EXTERNAL, ALTER k SET NOT NULL;
CREATE UNIQUE INDEX long_key_idx ON long_key (k);
ALTER TABLE long_key REPLICA IDENTITY USING INDEX long_key_idx;
INSERT INTO long_key VALUES (noise(7, 2400), 1);
UPDATE long_key SET v = 2;
UPDATE long_key SET k = 'short';
DELETE FROM long_key;
SELECT short_stream();

DROP TABLE big, long_key;
DROP FUNCTION short_stream, noise;
SELECT stop_slot();
