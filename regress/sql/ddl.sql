--
-- DDL statements: what is recorded, where it stands among the changes, what the destination runs.
--
SET walferry.capture_ddl = on;
CREATE SCHEMA ddl;
SET search_path = ddl;
SELECT public.start_slot();

CREATE FUNCTION seen(VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT s FROM public.stream(VARIADIC options) s WHERE s !~ '^(RELATION walferry|  |BEGIN|COMMIT)';
$$;
SELECT seen();

-- plainly, and among changes of rows
CREATE TABLE t (id int PRIMARY KEY, v text UNIQUE);
BEGIN;
INSERT INTO t VALUES (1, 'a');
ALTER TABLE t ADD COLUMN n int DEFAULT 7;
INSERT INTO t VALUES (2, 'b');
COMMIT;
SELECT seen();

-- from inside of something
DO $$ BEGIN EXECUTE 'CREATE TABLE by_do (id int)'; END $$;
CREATE FUNCTION make() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'CREATE VIEW by_function AS SELECT 1 AS one'; END $$;
SELECT make();
SELECT 1 \; CREATE INDEX ON t (n) \; SELECT 2;
SELECT seen();

-- not what failed, was undone or found nothing to do
CREATE TABLE t (id int);
BEGIN;
CREATE TABLE undone (id int);
ROLLBACK;
BEGIN;
SAVEPOINT s;
CREATE TABLE undone (id int);
ROLLBACK TO SAVEPOINT s;
CREATE TABLE done (id int);
COMMIT;
CREATE TABLE IF NOT EXISTS t (id int);
DROP TABLE IF EXISTS absent;
SELECT seen();

-- nor what is temporary
CREATE TEMP TABLE temporary (id int);
CREATE INDEX ON temporary (id);
CREATE TABLE pg_temp.too (id int);
CREATE VIEW turned AS SELECT * FROM temporary;
DROP TABLE temporary, done CASCADE;
CREATE TABLE kept AS SELECT * FROM too;
DROP TABLE too;
SELECT seen();

-- rows that a statement makes
CREATE TABLE copied AS SELECT id, v FROM t;
SELECT id INTO taken FROM t;
ALTER TABLE t ADD COLUMN s serial;
ALTER TABLE t ADD COLUMN at timestamptz DEFAULT '2001-02-03 04:05:06+00'::timestamptz + interval '0', ALTER COLUMN s TYPE bigint;
ALTER TABLE t ALTER COLUMN n TYPE bigint;
CREATE MATERIALIZED VIEW m AS SELECT id FROM t;
REFRESH MATERIALIZED VIEW m;
SELECT seen();

-- values that the statement has computed once
BEGIN;
ALTER TABLE t ADD COLUMN user_name text DEFAULT current_setting('walferry.capture_ddl') NOT NULL;
COMMIT;
CREATE TABLE parted (d date) PARTITION BY RANGE (d);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM ('2001-02-03'::date + 1) TO ('2001-03-03');
SELECT seen();

-- outside of a transaction, under the name that was chosen
CREATE INDEX CONCURRENTLY ON t (v, id);
DROP INDEX CONCURRENTLY t_v_id_idx;
SELECT seen();

-- an index that is of no use is none until a statement makes it whole
CREATE TABLE twice (id int PRIMARY KEY, v text, n int, d text);
INSERT INTO twice SELECT i, v, i, v FROM unnest(ARRAY['a', 'a']) WITH ORDINALITY AS r(v, i);
SELECT count(*) FROM seen();
CREATE UNIQUE INDEX CONCURRENTLY by_v ON twice (v);
CREATE UNIQUE INDEX CONCURRENTLY by_d ON twice (d, (n - n));
ALTER INDEX by_v RENAME TO v_of_twice;
COMMENT ON INDEX v_of_twice IS 'of no use yet';
CREATE TABLE like_twice (LIKE twice INCLUDING INDEXES);
DROP TABLE like_twice;
REINDEX TABLE copied;
SELECT seen();
UPDATE twice SET v = id, d = id;
REINDEX INDEX v_of_twice;
REINDEX TABLE twice;
REINDEX TABLE CONCURRENTLY twice;
CREATE TABLE like_twice (LIKE twice INCLUDING ALL);
SELECT seen();
DROP INDEX by_d, v_of_twice;
UPDATE twice SET v = '', d = '';
SELECT count(*) FROM seen();
CREATE UNIQUE INDEX CONCURRENTLY by_v ON twice (v);
CREATE UNIQUE INDEX CONCURRENTLY by_d ON twice (d);
UPDATE twice SET v = id, d = id;
SELECT count(*) FROM seen();
ALTER TABLE twice ALTER v TYPE varchar(10);
SELECT seen();
ALTER TABLE twice ALTER n TYPE bigint;
SELECT seen();
CREATE FUNCTION fail(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1 / ($1 - $1); END';
CREATE INDEX CONCURRENTLY by_fail ON twice (fail(id));
CREATE INDEX CONCURRENTLY by_fail_too ON copied (fail(id));
INSERT INTO like_twice VALUES (1);
CREATE INDEX CONCURRENTLY by_fail_again ON like_twice (fail(id));
SELECT count(*) FROM seen();
TRUNCATE twice, copied;
DELETE FROM like_twice;
VACUUM like_twice;
VACUUM (FULL) like_twice;
TRUNCATE twice;
SELECT seen();

-- what is not selected
CREATE SCHEMA other;
CREATE TABLE other.a (id int PRIMARY KEY);
CREATE VIEW over AS SELECT * FROM other.a;
DROP TABLE by_do, other.a CASCADE;
SELECT seen('include', 'ddl.*');

-- and what is tied to it
CREATE TABLE other.a (id int PRIMARY KEY, v text DEFAULT 'd');
CREATE TABLE tied (id serial PRIMARY KEY, a int REFERENCES other.a, self int REFERENCES tied);
CREATE TABLE heir (n int NOT NULL) INHERITS (other.a);
ALTER TABLE heir ADD COLUMN b int CONSTRAINT b REFERENCES other.a (id) /* , */ DEFERRABLE INITIALLY DEFERRED DEFAULT 7,
	ADD CONSTRAINT c FOREIGN KEY (n) REFERENCES other.a, ADD COLUMN d text DEFAULT ',';
ALTER TABLE heir DROP CONSTRAINT b, NO INHERIT other.a, DROP COLUMN d;
ALTER TABLE heir ADD CONSTRAINT e FOREIGN KEY (n) REFERENCES other.a;
COMMENT ON CONSTRAINT c ON heir IS 'c';
CREATE VIEW over AS SELECT heir.n FROM heir, other.a;
CREATE VIEW above AS SELECT * FROM over;
DROP VIEW by_function, above;
ALTER TABLE heir SET SCHEMA other;
SELECT seen('include', 'ddl.*');

-- maintenance and other servers' business
VACUUM t;
ANALYZE t;
REINDEX TABLE t;
SELECT seen();

-- no password is written down
SET password_encryption = 'scram-sha-256';
CREATE ROLE regress_walferry_role NOLOGIN PASSWORD 'secret' CONNECTION LIMIT 3;
ALTER ROLE regress_walferry_role ENCRYPTED PASSWORD $$secret$$;
ALTER ROLE regress_walferry_role PASSWORD NULL;
DROP ROLE regress_walferry_role;
SELECT regexp_replace(s, 'SCRAM-SHA-256[^'']*', 'SCRAM', 'g') FROM seen() s;
SELECT statement FROM walferry.ddl_log WHERE statement ~ 'regress_walferry_role';

-- a session doesn't see that it is recorded
CREATE SEQUENCE own;
SELECT nextval('own');
CREATE TABLE after_nextval (id int);
SELECT lastval();
SELECT count(*) FROM seen();

-- off
SET walferry.capture_ddl = off;
CREATE TABLE unseen (id int);
SET walferry.capture_ddl = on;
SELECT seen();

-- whose statement it is, and nobody else's to write
SELECT tag, flags, role = current_user AS mine, session_role = session_user AS by_session, search_path, statement
FROM walferry.ddl_log WHERE statement ~ 'by_do' ORDER BY id LIMIT 1;
CREATE ROLE regress_walferry_mallory;
SET ROLE regress_walferry_mallory;
INSERT INTO walferry.ddl_log SELECT * FROM walferry.ddl_log;
SELECT count(*) FROM walferry.ddl_log;
SET walferry.capture_ddl = off;
RESET ROLE;
DROP ROLE regress_walferry_mallory;

SELECT public.stop_slot();
SET client_min_messages = warning;
DROP SCHEMA ddl, other CASCADE;
RESET search_path;
