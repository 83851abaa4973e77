--
-- What is never sent: other kinds of relations, rewrites, the extension's schema
--
\t on
\a
CREATE TABLE t (a int PRIMARY KEY);
CREATE MATERIALIZED VIEW matview AS SELECT a FROM t;
CREATE UNLOGGED TABLE unlogged (a int);
CREATE TEMP TABLE temporary (a int);
CREATE SEQUENCE seq;
CREATE TABLE walferry.inner (a int);
CREATE TABLE catalog_like (a int) WITH (user_catalog_table = true);
SELECT start_slot();

REFRESH MATERIALIZED VIEW matview;
INSERT INTO t VALUES (1);
REFRESH MATERIALIZED VIEW matview;
CREATE UNIQUE INDEX ON matview (a);
INSERT INTO t VALUES (2);
REFRESH MATERIALIZED VIEW CONCURRENTLY matview;
INSERT INTO unlogged VALUES (1);
INSERT INTO temporary VALUES (1);
SELECT nextval('seq');
INSERT INTO walferry.inner VALUES (1);
TRUNCATE walferry.inner;
SELECT stream();

-- among changes that are
BEGIN;
INSERT INTO walferry.inner VALUES (2);
INSERT INTO t VALUES (3);
INSERT INTO unlogged VALUES (2);
TRUNCATE walferry.inner, t;
COMMIT;
INSERT INTO catalog_like VALUES (1);
SELECT stream();

-- CLUSTER and VACUUM FULL move rows and change none; the new rows of ALTER TABLE come as such
INSERT INTO t VALUES (4);
CLUSTER t USING t_pkey;
VACUUM FULL t;
ALTER TABLE t ADD b float8 DEFAULT random() * 0 + 1;
ALTER TABLE unlogged SET LOGGED;
INSERT INTO unlogged VALUES (3);
ALTER TABLE t SET UNLOGGED;
INSERT INTO t VALUES (5);
SELECT stream() line;

-- large objects and the like
SELECT lo_unlink(lo_from_bytea(0, 'x'));
COMMENT ON TABLE t IS 'x';
SELECT stream();

DROP MATERIALIZED VIEW matview;
DROP TABLE t, unlogged, temporary, walferry.inner, catalog_like;
DROP SEQUENCE seq;
SELECT stop_slot();
