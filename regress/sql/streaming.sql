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

-- one that is rolled back before it is read
BEGIN;
DELETE FROM t;
INSERT INTO t SELECT i, repeat('r', 100) FROM generate_series(1, 2000) i;
ROLLBACK;
SELECT * FROM chunks();
SELECT count(*) FROM t;

-- one that is read before its end is known
BEGIN;
INSERT INTO t SELECT i, repeat('r', 100) FROM generate_series(10001, 11000) i;
CHECKPOINT;
SELECT DISTINCT line FROM chunks() line ORDER BY 1;
ROLLBACK;
SELECT * FROM chunks();

-- subtransactions of one that has ended: what they have undone is left out
TRUNCATE t;
SELECT count(*) FROM chunks();
BEGIN;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 700) i;
SAVEPOINT s;
INSERT INTO t SELECT i, repeat('y', 100) FROM generate_series(1001, 1700) i;
ROLLBACK TO s;
SAVEPOINT s;
INSERT INTO t SELECT i, repeat('z', 100) FROM generate_series(2001, 2700) i;
RELEASE s;
INSERT INTO t VALUES (3000);
COMMIT;
CREATE TEMP TABLE got AS SELECT n, line FROM stream('streaming', 'on', 'include', 'public.t') WITH ORDINALITY s (line, n);
SELECT count(*) AS differences FROM (SELECT substring(line FROM ' a=''(\d+)')::int AS a FROM got WHERE line LIKE 'INSERT%') c
	FULL JOIN t USING (a) WHERE c.a IS NULL OR t.a IS NULL;
SELECT DISTINCT regexp_replace(line, ' new: .*', '') FROM got ORDER BY 1;
DROP TABLE got;

-- a definition that changes inside
SELECT stop_slot();
SELECT start_slot();
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
