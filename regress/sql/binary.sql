--
-- Frames and messages, byte by byte, read back by a decoder in SQL
--
\t on
\a
-- Zeroes what is another value in every run: LSNs, xid, time, OID, server version.
CREATE FUNCTION masked(kind text, body bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT CASE kind
		WHEN 'H' THEN overlay(body PLACING '\x00000000' FROM 3)
		WHEN 'B' THEN overlay(body PLACING decode(repeat('00', 32), 'hex') FROM 1)
		WHEN 'C' THEN overlay(body PLACING decode(repeat('00', 16), 'hex') FROM 1)
		WHEN 'M' THEN overlay(body PLACING decode(repeat('00', 8), 'hex') FROM 1)
		WHEN 'T' THEN overlay(body PLACING decode(repeat('00', 4 * uint16(body, 1)), 'hex') FROM 4)
		ELSE overlay(body PLACING '\x00000000' FROM 1) END;
$$;

--
-- one of each message
--
CREATE TABLE small (id int PRIMARY KEY, t text COLLATE "C", x xml, g int GENERATED ALWAYS AS (id + 1) STORED,
	ia smallint GENERATED ALWAYS AS IDENTITY, v varchar(10), big text);
ALTER TABLE small ALTER big SET STORAGE EXTERNAL;
CREATE TABLE other (a bool);
SELECT start_slot();
INSERT INTO small (id, t, x, v, big) VALUES (1, 'ß', '<x/>', NULL, repeat('x', 2100)), (2, '', NULL, 'v', '');
UPDATE small SET t = 'u' WHERE id = 1;
UPDATE small SET id = 3 WHERE id = 2;
DELETE FROM small WHERE id = 1;
BEGIN;
ALTER TABLE small REPLICA IDENTITY FULL, DROP COLUMN big;
UPDATE small SET t = NULL;
DELETE FROM small;
INSERT INTO other VALUES (true);
DELETE FROM other;
TRUNCATE small, other RESTART IDENTITY CASCADE;
COMMIT;
SELECT count(pg_logical_emit_message(false, 'walferry', 'beat'));
SELECT count(pg_logical_emit_message(false, 'walferry', repeat('b', 70000)));
INSERT INTO other VALUES (false);

-- How many frames there are depends on how much WAL the server has written besides.
SELECT bool_and(get_byte(f, 0) = ascii('F')) AS magic, bool_and(int32(f, 2) = number - 1) AS dense,
	bool_and(pg_current_wal_flush_lsn() - '0/0' - uint64(f, 6) BETWEEN 0 AND 1000000) AS plausible_wal_end,
	(array_agg(get_byte(f, 1) ORDER BY number DESC))[1] AS last_flags
FROM frames() WITH ORDINALITY frames (f, number);
SELECT kind, length(body), replace(left(encode(masked(kind, body), 'hex'), 800), repeat('78', 100), '[..]')
FROM frames() f, messages(f);

-- the second reading in this session started over, hello included; so does one that fails before
SELECT count(*), sum((kind = 'H')::int) FROM frames() f, messages(f);
SELECT count(*) FROM frames('nonsense', '1');
SELECT min(int32(f, 2)), max(int32(f, 2)) = count(*) - 1 AS dense FROM frames() f;

-- begin and commit agree; LSNs rise; times are plausible
CREATE TEMP TABLE ends AS
	SELECT kind, body, uint64(frame, 6) AS wal_end, row_number() OVER (PARTITION BY kind ORDER BY number, place) AS n
	FROM frames() WITH ORDINALITY f (frame, number), messages(frame) WITH ORDINALITY m (kind, body, place)
	WHERE kind IN ('B', 'C');
SELECT bool_and(uint64(b.body, 8) = uint64(c.body, 0) AND uint64(b.body, 16) = uint64(c.body, 8)
		AND uint64(b.body, 8) < uint64(b.body, 16)
		AND uint64(b.body, 16) <= c.wal_end),
	bool_and(now() - ('2000-01-01 00:00+00'::timestamptz + uint64(b.body, 24)::bigint * interval '1 microsecond') < '1 hour')
FROM ends b JOIN ends c USING (n) WHERE b.kind = 'B' AND c.kind = 'C';
DROP TABLE ends;
SELECT stop_slot();

--
-- origins
--
SELECT count(pg_replication_origin_create('regress_walferry'));
SELECT start_slot();
SELECT pg_replication_origin_session_setup('regress_walferry');
BEGIN;
SELECT pg_replication_origin_xact_setup('1/23', '2001-02-03 04:05:06+00');
INSERT INTO other VALUES (true);
COMMIT;
SELECT pg_replication_origin_session_reset();
INSERT INTO other VALUES (true);
SELECT masked(kind, body) FROM frames() f, messages(f) WHERE kind = 'B';
SELECT data FROM pg_logical_slot_peek_changes('walferry_regress', NULL, NULL, 'output', 'text');
SELECT pg_replication_origin_drop('regress_walferry');
SELECT masked(kind, body) FROM frames() f, messages(f) WHERE kind = 'B';
SELECT stop_slot();

--
-- frames that are full: whole messages, dense numbers; each is full, or closing, or the first after a closing one
--
SELECT start_slot();
CREATE TABLE many (id int PRIMARY KEY, filler text);
INSERT INTO many SELECT i, repeat('f', 100) FROM generate_series(1, 5000) i;
-- larger than a frame, and than what is kept for frames
INSERT INTO many VALUES (0, repeat('g', 3000000));
INSERT INTO many VALUES (-1, 'small again');
CREATE TEMP TABLE got AS SELECT number, frame FROM frames() WITH ORDINALITY f (frame, number);
SELECT bool_and(number - 1 = int32(frame, 2)) AS dense, count(*) FILTER (WHERE length(frame) >= 65536) > 8 AS full,
	max(length(frame)) > 3000000 AS large, bool_and(length(frame) >= 65536 OR closing OR first) AS as_promised,
	(array_agg(closing ORDER BY number DESC))[1] AS last_closing
FROM (SELECT *, get_byte(frame, 1) = 1 AS closing, coalesce(lag(get_byte(frame, 1)) OVER (ORDER BY number) = 1, true) AS first
	FROM got) f;
SELECT kind, count(*) FROM got, messages(frame) GROUP BY kind ORDER BY kind;
SELECT uint64(body, 16) AS changes FROM got, messages(frame) WITH ORDINALITY m (kind, body, place)
WHERE kind = 'C' ORDER BY number, place;
SELECT count(DISTINCT int32(body, 18)) AS ids FROM got, messages(frame) WHERE kind = 'I';
DROP TABLE many, got;
SELECT stop_slot();

--
-- every type: the bytes are what its send function makes, or its output function
--
CREATE FUNCTION row_values(body bytea) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
	pos int := 6;
	size int;
	result bytea[] := '{}';
BEGIN
	FOR i IN 1 .. uint16(body, 4) LOOP
		size := int32(body, pos);
		result := result || CASE WHEN size = -1 THEN NULL ELSE substr(body, pos + 5, size) END;
		pos := pos + 4 + greatest(size, 0);
	END LOOP;
	IF pos <> length(body) THEN
		RAISE EXCEPTION 'the row does not end where its message does';
	END IF;
	RETURN result;
END $$;

-- An expression for what the stream should hold of a column.
CREATE FUNCTION expected(name name, type oid) RETURNS text LANGUAGE sql AS $$
	SELECT CASE
		WHEN NOT walferry.sends_binary(type) THEN format('convert_to(format(''%%s'', %I::text), ''UTF8'')', name)
		WHEN argument.typtype = 'p' THEN format('%s(%I)', proname, name)
		ELSE format('%s(%I::pg_catalog.%I)', proname, name, argument.typname) END
	FROM pg_type t JOIN pg_proc p ON p.oid = typsend JOIN pg_type argument ON argument.oid = proargtypes[0]
	WHERE t.oid = type
	UNION ALL
	SELECT format('convert_to(format(''%%s'', %I::text), ''UTF8'')', name) FROM pg_type
	WHERE oid = type AND typsend = 0;
$$;

CREATE FUNCTION differences(tab regclass) RETURNS TABLE (r bigint, col name, expect bytea, got bytea)
LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
	columns text;
BEGIN
	CREATE TEMP TABLE sent ON COMMIT DROP AS
		SELECT row_number() OVER () AS r, row_values(body) AS v
		FROM frames('include', 'public.' || tab) f, messages(f) WHERE kind = 'I';
	SELECT string_agg(format('CASE WHEN num_nulls(%I) = 0 THEN %s END', attname, expected(attname, atttypid)),
		', ' ORDER BY attnum)
	INTO columns FROM pg_attribute WHERE attrelid = tab AND attnum > 0;
	PERFORM set_config('search_path', '', true);
	RETURN QUERY EXECUTE format(
		'WITH expect AS (SELECT row_number() OVER () AS r, ARRAY[%s]::bytea[] AS v FROM %s)
		SELECT r, attname, e.v[attnum], s.v[attnum] FROM expect e FULL JOIN sent s USING (r), pg_attribute
		WHERE attrelid = %L::regclass AND attnum > 0 AND e.v[attnum] IS DISTINCT FROM s.v[attnum]',
		columns, tab, tab::oid);
	DROP TABLE sent;
END $$;

CREATE FUNCTION copied(tab regclass) RETURNS TABLE (name text, n bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('WITH gone AS (DELETE FROM %1$s RETURNING *),
		back AS (INSERT INTO %1$s SELECT * FROM gone RETURNING 1)
		SELECT %1$L::text, count(*) FROM back', tab);
END $$;

CREATE TABLE many (n numeric, i interval, na numeric[], ia int[], ta text[], ba bool[], va interval[], sa smallint[], ca char(3)[], ua uuid[], xa bytea[]) WITH (fillfactor = 10);	-- rows stay in their order
INSERT INTO many
SELECT n, i, ARRAY[n, NULL, -n], ARRAY[g, NULL, g + 1, g + 2], ARRAY[repeat('x', 900 + g % 300), NULL, ''], ARRAY[g % 2 = 0, NULL, true],
	ARRAY[[i, NULL], [-i, i * 2]], CASE WHEN g % 7 = 0 THEN '{}' ELSE format('[%s:%s][3:5]={{%s,2,NULL}}', -g, -g, g)::smallint[] END,
	ARRAY['a', NULL, 'abc']::char(3)[], ARRAY[md5(g::text)::uuid], ARRAY[sha256(g::text::bytea), NULL, '']
FROM generate_series(1, 600) g,
	LATERAL (SELECT CASE WHEN g % 2 = 0 THEN 1 ELSE -1 END * (g * 7919 % 100003)::numeric(30, 3) ^ (g % 9) * (10::numeric ^ (g % 80 - 40)) AS n,
		make_interval(g % 9 - 4, g, 0, -g, g, 0, g / 7.0) AS i) v;
INSERT INTO many (n) SELECT ('1e' || g * 64)::numeric FROM generate_series(-255, 2047, 13) g;
INSERT INTO many (n) VALUES ('NaN'), ('Infinity'), ('-Infinity'), (0), (0.000), (repeat('9', 2000)::numeric), (('0.' || repeat('9', 2000))::numeric);

SELECT start_slot();
SET bytea_output = hex;
SET TimeZone = 'UTC';
SET DateStyle = ISO;
SET IntervalStyle = postgres;
\set types 'ARRAY[''numbers'', ''strings'', ''times'', ''documents'', ''geometry'', ''network'', ''system'', ''registered'', ''arrays'', ''ranges'', ''own'', ''many'']'
SELECT copied(t::regclass) FROM unnest(:types) t;
SELECT t, d.* FROM unnest(:types) t, differences(t::regclass) d;		-- none
SELECT kind, count(*) FROM frames() f, messages(f) WHERE kind = 'I' GROUP BY kind;
SELECT stop_slot();

SET client_min_messages = warning;
DROP TABLE small, other, numbers, strings, times, documents, geometry, network, system, registered, arrays, ranges, own, many;
DROP TYPE mood, pair, floats, positive CASCADE;
DROP FUNCTION masked, row_values, expected, differences, copied;
