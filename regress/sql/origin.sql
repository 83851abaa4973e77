--
-- What carries a replication origin, and what does not
--
\t on
\a
CREATE TABLE t (a int PRIMARY KEY, b text);
SELECT count(pg_replication_origin_create('regress_elsewhere'));
SELECT start_slot();

-- any is the default; what came from elsewhere says so
INSERT INTO t VALUES (1, 'here');
SELECT pg_replication_origin_session_setup('regress_elsewhere');
INSERT INTO t VALUES (2, 'from elsewhere');
SELECT pg_replication_origin_session_reset();
SELECT stream();
INSERT INTO t VALUES (3, 'here');
SELECT stream('origin', 'any');
SELECT stream('origin', 'elsewhere');

-- local: nothing of it, whatever it is
SELECT stop_slot();
SELECT start_slot();
SET walferry.capture_ddl = on;
SELECT pg_replication_origin_session_setup('regress_elsewhere');
INSERT INTO t VALUES (4, 'from elsewhere');
BEGIN;
UPDATE t SET b = b || '!';
SAVEPOINT s;
DELETE FROM t WHERE a = 1;
ROLLBACK TO s;
ALTER TABLE t ADD c float8 DEFAULT random();
CREATE TABLE other (a int PRIMARY KEY);
RELEASE s;
COMMIT;
TRUNCATE other;
SELECT count(pg_logical_emit_message(true, 'walferry', 'transactional'));
SELECT pg_replication_origin_session_reset();
INSERT INTO t VALUES (5, 'here', 1);
UPDATE t SET b = 'here too', c = 2 WHERE a = 4;
ALTER TABLE t DROP c;
INSERT INTO other VALUES (1);
-- Without the lines that list columns.
SELECT regexp_replace(split_part(line, E'\n', 1), '^(DDL).*(ALTER TABLE t DROP c).*', '\1 \2')
FROM stream('origin', 'local') line;
SET walferry.capture_ddl = off;

-- nothing of a big one either, nor of one that takes the origin after it has begun
SET logical_decoding_work_mem = '64kB';
CREATE FUNCTION kinds() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT DISTINCT regexp_replace(line, ' (new|old|key): .*', '') FROM stream('streaming', 'on', 'origin', 'local') line ORDER BY 1;
$$;
SELECT pg_replication_origin_session_setup('regress_elsewhere');
BEGIN;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1001, 2000) i;
COMMIT;
SELECT pg_replication_origin_session_reset();
SELECT * FROM kinds();
BEGIN;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(2001, 3000) i;
SELECT pg_replication_origin_session_setup('regress_elsewhere');
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(3001, 4000) i;
COMMIT;
SELECT pg_replication_origin_session_reset();
INSERT INTO t VALUES (6, 'here');
SELECT * FROM kinds();

-- a transaction of here is no worse off
BEGIN;
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(4001, 5000) i;
COMMIT;
SELECT * FROM kinds();

RESET logical_decoding_work_mem;
SELECT stop_slot();
SELECT pg_replication_origin_drop('regress_elsewhere');
DROP TABLE t, other;
DROP FUNCTION kinds;
