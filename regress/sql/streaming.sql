--
-- Transactions that come in chunks before they have ended
--
\t on
\a
CREATE TABLE t (a int PRIMARY KEY, b text);
CREATE TABLE unseen (a int, b text);
SET logical_decoding_work_mem = '64kB';

-- A chunk's rows in one line.
CREATE FUNCTION chunks(VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS $$
	WITH lines AS (SELECT n, regexp_replace(line, ' (new|old|key): .*', '') AS line
		FROM stream(VARIADIC ARRAY['streaming', 'on', 'include', 'public.t'] || options) WITH ORDINALITY s (line, n)),
	runs AS (SELECT n, line, n - row_number() OVER (PARTITION BY line ORDER BY n) AS run FROM lines)
	SELECT CASE WHEN count(*) = 1 THEN line ELSE line || ' (many)' END FROM runs GROUP BY line, run ORDER BY min(n);
$$;

-- one that commits
SELECT start_slot();
BEGIN;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 1000) i;
COMMIT;
SELECT DISTINCT line FROM chunks() line ORDER BY 1;

-- the same without the option, and what is small enough, come whole
BEGIN;
UPDATE t SET b = repeat('y', 100);
COMMIT;
SELECT DISTINCT regexp_replace(line, ' (new|old|key): .*', '') FROM stream() line ORDER BY 1;
UPDATE t SET b = 'z' WHERE a = 1;
SELECT * FROM chunks();

-- one of which nothing is sent
BEGIN;
INSERT INTO unseen SELECT i, repeat('x', 100) FROM generate_series(1, 2000) i;
COMMIT;
SELECT * FROM chunks();

-- one that is rolled back: chunks or none, and nothing but its abort after them
BEGIN;
DELETE FROM t;
INSERT INTO t SELECT i, repeat('r', 100) FROM generate_series(1, 2000) i;
ROLLBACK;
SELECT count(*) FROM chunks() line WHERE line LIKE '%COMMIT%' OR line LIKE 'BEGIN%';
SELECT count(*) FROM t;

-- subtransactions: a rolled back one is named by its abort, if the stream has anything of it
TRUNCATE t;
SELECT count(*) FROM chunks();
BEGIN;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 700) i;
SAVEPOINT s;
INSERT INTO t SELECT i, repeat('y', 100) FROM generate_series(1001, 1700) i;
ROLLBACK TO s;
INSERT INTO t SELECT i, repeat('z', 100) FROM generate_series(2001, 2700) i;
COMMIT;
CREATE TEMP TABLE got AS SELECT n, line FROM stream('streaming', 'on', 'positions', 'on') WITH ORDINALITY s (line, n);
-- what remains when the changes of aborted subtransactions are taken out is what the table has
WITH marks AS (
	SELECT n, line, substring(line FROM '^SUBTRANSACTION xid (\d+)') AS subxact, substring(line FROM '^STREAM ABORT .* subxid (\d+)') AS aborted
	FROM got
), changes AS (
	SELECT n, substring(line FROM ' a=''(\d+)')::int AS a,
		(SELECT subxact FROM marks m WHERE m.n < c.n AND subxact IS NOT NULL ORDER BY n DESC LIMIT 1) AS subxact
	FROM marks c WHERE line LIKE 'INSERT%'
), alive AS (
	SELECT a FROM changes c WHERE NOT EXISTS (SELECT FROM marks m WHERE m.aborted = c.subxact AND m.n > c.n)
)
SELECT count(*) > 0 AS sent, count(*) FILTER (WHERE a.a IS NULL OR t.a IS NULL) AS differences FROM alive a FULL JOIN t USING (a);
SELECT DISTINCT regexp_replace(regexp_replace(line, ' (new|old|key): .*', ''), '[0-9A-F]+/[0-9A-F]+|\d+|time .*', '~', 'g') FROM got ORDER BY 1;
DROP TABLE got;

-- a definition that changes inside
BEGIN;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(3001, 3700) i;
ALTER TABLE t ADD c int DEFAULT 5;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(4001, 4700) i;
TRUNCATE t;
COMMIT;
SELECT DISTINCT line FROM chunks() line ORDER BY 1;

-- as frames: a chunk opens, its changes, it closes; dense numbers
SELECT stop_slot();
SELECT start_slot();
BEGIN;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 1000) i;
COMMIT;
SELECT DISTINCT kind FROM frames('streaming', 'on') f, messages(f) ORDER BY 1;
SELECT sum((kind = 'S')::int) = sum((kind = 'E')::int) AS paired, sum((kind = 'Y')::int) AS commits, sum((kind = 'I')::int) AS inserts
FROM frames('streaming', 'on') f, messages(f);
SELECT bool_and(int32(f, 2) = number - 1) AS dense FROM frames('streaming', 'on') WITH ORDINALITY frames (f, number);

SELECT stream('streaming', 'perhaps');
SELECT stop_slot();
RESET logical_decoding_work_mem;
DROP TABLE t, unseen;
DROP FUNCTION chunks;
