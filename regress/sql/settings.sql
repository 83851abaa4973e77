--
-- Text is written under pinned settings, and the caller keeps its own
--
\t on
\a
CREATE SCHEMA hidden;
CREATE TYPE hidden.pair AS (d date, t timestamptz, i interval, f float8, b bytea, m money);
CREATE TABLE hidden.t (p hidden.pair, r regclass, "Q" int);
SELECT start_slot();

SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -5;
SET bytea_output = 'escape';
SET TimeZone = 'America/New_York';
SET search_path = hidden, public;
SET quote_all_identifiers = on;
CREATE VIEW public.current_settings AS
	SELECT name, setting FROM pg_settings
	WHERE name IN ('DateStyle', 'IntervalStyle', 'extra_float_digits', 'bytea_output', 'TimeZone',
		'lc_monetary', 'search_path', 'quote_all_identifiers') ORDER BY name;
CREATE TABLE public.before AS SELECT * FROM current_settings;

INSERT INTO t VALUES (('2001-02-03', '2001-02-03 04:05:06+00', '1 year -2 days 3:04', 0.1::float8 + 0.2::float8, '\x00ff41', 1234.5), 't', 1);
INSERT INTO t VALUES (('2001-02-03', '2001-02-03 04:05:06+00', '1 year -2 days 3:04', 1e-7, '\x00ff41', 1234.5), 'pg_class', 2);
SELECT p, r FROM t;
SELECT public.stream('include', 'hidden.*');

-- unchanged afterwards: after one transaction, several, and inside another one
SELECT * FROM current_settings EXCEPT SELECT * FROM public.before;
BEGIN;
SET LOCAL DateStyle = 'German';
INSERT INTO before VALUES ('x', 'y');
SAVEPOINT s;
SELECT stream('include', 'hidden.*');
SHOW DateStyle;
SHOW search_path;
ROLLBACK;
SHOW DateStyle;

-- also when decoding failed
UPDATE t SET "Q" = 3;
SELECT pg_logical_slot_get_changes('walferry_regress', NULL, NULL, 'output', 'text', 'nonsense', '1');
SELECT * FROM current_settings EXCEPT SELECT * FROM public.before;

RESET ALL;
SELECT stream('include', 'hidden.*');
DROP VIEW current_settings;
DROP TABLE before;
SET client_min_messages = warning;
DROP SCHEMA hidden CASCADE;
SELECT stop_slot();
