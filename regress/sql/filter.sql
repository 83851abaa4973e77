--
-- Settings of tables: operations, columns, row filters and transforms
--
\t on
\a
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN short AS varchar(10) CHECK (value <> 'no');
CREATE FUNCTION reads_tables(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 > 0';
CREATE TABLE person (id int PRIMARY KEY, region text, email varchar(40), amount int, m mood, s short, body text,
	doubled int GENERATED ALWAYS AS (amount * 2) STORED);
CREATE TABLE whole (id int, region text, body text, n int);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE keyed (region text, id int, body text, n int, PRIMARY KEY (region, id));
CREATE TABLE parent (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE child PARTITION OF parent FOR VALUES FROM (0) TO (100);
CREATE TABLE other (id int PRIMARY KEY, v text);

CREATE FUNCTION rows_of(relation regclass, settings text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' | ', columns::text, types::regtype[]::text, expressions::text, condition)
	FROM walferry.sent_rows(relation, '[{"name": "public.*", ' || settings || '}]');
$$;
-- The error, and where in the expression it is.
CREATE FUNCTION fault(relation regclass, settings text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN 'no error: ' || rows_of(relation, settings);
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;

-- what the copy reads
SELECT rows_of('person', '"where": "region = ''eu'' AND amount > 10", "operations": ["insert", "truncate"]');
SELECT rows_of('person', '"columns": ["id", "email", "doubled"]');
SELECT rows_of('person', '"set": {"email": "md5(email)", "full": "region || '' '' || md5(email)", "amount": "NULL", "m": "''ok''"}');
SELECT rows_of('person', '"set": {"s": "upper(s)"}, "where": "m = ''sad'' AND m < ''happy'' AND s IN (''a'', ''b'')", "operations": ["insert"]');
SELECT rows_of('person', '"operations": ["insert", "ddl"]');
SELECT rows_of('whole', '"where": "(string_to_array(region, '','') || ARRAY[''x''])[2:3] IS NOT NULL AND greatest(id, n, 1) > 0 AND (id, n) < (1, 2) AND CASE n WHEN 1 THEN true ELSE coalesce(body, region) IN (''a'') END AND n IS DISTINCT FROM 3 AND NULLIF(n, 0) = 1 AND region COLLATE \"C\" > ''a'' AND id = ANY (ARRAY[1, n]) AND region ~ ''^e'' AND NOT (n > 0) IS TRUE"');
SELECT rows_of('child', '"operations": ["insert"]') FROM (SELECT) x;
SELECT * FROM walferry.sent_rows('person', '[]');
SELECT * FROM walferry.table_settings('child', '[{"name": "public.parent", "where": "id > 1", "set": {"v": "''x''"}, "columns": ["v", "id"]}]');
SELECT * FROM walferry.table_settings('child', '[{"name": "public.par*"}, {"name": "public./chi.*/", "operations": ["ddl", "insert"]}]');
SELECT * FROM walferry.table_settings('other', '[{"name": "public.par*"}]');
SELECT * FROM walferry.table_settings('other', '[{"name": "public.o*"}, {"name": "*.other"}]');
SELECT * FROM walferry.table_settings('public', 'gone', '[{"name": "public.o*"}, {"name": "*.gone", "where": "id > 1"}]');
SELECT * FROM walferry.table_settings('public', 'child', '[{"name": "public.par*"}]');
SELECT rows_of('person', '"set": {"email": "''x''"}, "merge": {"source_id": "''s1''", "n": "1 + 1"}, "operations": ["insert"]');
SELECT * FROM walferry.table_settings('other', '[{"name": "public.other", "set": {"v": "''x''"}, "merge": {"source_id": "''s1''"}}]');

-- what can't be
\set VERBOSITY default
SELECT rows_of('person', '"where": "amount > 10 AND regoin = ''eu''"');
\set VERBOSITY terse
SELECT fault('person', '"where": "amount >"');
SELECT fault('person', '"where": "amount"');
SELECT fault('person', '"where": "amount > 1; DROP TABLE x"');
SELECT fault('person', '"where": "true FROM other"');
SELECT fault('person', '"where": "true, false"');
SELECT fault('person', '"where": "other.id = 1"');
SELECT fault('person', '"where": "person IS NULL"');
SELECT fault('person', '"where": "*"');
SELECT fault('person', '"where": "ctid = ''(0,1)''"');
SELECT fault('person', '"where": "EXISTS (SELECT FROM nowhere)"');
SELECT fault('person', '"where": "amount = (SELECT 1)"');
SELECT fault('person', '"where": "amount = $1"');
SELECT fault('person', '"where": "now() > ''2020-01-01''"');
SELECT fault('person', '"where": "current_date > ''2020-01-01''"');
SELECT fault('person', '"where": "public.reads_tables(amount)"');
SELECT fault('person', '"where": "count(*) > 1"');
SELECT fault('person', '"where": "m::text = ''ok''"');
SELECT fault('person', '"set": {"s": "email::public.short"}');
SELECT fault('person', '"set": {"email": "region || id"}');
SELECT fault('person', '"set": {"email": "row_number() OVER ()"}');
SELECT fault('person', '"set": {"email": "generate_series(1, 2)"}');
SELECT fault('person', '"set": {"email": "1 / 0"}');
SELECT fault('person', '"set": {"email": "point(1, 2)"}');
SELECT fault('person', '"set": {"amount": "point(1, 2)"}');
SELECT fault('person', '"set": {"doubled": "1"}');
SELECT fault('person', '"set": {"email": "NULL"}, "columns": ["id"]');
SELECT fault('person', '"columns": ["id", "nothing"]');
SELECT fault('person', '"columns": ["email"]');
SELECT fault('person', '"columns": ["email"], "operations": ["insert", "truncate"]');
SELECT fault('person', '"where": "region = ''eu''"');
SELECT fault('person', '"set": {"id": "id + amount"}');
SELECT fault('person', '"set": {"email": "email || body"}');
SELECT fault('person', '"set": {"size": "length(body)"}');
SELECT fault('whole', '"set": {"size": "length(body)", "body": "body || region"}, "where": "n > 1"');
SELECT fault('keyed', '"set": {"body": "md5(body)"}, "where": "region = ''eu''"');
SELECT fault('keyed', '"columns": ["region", "n"]');
SELECT fault('keyed', '"merge": {"source_id": "region"}');

-- the option's form
SELECT start_slot();
SELECT stream('tables', '{}');
SELECT stream('tables', '[1]');
SELECT stream('tables', '[{"where": "true"}]');
SELECT stream('tables', '[{"name": "a.b,c.d"}]');
SELECT stream('tables', '[{"name": "a.b", "wher": "true"}]');
SELECT stream('tables', '[{"name": "a.b", "operations": []}]');
SELECT stream('tables', '[{"name": "a.b", "operations": ["upsert"]}]');
SELECT stream('tables', '[{"name": "a.b", "where": 1}]');
SELECT stream('tables', '[{"name": "a.b", "set": []}]');
SELECT stream('tables', 'no JSON');
SELECT stream('tables', '[{"name": "a.b", "merge": []}]');

-- updates that move rows across a filter
SELECT start_slot();
INSERT INTO keyed VALUES ('eu', 1, 'in', 1), ('us', 2, 'out', 2), ('eu', 3, NULL, 3);
UPDATE keyed SET n = 10;
UPDATE keyed SET region = 'us' WHERE id = 1;
UPDATE keyed SET region = 'eu' WHERE id = 2;
UPDATE keyed SET region = 'us', n = NULL WHERE id = 3;
UPDATE keyed SET id = 20 WHERE id = 2;
DELETE FROM keyed;
SELECT stream('tables', '[{"name": "public.keyed", "where": "region = ''eu''", "set": {"body": "md5(body)", "origin": "1"}}]', 'include', 'public.keyed');

-- values in the TOAST table
SELECT start_slot();
ALTER TABLE whole ALTER body SET STORAGE EXTERNAL;
ALTER TABLE keyed ALTER body SET STORAGE EXTERNAL;
INSERT INTO whole VALUES (1, 'us', repeat('a', 3000), 1), (2, 'eu', repeat('b', 3000), 2);
UPDATE whole SET region = 'eu', n = 5 WHERE id = 1;
UPDATE whole SET n = 6 WHERE id = 2;
UPDATE whole SET region = 'us' WHERE id = 1;
SELECT replace(replace(stream, repeat('a', 3000), 'AAA'), repeat('b', 3000), 'BBB') FROM
	stream('tables', '[{"name": "public.whole", "where": "region = ''eu'' AND length(body) = 3000", "set": {"n": "length(body) + n", "body": "left(body, 3)", "copy": "body"}}]', 'include', 'public.whole');
SELECT start_slot();
INSERT INTO keyed VALUES ('eu', 1, repeat('a', 3000), 1), ('us', 2, repeat('b', 3000), 2);
UPDATE keyed SET n = 5;
SELECT replace(replace(stream, repeat('a', 3000), 'AAA'), repeat('b', 3000), 'BBB') FROM
	stream('tables', '[{"name": "public.keyed", "where": "region = ''eu''", "set": {"body": "left(body, 3)", "copy": "md5(body)"}}]', 'include', 'public.keyed');
UPDATE keyed SET region = 'eu' WHERE id = 2;
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT stream('tables', '[{"name": "public.keyed", "where": "region = ''eu''"}]', 'include', 'public.keyed');
\set VERBOSITY terse
SELECT stream('tables', '[{"name": "public.keyed", "columns": ["region", "id", "n"], "where": "region = ''eu''"}]', 'include', 'public.keyed');

-- one of several tables that arrive in one
SELECT start_slot();
INSERT INTO other VALUES (3, 'a');
UPDATE other SET id = 4 WHERE id = 3;
DELETE FROM other WHERE id = 4;
SELECT data FROM pg_logical_slot_peek_changes('walferry_regress', NULL, NULL, 'output', 'text', 'include', 'public.other', 'tables', '[{"name": "public.other", "operations": ["insert", "update", "delete", "truncate"], "merge": {"source_id": "''s1''::varchar"}}]');

-- operations
SELECT start_slot();
INSERT INTO other VALUES (1, 'a'), (2, 'b');
UPDATE other SET v = 'c' WHERE id = 1;
DELETE FROM other WHERE id = 1;
INSERT INTO child VALUES (1, 'a');
TRUNCATE other, parent;
SELECT count(*) FROM pg_logical_slot_peek_changes('walferry_regress', NULL, NULL, 'output', 'text', 'tables', '[{"name": "*.*", "operations": ["ddl"]}]');
SELECT data FROM pg_logical_slot_peek_changes('walferry_regress', NULL, NULL, 'output', 'text', 'tables', '[{"name": "public.other", "operations": ["insert", "delete"]}, {"name": "public.parent", "operations": ["truncate"]}]');
SELECT data FROM pg_logical_slot_peek_changes('walferry_regress', NULL, NULL, 'output', 'text', 'include', 'public.other', 'tables', '[{"name": "public.other", "operations": ["insert"], "columns": ["v"]}]');
SELECT stream('tables', '[{"name": "public.other", "operations": ["update"], "where": "v = ''a''"}]', 'include', 'public.other');
SELECT stream('tables', '[{"name": "public.other", "operations": ["update"], "set": {"v": "''x''"}}]', 'include', 'public.other');

-- an error in an expression stops the stream, and so does a column that is gone
SELECT start_slot();
INSERT INTO other VALUES (3, '0');
SELECT stream('tables', '[{"name": "public.other", "set": {"v": "1 / v::int"}}]', 'include', 'public.other');
ALTER TABLE other RENAME v TO w;
INSERT INTO other VALUES (4, '0');
SELECT stream('tables', '[{"name": "public.other", "set": {"v": "upper(v)"}}]', 'include', 'public.other');

-- a new name for which the settings are others
SELECT start_slot();
INSERT INTO other VALUES (5, 'secret');
ALTER TABLE other RENAME TO another;
INSERT INTO another VALUES (6, 'secret');
SELECT stream('tables', '[{"name": "public.other", "set": {"w": "md5(w)"}}]', 'include', 'public.*other');
SELECT stream('settled', '1,x');
SELECT stream('include', 'public.another', 'settled', '1,' || 'another'::regclass::oid);
SELECT stream('tables', '[{"name": "public./(an)?other/", "set": {"w": "md5(w)"}}]', 'include', 'public.*other');

-- statements and what they compute
SELECT start_slot();
SET walferry.capture_ddl = on;
ALTER TABLE another ADD seen int DEFAULT 7;
ALTER TABLE another ALTER seen TYPE bigint;
SELECT data FROM pg_logical_slot_peek_changes('walferry_regress', NULL, NULL, 'output', 'text', 'include', 'public.another');
SELECT data FROM pg_logical_slot_peek_changes('walferry_regress', NULL, NULL, 'output', 'text', 'include', 'public.another', 'tables', '[{"name": "public.another", "where": "id > 5", "set": {"w": "md5(w)"}}]');
SELECT data FROM pg_logical_slot_peek_changes('walferry_regress', NULL, NULL, 'output', 'text', 'include', 'public.another', 'tables', '[{"name": "public.another", "set": {"w": "md5(w)"}, "operations": ["insert", "ddl"]}]');
SELECT count(*) FROM pg_logical_slot_peek_changes('walferry_regress', NULL, NULL, 'output', 'text', 'include', 'public.another', 'tables', '[{"name": "public.another", "operations": ["insert"]}]');
ALTER TABLE another RENAME TO public_name;
SELECT count(*) FROM stream('tables', '[{"name": "public.another", "set": {"w": "md5(w)"}}]', 'include', 'public.another');
SELECT count(*) FROM stream('tables', '[{"name": "public.another", "set": {"w": "md5(w)"}}]', 'include', 'public.*');
SET walferry.capture_ddl = off;
SELECT stop_slot();
DROP TABLE person, whole, keyed, parent, public_name;
DROP FUNCTION reads_tables, rows_of, fault;
DROP DOMAIN short;
DROP TYPE mood;
